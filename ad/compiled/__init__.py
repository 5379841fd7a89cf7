"""Compiled programs: functions recorded once and swept at machine speed, in both modes.

The table of contents:

    program       `compile` and `Program`: what users call
    freeze        a recorded tape becomes the flat arrays of a program
    passes        the sweeps of a program, and what is done where a derivative is not finite
    workspace     the memory that they work in, and what was executed in it
    vectors       arguments as float64 arrays

and what is compiled, which never runs as Python:

    opcodes       the instruction set, from the rows of `ad.ops`
    slots         a graph becomes instructions; where each value lives while it is needed
    sweeps        both modes, each a loop over instructions with one hole for the ops
    careful       both modes once more, with the paths followed (`ad.infinity`)
    sincos        sine and cosine, of a number and of all numbers of an array
    signatures    the types of arguments
    kernels       the holes filled from the rows, and all put together: `python -m ad.compiled.kernels` prints it
    compiler      source becomes machine code, kept on disk; `warm` does so ahead of time, and `elementwise` is what
                  eager arrays use of it
"""

from ad import ndarrays
from ad.compiled.compiler import elementwise, warm
from ad.compiled.program import FrozenError, Program, compile

ndarrays.compiled = elementwise

__all__ = ["FrozenError", "Program", "compile", "elementwise", "warm"]
