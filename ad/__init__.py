"""Forward and reverse automatic differentiation over one op set.

The table of contents:

    ops               the op set, one row per op
    expressions       the language of the rows, parsed once
    scalars, active   rows on plain floats, and on values that carry a derivative
    infinity          what infinite partials mean, for every executor
    methods           rows turned into the methods of `Dual` and `Var`
    dual              forward mode: `Dual`
    tape              reverse mode: `Tape`, `Var`
    ndarrays, arrays  rows on plain NumPy arrays; what arrays of both modes have in common
    array_methods     rows turned into the methods of `ArrayDual` and `ArrayVar`
    array_dual        forward mode on arrays: `ArrayDual`
    array_nodes       what a tape keeps of an op on arrays
    array_tape        reverse mode on arrays: `ArrayVar`
    array_infinity    what infinite partials mean on arrays
    lanes             forward mode on arrays with many tangents in one pass
    loans             arrays that a tape borrows from the user
    linear, reductions, differential    how functions of whole arrays are declared
    maps              their declarations
    namespace         the rest of the array API's names
    sweeps, jacobians what the transforms are made of
    paths             the naive rule that both modes factor
    transforms        `jvp`, `vjp`, `grad`, `value_and_grad`, `jacfwd`, `jacrev`, `jacobian`, `hvp`, `hessian`
    checkpoint        `checkpointed_value_and_grad`: reverse mode of many steps in the memory of a few
    counting          `count`: sweeps and ops, counted as they happen
    checks            `check_jvp`, `check_vjp`, `check_adjoint`, `check_derivatives`: for functions of your own
    own_rows, own_maps  `custom`: ops of the user's own
    rounding          `rounding_error`: where a computation loses its digits
    compiled          `compile`: a tape frozen into flat arrays and swept at machine speed (needs numba)

Every op of `OPS`, and every map, is a function of this module (`ad.sin`, `ad.atan2`, ...), so the module itself is an
array-API style namespace `xp` for functions written as `f(xp, x)`.
"""

from typing import TYPE_CHECKING, Any

from ad.active import functions
from ad.array_dual import ArrayDual
from ad.array_tape import ArrayVar
from ad.checkpoint import checkpoint_schedule, checkpointed_value_and_grad, optimal_advances
from ad.checks import DerivativeError, check_adjoint, check_derivatives, check_jvp, check_vjp
from ad.compiled import Program, compile
from ad.counting import Counts, count
from ad.dual import Dual
from ad.maps import DECLARED, linalg
from ad.namespace import STANDARD
from ad.ops import OPS, derivative_table
from ad.own_rows import custom
from ad.paths import Path, TooManyPathsError, count_paths, enumerate_paths, sum_over_paths
from ad.rounding import RoundingError, rounding_error
from ad.scalars import FLOATS
from ad.tape import Tape, Var
from ad.transforms import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, linearize, value_and_grad, vjp

globals().update(STANDARD | DECLARED | functions)

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
    *DECLARED,
    *STANDARD,
]
