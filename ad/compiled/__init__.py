"""Compiled programs: functions recorded once and swept at machine speed.

The table of contents:

    program       `compile` and `Program`: what users call
    freeze        a recorded tape becomes the flat arrays of a program
    slots         where each value of a program lives while it is needed
    opcodes       the instruction set, from the rows of `ad.ops`
    kernels       the source of the sweeps, generated from the rows; `python -m ad.compiled.kernels` prints it
    sincos        sine and cosine for the sweeps
    compiler      source becomes machine code, kept on disk; `warm` does so ahead of time
    workspace     the memory that sweeps work in, and what was executed in it
    vectors       arguments as float64 arrays
"""

from ad.compiled.compiler import warm
from ad.compiled.program import FrozenError, Program, compile

__all__ = ["FrozenError", "Program", "compile", "warm"]
