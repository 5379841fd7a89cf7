"""For each declared function on arrays, functions of a namespace and arrays, with the arrays' shapes.

`tests/ad/test_maps.py` differentiates all of them and compares with JAX.
"""

import jax
import jax.numpy as jnp
import numpy as np

import ad

ROWS = np.array([2, 0, 2, 1])
MASK = np.array([[True, False, True], [False, False, True]])
CONSTANT = np.array([[1.0, 2.0, 3.0]])
ZEROS = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
PADDINGS = ("edge", "reflect", "symmetric", "wrap")


def logsumexp(xp):
    return jax.scipy.special.logsumexp if xp is jnp else ad.logsumexp


def scatter(xp, x):
    return ad.scatter(x, (4, 3), ROWS) if xp is not jnp else jnp.zeros((4, 3)).at[ROWS].add(x)


SAMPLES = {
    "sum": [
        (lambda xp, x: xp.sum(x), (3, 4)),
        (lambda xp, x: xp.sum(x, axis=0), (3, 4)),
        (lambda xp, x: xp.sum(x, axis=(0, -1), keepdims=True), (3, 4, 2)),
        (lambda xp, x: xp.sum(x, -1), (3, 0)),
        (lambda xp, x: x.sum(axis=1, keepdims=True), (1, 1)),
        (lambda xp, x: xp.sum(x), ()),
        (lambda xp, x: xp.sum(x, axis=()), (2, 3)),
    ],
    "mean": [
        (lambda xp, x: xp.mean(x), (3, 4)),
        (lambda xp, x: x.mean(axis=(0, 2)), (3, 4, 2)),
        (lambda xp, x: xp.mean(x, 1, keepdims=True), (3, 4)),
    ],
    "reshape": [
        (lambda xp, x: xp.reshape(x, (4, -1)), (3, 4)),
        (lambda xp, x: x.reshape(2, 6), (3, 4)),
        (lambda xp, x: x.reshape(-1), ()),
    ],
    "ravel": [(lambda xp, x: xp.ravel(x), (3, 4)), (lambda xp, x: x.flatten(), (3, 4))],
    "squeeze": [(lambda xp, x: xp.squeeze(x), (1, 3, 1)), (lambda xp, x: x.squeeze(axis=0), (1, 3, 1))],
    "expand_dims": [(lambda xp, x: xp.expand_dims(x, 1), (3, 4)), (lambda xp, x: xp.expand_dims(x, (0, -1)), (3,))],
    "transpose": [
        (lambda xp, x: xp.transpose(x), (3, 4, 2)),
        (lambda xp, x: x.T, (3, 4)),
        (lambda xp, x: x.mT, (3, 4, 2)),
        (lambda xp, x: x.transpose(1, -1, 0), (3, 4, 2)),
    ],
    "swapaxes": [(lambda xp, x: xp.swapaxes(x, 0, -1), (3, 4, 2)), (lambda xp, x: x.swapaxes(1, 0), (3, 4))],
    "broadcast_to": [
        (lambda xp, x: xp.broadcast_to(x, (2, 3, 4)), (3, 1)),
        (lambda xp, x: xp.broadcast_to(x, (2, 2)), ()),
        (lambda xp, x: xp.broadcast_to(x, (0, 3)), (1, 3)),
    ],
    "concatenate": [
        (lambda xp, x, y: xp.concatenate([x, y]), (3, 4), (1, 4)),
        (lambda xp, x, y: xp.concatenate((x, y, x), axis=-1), (2, 3), (2, 0)),
        (lambda xp, x, y: xp.concatenate([x, CONSTANT, y], axis=0), (2, 3), (1, 3)),
        (lambda xp, x, y: xp.concatenate((x, y), axis=None), (2, 3), (4,)),
    ],
    "stack": [
        (lambda xp, x, y: xp.stack([x, y], axis=1), (3, 4), (3, 4)),
        (lambda xp, x, y: xp.stack([x[0], 2.0, y]), (2,), ()),
    ],
    "where": [
        (lambda xp, x, y: xp.where(x > y, x, y), (3, 4), (4,)),
        (lambda xp, x: xp.where(MASK, x, 0.5), (2, 3)),
        (lambda xp, x: xp.where(MASK, CONSTANT, x), ()),
        (lambda xp, x, y: xp.where(True, x, y), (3,), (2, 1)),
    ],
    "choose": [(lambda xp, x, y: ad.choose((x, y), MASK) if xp is not jnp else xp.where(MASK, x, y), (3,), (2, 1))],
    "getitem": [
        (lambda xp, x: x[1:, ::-2], (3, 4)),
        (lambda xp, x: x[0], (3,)),
        (lambda xp, x: x[..., None, -1], (3, 4)),
        (lambda xp, x: x[ROWS], (3, 4)),
        (lambda xp, x: x[ROWS, ROWS[:, None]], (3, 4)),
        (lambda xp, x: x[0, :, ROWS], (2, 3, 3)),
        (lambda xp, x: x[ROWS, None, ROWS], (3, 4)),
        (lambda xp, x: x[MASK], (2, 3)),
        (lambda xp, x: x[MASK[0]], (3, 2)),
        (lambda xp, x: x[()], ()),
        (lambda xp, x: sum(row * row for row in x), (3, 2)),
    ],
    "scatter": [(scatter, (4, 3))],
    "matmul": [
        (lambda xp, x, y: x @ y, m, n)
        for m, n in [
            *(((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2))),
            *(((4, 2, 3), (3, 2)), ((1, 2, 3), (5, 3, 2)), ((4, 1, 2, 3), (5, 3, 2)), ((2, 0), (0, 3))),
        ]
    ]
    + [(lambda xp, x: CONSTANT @ x, (3, 2)), (lambda xp, x: xp.matmul(x, CONSTANT.T), (2, 3))],
}


