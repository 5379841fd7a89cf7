"""Arrays that a recording needs again in the sweep but does not own: inputs and constants.

A user's array may be written to after it was recorded, and the sweep would multiply by something else in silence.
Copies of all would cost as much as the ops.  So a small array is copied; a large one is borrowed and cannot be written
to until every recording that has borrowed it ends, so that an assignment in the function raises NumPy's "assignment
destination is read-only" where it stands.  What a tape keeps for longer than one call is copied whatever its size.  A
large array that its owner has made read-only is taken as it is.  What cannot be seen is a write to a large array
through another view of it that was made before: NumPy gives that a flag of its own.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

SMALL = 16_384
"""Bytes up to which an array is copied."""


class _Loan:
    """An array, and views of it, that cannot be written to as long as any recording has borrowed one of them.

    Attributes:
        recordings: how many have.
        locked: the arrays that are to become writeable again, the one that owns the memory first.
    """

    __slots__ = ("locked", "recordings")

    def __init__(self) -> None:
        self.recordings = 0
        self.locked: list[Any] = []


_LENT: dict[int, _Loan] = {}
"""By the identity of the array that owns the memory: one derivative may be taken inside another, or in two threads."""
_LOCK = threading.Lock()


class Loans:
    """What one recording has borrowed.

    Attributes:
        lasting: whether the tape may outlive the call that made it.
        owners: the arrays that own what was borrowed, by identity.
    """

    __slots__ = ("lasting", "owners")

    def __init__(self, lasting: bool) -> None:
        self.lasting = lasting
        self.owners: dict[int, Any] = {}

    def take(self, x: Any) -> Any:
        """An array that holds what `x` holds now until the recording ends, or longer."""
        if x.nbytes <= SMALL:
            return x.copy()
        owner = x
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        with _LOCK:
            loan = _LENT.get(id(owner))
            if loan is None and not owner.flags.writeable and not x.flags.writeable:
                return x
            if self.lasting or owner.base is not None or (loan is None and not owner.flags.writeable):
                return x.copy()
            if loan is None:
                loan = _LENT[id(owner)] = _Loan()
            if id(owner) not in self.owners:
                self.owners[id(owner)] = owner
                loan.recordings += 1
            for array in (owner, x):
                if array.flags.writeable:
                    array.flags.writeable = False
                    loan.locked.append(array)
        return x

    def give_back(self) -> None:
        """Let the owners write to their arrays again, unless another recording has borrowed them, too."""
        with _LOCK:
            for key in self.owners:
                loan = _LENT[key]
                loan.recordings -= 1
                if not loan.recordings:
                    del _LENT[key]
                    for array in loan.locked:
                        array.flags.writeable = True
            self.owners.clear()
