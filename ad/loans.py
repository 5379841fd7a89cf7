"""Arrays that a recording needs again in the sweep but does not own: inputs and constants.

A user's array may be written to after it was recorded, and the sweep would multiply by something else in silence.
Copies of all would cost as much as the ops.  So a small array is copied; a large one is borrowed and cannot be written
to until the recording ends, so that an assignment in the function raises NumPy's "assignment destination is read-only"
where it stands.  What a tape keeps for longer than one call is copied whatever its size, and so is what another
recording has borrowed.  A large array that its owner has made read-only is taken as it is.  What cannot be seen is a
write to a large array through another view of it that was made before: NumPy gives that a flag of its own.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

SMALL = 16_384
"""Bytes up to which an array is copied."""

_LENT: dict[int, Loans] = {}
"""Who has borrowed, by the identity of the array that owns the memory; another, inside it or in a thread, copies."""
_LOCK = threading.Lock()


class Loans:
    """What one recording has borrowed.

    Attributes:
        lasting: whether the tape may outlive the call that made it.
        borrowed: the arrays that are to become writeable again, owners before views of them.
    """

    __slots__ = ("borrowed", "lasting")

    def __init__(self, lasting: bool) -> None:
        self.lasting = lasting
        self.borrowed: list[Any] = []

    def take(self, x: Any) -> Any:
        """An array that holds what `x` holds now until the recording ends, or longer."""
        if x.nbytes <= SMALL:
            return x.copy()
        owner = x
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        with _LOCK:
            borrower = _LENT.get(id(owner))
            if borrower is None:
                if not owner.flags.writeable and not x.flags.writeable:
                    return x
                if self.lasting or owner.base is not None or not owner.flags.writeable:
                    return x.copy()
                _LENT[id(owner)] = self
            elif borrower is not self:
                return x.copy()
            for array in (owner, x):
                if array.flags.writeable:
                    array.flags.writeable = False
                    self.borrowed.append(array)
        return x

    def give_back(self) -> None:
        """Let the owners write to their arrays again."""
        with _LOCK:
            for array in self.borrowed:
                array.flags.writeable = True
                _LENT.pop(id(array), None)
        self.borrowed.clear()
