"""What the fast road of arrays takes for granted: buffers that nobody else holds, and warnings that stay off."""

import numpy as np
import pytest

import ad

X = np.array([0.5, -1.0, 2.0])


def test_warnings_are_off_where_a_function_turns_them_on_again():
    def inner(x):
        return np.sum(np.sqrt(x))  # its slope at 0 is infinite

    def f(x):
        with np.errstate(all="raise"):
            return np.sum(x * x) + ad.grad(inner)(np.array([0.0, 4.0]))[1]

    assert ad.grad(f)(X).tolist() == (2 * X).tolist()
    assert ad.jvp(f, (X,), (X,))[1] == 2 * np.sum(X * X)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        np.sqrt(np.array([-1.0]))
    before = np.geterr()
    ad.grad(f)(X)
    assert np.geterr() == before
