"""Forward and reverse automatic differentiation over one op set.

The table of contents:

the op set
    ops             one row per op: its value and its partials
    expressions     the language of the rows, parsed once
    scalars         rows on plain floats
    ndarrays        rows on plain NumPy arrays

numbers
    active          what values that carry a derivative have in common; rows on any of them
    infinity        what infinite partials mean, for every executor
    progress        which derivatives this thread has begun, and whether it follows paths
    methods         rows turned into the methods of `Dual` and `Var`
    dual            forward mode: `Dual`
    tape            reverse mode: `Tape`, `Var`

arrays
    arrays          what arrays of both modes have in common
    array_methods   rows turned into the methods of `ArrayDual` and `ArrayVar`
    array_dual      forward mode: `ArrayDual`
    lanes           forward mode with many tangents in one pass
    array_nodes     what a tape keeps of an op
    array_tape      reverse mode: `ArrayVar`
    array_infinity  what infinite partials mean
    loans           arrays that a tape borrows from the user
    heap            what the C library does with the memory of arrays

functions of whole arrays
    linear, reductions, differential
                    how they are declared
    maps            their declarations
    namespace       the rest of the array API's names
    refusals        what is said where a function has no derivative

what users call
    transforms      `jvp`, `vjp`, `grad`, `value_and_grad`, `jacfwd`, `jacrev`, `jacobian`, `linearize`, `hvp`,
                    `hessian`
    sweeps, jacobians, trees, auxiliary
                    what the transforms are made of
    choice          which mode `jacobian` takes where it is left to decide
    checkpoint      `checkpointed_value_and_grad`: reverse mode of many steps in the memory of a few
    counting        `count`: sweeps and ops, counted as they happen
    checks          `check_jvp`, `check_vjp`, `check_adjoint`, `check_derivatives`: for functions of your own
    own_rows, own_maps
                    `custom`: ops of your own
    paths           the naive rule that both modes factor
    rounding        `rounding_error`: where a computation loses its digits
    compiled        `compile`: a tape frozen into flat arrays and swept at machine speed (needs numba)

Every op of `OPS`, and every map, is a function of this module (`ad.sin`, `ad.atan2`, ...), so the module itself is an
array-API style namespace `xp` for functions written as `f(xp, x)`.
"""

from typing import TYPE_CHECKING, Any

from ad.active import functions
from ad.array_dual import ArrayDual
from ad.array_tape import ArrayVar
from ad.arrays import MAPS
from ad.checkpoint import checkpoint_schedule, checkpointed_value_and_grad, optimal_advances
from ad.checks import DerivativeError, check_adjoint, check_derivatives, check_jvp, check_vjp
from ad.compiled import Program, compile
from ad.counting import Counts, count
from ad.dual import Dual
from ad.heap import keep_freed_memory as _keep_freed_memory
from ad.maps import linalg
from ad.namespace import STANDARD
from ad.ops import OPS, derivative_table
from ad.own_rows import custom
from ad.paths import Path, TooManyPathsError, count_paths, enumerate_paths, sum_over_paths
from ad.rounding import RoundingError, rounding_error
from ad.scalars import FLOATS
from ad.tape import Tape, Var
from ad.transforms import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, linearize, value_and_grad, vjp

_keep_freed_memory()
globals().update(STANDARD | MAPS | functions)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...  # the ops


__all__ = [
    "FLOATS",
    "OPS",
    "ArrayDual",
    "ArrayVar",
    "Counts",
    "DerivativeError",
    "Dual",
    "Path",
    "Program",
    "RoundingError",
    "Tape",
    "TooManyPathsError",
    "Var",
    "check_adjoint",
    "check_derivatives",
    "check_jvp",
    "check_vjp",
    "checkpoint_schedule",
    "checkpointed_value_and_grad",
    "compile",
    "count",
    "count_paths",
    "custom",
    "derivative_table",
    "enumerate_paths",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linalg",
    "linearize",
    "optimal_advances",
    "rounding_error",
    "sum_over_paths",
    "value_and_grad",
    "vjp",
    *functions,
    *MAPS,
    *STANDARD,
]