def regular(xp, x):
    return xp.sin(x) * 0.2 + np.eye(3)


SAMPLES |= {
    "solve": [
        (lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (3, 3), (2, 3, 1)),
        (lambda xp, a: xp.linalg.solve(regular(xp, a), np.ones(3)), (2, 3, 3)),
        (lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (3, 3), (3,)),
        (lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (2, 3, 3), (2, 3, 2)),
        (lambda xp, b: xp.linalg.solve(np.eye(3) + 0.1, b), (3, 2)),
        (lambda xp, a: xp.linalg.solve(regular(xp, a), np.ones((3, 1))), (3, 3)),
    ],
    "inv": [
        (lambda xp, a: xp.linalg.inv(regular(xp, a)), (3, 3)),
        (lambda xp, a: xp.linalg.inv(regular(xp, a)), (2, 3, 3)),
    ],
}

SAMPLES |= {
    "max": [
        (lambda xp, x: xp.max(x), (3, 4)),
        (lambda xp, x: x.max(axis=(0, -1), keepdims=True), (3, 4, 2)),
        (lambda xp, x: xp.max(xp.round(x), axis=1), (3, 4)),
        (lambda xp, x: xp.amax(x, 0), (3, 1)),
    ],
    "min": [(lambda xp, x: x.min(axis=0), (3, 4)), (lambda xp, x: xp.amin(x, axis=-1, keepdims=True), (3, 4))],
    "ptp": [(lambda xp, x: xp.ptp(x, axis=0), (3, 4))],
    "prod": [
        (lambda xp, x: xp.prod(x), (3, 4)),
        (lambda xp, x: x.prod(axis=1), (2, 5)),
        (lambda xp, x: xp.prod(x * ZEROS, axis=-1, keepdims=True), (3, 4)),
        (lambda xp, x: xp.prod(x, axis=(0, 2)), (3, 2, 2)),
        (lambda xp, x: xp.prod(x, axis=0), (0, 2)),
        (lambda xp, x: xp.prod(x), ()),
    ],
    "cumprod": [
        (lambda xp, x: xp.cumprod(x), (2, 3)),
        (lambda xp, x: x.cumprod(axis=1), (2, 5)),
        (lambda xp, x: xp.cumprod(x * ZEROS, axis=-1), (3, 4)),
        (lambda xp, x: xp.cumprod(x, axis=0), (0, 2)),
    ],
    "cumsum": [
        (lambda xp, x: xp.cumsum(x), (2, 3)),
        (lambda xp, x: x.cumsum(axis=-2), (2, 3)),
        (lambda xp, x: xp.cumsum(x, axis=0), (0, 2)),
    ],
    "diff": [
        (lambda xp, x: xp.diff(x), (4,)),
        (lambda xp, x: xp.diff(x, n=2, axis=0), (4, 2)),
        (lambda xp, x, y: xp.diff(x, axis=0, prepend=y, append=x[:1]), (3, 2), (1, 2)),
    ],
    "trapezoid": [
        (lambda xp, y: xp.trapezoid(y, dx=0.5, axis=0), (4, 2)),
        (lambda xp, y, x: xp.trapezoid(y, x), (2, 4), (4,)),
        (lambda xp, y, x: xp.trapezoid(y, x, axis=0), (3, 2), (3,)),
        (lambda xp, y, x: xp.trapezoid(y, x), (2, 4), (2, 4)),
    ],
    "average": [
        (lambda xp, x: xp.average(x, axis=0), (3, 2)),
        (lambda xp, x, w: xp.average(x, weights=w * w), (3, 2), (3, 2)),
        (lambda xp, x, w: xp.average(x, 0, w * w), (3, 2), (3,)),
    ],
    "var": [
        (lambda xp, x: xp.var(x), (3, 4)),
        (lambda xp, x: x.var(axis=1, ddof=1), (3, 4)),
        (lambda xp, x: xp.var(x, axis=(0, 2), correction=1, keepdims=True), (3, 2, 2)),
    ],
    "std": [
        (lambda xp, x: xp.std(x), (3, 4)),
        (lambda xp, x: x.std(axis=0, ddof=1), (3, 2)),
        (lambda xp, x: xp.std(x, axis=1, correction=1), (2, 3)),
        (lambda xp, x: xp.std(x, axis=-1, keepdims=True), (2, 3)),
    ],
    "length": [(lambda xp, x: ad.length(x, 0) if xp is not jnp else jnp.linalg.norm(x, axis=0), (3, 2))],
    "logsumexp": [
        (lambda xp, x: logsumexp(xp)(x), (3, 4)),
        (lambda xp, x: logsumexp(xp)(600 * x, axis=-1, keepdims=True), (3, 4)),
        (lambda xp, x: logsumexp(xp)(x, axis=(0, 1)), (3, 2, 2)),
    ],
    "moveaxis": [
        (lambda xp, x: xp.moveaxis(x, 0, -1), (2, 3, 4)),
        (lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), (2, 3, 4)),
    ],
    "matrix_transpose": [(lambda xp, x: xp.matrix_transpose(x), (2, 3, 4))],
    "flip": [(lambda xp, x: xp.flip(x), (2, 3)), (lambda xp, x: xp.flip(x, axis=(0, -1)), (2, 3, 2))],
    "diagonal": [
        (lambda xp, x: xp.diagonal(x), (3, 4)),
        (lambda xp, x: x.diagonal(offset=1, axis1=-1, axis2=0), (3, 2, 4)),
        (lambda xp, x: xp.diagonal(x, -2), (4, 3)),
    ],
    "trace": [(lambda xp, x: xp.trace(x), (3, 4)), (lambda xp, x: x.trace(1, 1, 2), (2, 3, 3))],
    "tensordot": [
        (lambda xp, x, y: xp.tensordot(x, y), (2, 3, 4), (3, 4, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=0), (2,), (3, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=((0, -1), (1, 0))), (2, 3, 4), (4, 2)),
        (lambda xp, x: xp.tensordot(CONSTANT, x, (1, 0)), (3, 2)),
    ],
    "dot": [
        (lambda xp, x, y: xp.dot(x, y), (2, 3), (3, 2)),
        (lambda xp, x, y: x.dot(y), (2, 2, 3), (3,)),
        (lambda xp, x, y: xp.dot(x, y), (2, 3), (4, 3, 2)),
        (lambda xp, x, y: xp.dot(x, y), (), (3, 2)),
    ],
    "inner": [(lambda xp, x, y: xp.inner(x, y), (2, 3), (4, 3)), (lambda xp, x, y: xp.inner(x, y), (3,), (3,))],
    "vdot": [(lambda xp, x, y: xp.vdot(x, y), (2, 3), (6,))],
    "vecdot": [(lambda xp, x, y: xp.vecdot(x, y), (2, 3), (3,))],
    "outer": [(lambda xp, x, y: xp.outer(x, y), (2, 3), (4,)), (lambda xp, x: xp.outer(CONSTANT, x), (2,))],
    "kron": [(lambda xp, x, y: xp.kron(x, y), (2, 3), (3, 2)), (lambda xp, x, y: xp.kron(x, y), (2,), (3, 2))],
    "cross": [
        (lambda xp, x, y: xp.cross(x, y), (2, 3), (3,)),
        (lambda xp, x, y: xp.cross(x, y, axis=0), (3, 2), (3, 2)),
    ],
    "einsum": [
        (lambda xp, *xs, spec=spec: xp.einsum(spec, *xs), *shapes)
        for spec, *shapes in [
            *(("ij,jk->ik", (2, 3), (3, 4)), ("ij , jk", (2, 3), (3, 4)), ("ii", (3, 3)), ("jij->ji", (2, 3, 2))),
            *(("...ij,...j->...i", (4, 2, 3), (3,)), ("i...->...", (2, 3, 2)), ("ba", (2, 3)), ("ij->", (2, 3))),
            *(("...,...->...", (2, 1, 3), (4, 1)), ("ij,k->i", (2, 3), (4,)), (",i->i", (), (3,))),
            *(
                ("ij,jk,kl", (2, 3), (3, 2), (2, 2)),
                ("i,ij,j,k->k", (2,), (2, 3), (3,), (2,)),
                ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
            ),
            *(("ij,ij->ij", (1, 3), (2, 3)), ("ij,ij", (2, 0), (2, 0))),
        ]
    ],
    "contract": [
        (lambda xp, x, y: ad.contract(x, y, "ij", "jk", "ki") if xp is not jnp else (x @ y).T, (2, 3), (3, 2))
    ],
    "multi_dot": [
        (lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]), (2, 3), (3, 4), (4, 2)),
        (lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]), (3,), (3, 2), (2,)),
    ],
    "take": [
        (lambda xp, x: xp.take(x, ROWS, axis=0), (3, 2)),
        (lambda xp, x: x.take(ROWS[:, None] - 1), (2, 3)),
        (lambda xp, x: xp.take(x, np.array([5, -7]), axis=1, mode="wrap"), (2, 3)),
        (lambda xp, x: xp.take(x, 1, axis=-1), (2, 3)),
    ],
    "take_along_axis": [
        (lambda xp, x: xp.take_along_axis(x, np.array([[0, 0], [2, 1]]), axis=1), (2, 3)),
        (lambda xp, x: xp.take_along_axis(x, np.array([[1]]), 0), (2, 3)),
    ],
    "sort": [
        (lambda xp, x: xp.sort(x), (3, 4)),
        (lambda xp, x: xp.sort(x, axis=0), (3, 2)),
        (lambda xp, x: xp.sort(x, axis=None), (3, 2)),
    ],
    "clip": [
        (lambda xp, x: xp.clip(x, -0.5, 0.5), (3, 4)),
        (lambda xp, x, y: x.clip(y), (3, 2), (2,)),
        (lambda xp, x, y: xp.clip(x, None, y), (2,), ()),
    ],
}


