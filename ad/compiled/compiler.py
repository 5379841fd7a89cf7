"""The compiler at the edge: generated source becomes machine code, once for each machine, kept on disk.

`sweeps(word)` hands out the compiled functions of `ad.compiled.kernels` for programs whose instructions are made of
16-bit or 32-bit words.  The source lies in a directory of the user's, under a name made from its own hash and the
versions it depends on; numba keeps the machine code beside it.  Nothing here is imported before something is compiled.

The directory is `$AD_CACHE_DIR`, else `$XDG_CACHE_HOME/forward-vs-reverse`, else `~/.cache/forward-vs-reverse`.  When
it cannot be written, the sweeps are compiled in memory, once for each process.
"""

from __future__ import annotations

import functools
import hashlib
import linecache
import os
import sys
import tempfile
import threading
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from ad.compiled import kernels

NUMBA = (0, 60)
"""The oldest numba that compiles the sweeps."""

INSTALL = "python -m pip install 'numba>=0.60'"

_lock = threading.RLock()


class CompilerMissingError(ImportError):
    """There is no numba that can compile; the message says in one line what to install."""


def require() -> ModuleType:
    """The numba package.

    Raises:
        CompilerMissingError: it is missing, too old, or does not work with this Python or NumPy.
    """
    try:
        import numba
    except ImportError as error:
        reason = str(error).splitlines()[0] if str(error) else "not installed"
        raise CompilerMissingError(f"ad.compile needs numba ({reason}); install it: {INSTALL}") from None
    found = tuple(int(part) for part in numba.__version__.split(".")[:2])
    if found < NUMBA:
        raise CompilerMissingError(f"ad.compile needs numba >= 0.60, found {numba.__version__}; upgrade it: {INSTALL}")
    return numba


def cache_directory() -> Path:
    """Where compiled sweeps are kept."""
    if chosen := os.environ.get("AD_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "forward-vs-reverse"


@functools.cache
def _module() -> tuple[ModuleType, Path | None]:
    """The generated module, and the file it came from (None if it lives in memory)."""
    numba = require()
    text = kernels.source()
    versions = (text, numba.__version__, sys.version, str(sys.platform))
    name = "sweeps_" + hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]
    try:
        path = cache_directory() / f"{name}.py"
        _write_once(path, text.replace("CACHE", "True"))
        module = _from_file(name, path)
    except (OSError, RuntimeError) as error:
        _say(f"cannot keep compiled sweeps in {cache_directory()} ({error}); compiling in memory")
        return _in_memory(name, text.replace("CACHE", "False")), None
    return module, path


def _write_once(path: Path, text: str) -> None:
    """Put a file in place whole, unless it is there; several processes may do this at once."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def _from_file(name: str, path: Path) -> ModuleType:
    loader = SourceFileLoader(name, str(path))
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def _in_memory(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    filename = f"<ad {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    exec(compile(text, filename, "exec"), module.__dict__)
    return module


def _say(message: str) -> None:
    print(f"ad: {message}", file=sys.stderr, flush=True)


def _signatures(word: int) -> dict[str, str]:
    """The argument types of each sweep for programs of `word`-bit words."""
    code = f"uint{word}[::1]"
    line = "float64[::1]"
    return {
        "values": f"({code}, {line}, {line}, {line}, {line})",
        "record": f"({code}, uint64, uint64, {line}, uint64, {line}, {line}, {line}, {line})",
        "pull": f"({code}, {line}, uint64, {line}, {line}, {line})",
        "forward": f"({code}, {line}, {line}, {line}, {line}, {line}, {line}, {line})",
        "forward_lanes": f"({code}, {line}, {line}, {line}, int64, int64, {line}, {line}, {line}, {line}, {line})",
        "reverse": f"({code}, {line}, {line}, {line}, {line}, {line}, {line}, {line}, {line})",
        "allocate": "(int64, uint8[::1], int32[::1], int32[::1], int32[::1], int64, uint32[::1])",
    }


@functools.cache
def sweeps(word: int) -> dict[str, Any]:
    """The compiled sweeps for programs of 16-bit or 32-bit words, by name, ready to be called.

    Raises:
        CompilerMissingError: see `require`.
    """
    with _lock:
        module, path = _module()
        ready = path.with_suffix(f".{word}") if path else None
        cold = ready is None or not ready.exists()
        if cold:
            _say("compiling the sweeps for this machine, once; this takes about ten seconds")
        start = time.perf_counter()
        compiled: dict[str, Any] = {}
        for name, signature in _signatures(word).items():
            function = compiled[name] = getattr(module, name)
            function.disable_compile(False)
            function.compile(signature)
        for function in compiled.values():
            function.disable_compile()  # other types of arguments are an error, not a reason to compile for seconds
        if cold:
            if ready:
                ready.touch()
            _say(f"compiled in {time.perf_counter() - start:.1f} s")
        return compiled