def spd(xp, x):
    return x @ x.mT + np.eye(x.shape[-1])


SAMPLES |= {
    "cholesky": [
        (lambda xp, x: xp.linalg.cholesky(spd(xp, x)), (3, 3)),
        (lambda xp, x: xp.linalg.cholesky(spd(xp, x), upper=True), (2, 2, 2)),
    ],
    "det": [
        (lambda xp, x: xp.linalg.det(x), (3, 3)),
        (lambda xp, x: xp.linalg.det(x), (2, 4, 4)),
    ],
    "slogdet": [
        (lambda xp, x: xp.linalg.slogdet(x)[1], (3, 3)),
        (lambda xp, x: xp.linalg.slogdet(x).logabsdet, (2, 2, 2)),
    ],
    "matrix_power": [
        (lambda xp, x: xp.linalg.matrix_power(x, 3), (2, 2)),
        (lambda xp, x: xp.linalg.matrix_power(regular(xp, x), -2), (3, 3)),
        (lambda xp, x: xp.linalg.matrix_power(x, 0) * x, (2, 2)),
    ],
    "pinv": [(lambda xp, x: xp.linalg.pinv(x), (3, 2)), (lambda xp, x: xp.linalg.pinv(x), (2, 2, 3))],
    "eigh": [
        (lambda xp, x: xp.linalg.eigh(x + x.mT)[0], (3, 3)),
        (lambda xp, x: xp.abs(xp.linalg.eigh(x + x.mT)[1]), (2, 3, 3)),
        (lambda xp, x: xp.abs(xp.linalg.eigh(spd(xp, x), UPLO="U").eigenvectors), (2, 2)),
    ],
    "eigvalsh": [(lambda xp, x: xp.linalg.eigvalsh(x + x.mT), (3, 3))],
    "svdvals": [(lambda xp, x: xp.linalg.svdvals(x), (3, 2)), (lambda xp, x: xp.linalg.svdvals(x), (2, 2, 3))],
    "norm": [
        (lambda xp, x: xp.linalg.norm(x), (3, 2)),
        (lambda xp, x: xp.linalg.norm(x, axis=-1, keepdims=True), (3, 2)),
        (lambda xp, x: xp.linalg.norm(x, 1, axis=0), (3, 2)),
        (lambda xp, x: xp.linalg.norm(x, np.inf), (4,)),
        (lambda xp, x: xp.linalg.norm(x, 3), (4,)),
        (lambda xp, x: xp.linalg.norm(x, 1), (3, 2)),
        (lambda xp, x: xp.linalg.norm(x, -np.inf, axis=(0, 2), keepdims=True), (3, 2, 2)),
        (lambda xp, x: xp.linalg.norm(x, 2), (3, 2)),
        (lambda xp, x: xp.linalg.norm(x, "nuc"), (2, 3)),
        (lambda xp, x: xp.linalg.norm(x, "fro", axis=(0, 1)), (2, 3, 2)),
    ],
    "atleast_1d": [(lambda xp, x: xp.atleast_1d(x), ())],
    "atleast_2d": [(lambda xp, x: xp.atleast_2d(x), (3,))],
    "atleast_3d": [(lambda xp, x: xp.atleast_3d(x), (3,)), (lambda xp, x: xp.atleast_3d(x, x[0])[1], (3, 2))],
    "hstack": [(lambda xp, x, y: xp.hstack([x, y]), (3,), (2,)), (lambda xp, x, y: xp.hstack([x, y]), (2, 3), (2, 1))],
    "vstack": [(lambda xp, x, y: xp.vstack([x, y]), (3,), (2, 3))],
    "dstack": [(lambda xp, x, y: xp.dstack([x, y]), (3,), (1, 3))],
    "column_stack": [(lambda xp, x, y: xp.column_stack([x, y]), (3,), (3, 2))],
    "array_split": [(lambda xp, x: xp.concatenate(xp.array_split(x, 3)[::2]), (5, 2))],
    "split": [
        (lambda xp, x: xp.concatenate(xp.split(x, [1, 3], axis=-1)[::-2], axis=1), (2, 5)),
        (lambda xp, x: xp.split(x, 2)[1], (4,)),
    ],
    "hsplit": [(lambda xp, x: xp.hsplit(x, 2)[0], (2, 4))],
    "vsplit": [(lambda xp, x: xp.vsplit(x, 2)[0], (2, 4))],
    "unstack": [(lambda xp, x: xp.unstack(x, axis=1)[2], (2, 3))],
    "broadcast_arrays": [(lambda xp, x, y: xp.broadcast_arrays(x, y)[1], (2, 3), (3,))],
    "meshgrid": [
        (lambda xp, x, y: xp.meshgrid(x, y)[0], (2,), (3,)),
        (lambda xp, x, y, z: xp.meshgrid(x, y, z, indexing="ij")[1], (2,), (3,), (2,)),
    ],
    "fliplr": [(lambda xp, x: xp.fliplr(x), (2, 3))],
    "flipud": [(lambda xp, x: xp.flipud(x), (2, 3))],
    "rot90": [(lambda xp, x, k=k: xp.rot90(x, k), (2, 3)) for k in range(4)],
    "roll": [
        (lambda xp, x: xp.roll(x, 2), (2, 3)),
        (lambda xp, x: xp.roll(x, -1, axis=1), (2, 3)),
        (lambda xp, x: xp.roll(x, (1, 2), axis=(0, -1)), (2, 3, 4)),
    ],
    "tile": [(lambda xp, x: xp.tile(x, 2), (2, 3)), (lambda xp, x: xp.tile(x, (2, 1, 3)), (2, 3))],
    "repeat": [
        (lambda xp, x: xp.repeat(x, 2), (2, 3)),
        (lambda xp, x: x.repeat(3, axis=0), (2, 3)),
        (lambda xp, x: xp.repeat(x, np.array([1, 0, 2]), axis=1), (2, 3)),
    ],
    "pad": [
        (lambda xp, x: xp.pad(x, 1), (2, 3)),
        (lambda xp, x: xp.pad(x, ((0, 2), (1, 0)), constant_values=0.5), (2, 3)),
        *[(lambda xp, x, mode=mode: xp.pad(x, ((1, 1), (0, 2)), mode=mode), (3, 3)) for mode in PADDINGS],
    ],
    "tril": [(lambda xp, x: xp.tril(x), (3, 3)), (lambda xp, x: xp.tril(x, -1), (2, 2, 3))],
    "triu": [(lambda xp, x: xp.triu(x, k=1), (3, 3))],
    "diag": [
        (lambda xp, x: xp.diag(x), (3,)),
        (lambda xp, x: xp.diag(x, -1), (2,)),
        (lambda xp, x: xp.diag(x, 1), (3, 3)),
    ],
}
