"""The compiler at the edge: generated source becomes machine code, once for each machine, kept on disk.

`sweeps(word)` hands out the compiled functions of `ad.compiled.kernels` for programs whose instructions are made of
16-bit or 32-bit words, `elementwise()` those for whole arrays.  The source lies in a directory of the user's, under a
name made from its own hash and the versions it depends on; numba keeps the machine code beside it.  Nothing is
generated or compiled before it is needed.

The directory is `$AD_CACHE_DIR`, else `$XDG_CACHE_HOME/forward-vs-reverse`, else `~/.cache/forward-vs-reverse`.  Files
in it that are damaged are made again.  When it cannot be written, the sweeps are compiled in memory, once for each
process.
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
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from ad.compiled.signatures import signature
from ad.ops import Op

NUMBA = (0, 61)
"""The oldest numba that compiles the sweeps."""

OLDEST = ".".join(map(str, NUMBA))
INSTALL = f"python -m pip install 'numba>={OLDEST}'"

_lock = threading.RLock()


class CompilerMissingError(ImportError):
    """There is no numba that can compile; the message says in one line what to install."""


def require() -> ModuleType:
    """The numba package.

    Raises:
        CompilerMissingError: it is missing, too old, switched off, or does not work with this Python or NumPy.
    """
    try:
        import numba
    except ImportError as error:
        reason = str(error).splitlines()[0] if str(error) else "not installed"
        raise CompilerMissingError(f"ad.compile needs numba ({reason}); install it: {INSTALL}") from None
    found = numba.__version__
    if tuple(int(part) for part in found.split(".")[:2]) < NUMBA:
        raise CompilerMissingError(f"ad.compile needs numba >= {OLDEST}, found {found}; upgrade it: {INSTALL}")
    if getattr(numba.config, "DISABLE_JIT", 0):
        raise CompilerMissingError("ad.compile needs numba to compile; NUMBA_DISABLE_JIT in the environment forbids it")
    module: ModuleType = numba
    return module


def cache_directory() -> Path:
    """Where compiled sweeps are kept."""
    if chosen := os.environ.get("AD_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "forward-vs-reverse"


@functools.cache
def _generated(custom: tuple[Op, ...]) -> tuple[str, str]:
    """The generated source, and the name it is kept under."""
    from ad.compiled import kernels

    text = kernels.source(custom)
    versions = (text, require().__version__, sys.version, str(sys.platform))
    return text, "sweeps_" + hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]


@functools.cache
def _module(custom: tuple[Op, ...]) -> tuple[ModuleType, Path | None]:
    """The generated module, and the file it came from (None if it lives in memory)."""
    text, name = _generated(custom)
    try:
        path = cache_directory() / f"{name}.py"
        _keep(path, text.replace("CACHE", "True"))
        return _from_file(name, path), path
    except (OSError, RuntimeError) as error:
        _say(f"cannot keep compiled sweeps in {cache_directory()} ({error}); compiling in memory")
        return _in_memory(name, text.replace("CACHE", "False")), None


def _keep(path: Path, text: str) -> None:
    """Put a file in place whole, unless it is there; several processes may do this at once."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
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


SWEEPS = (
    *("values", "forward", "record", "pull", "forward_lanes", "reverse"),
    *("push_following_paths", "pull_following_paths", "allocate"),
)
"""The functions of the generated module that are called from Python."""

_ready: dict[tuple[int, tuple[Op, ...]], dict[str, Any]] = {}
"""The compiled sweeps by the width of words, and by the users' own rows that are among them."""


def warm(progress: Callable[[int, int], object] | None = None) -> None:
    """Compile all sweeps, or load them, so that no program and no array waits for it later.

    Args:
        progress: called after each of the sweeps that were not ready, with the number of those done and of all.

    Raises:
        CompilerMissingError: see `require`.
    """
    missing = [word for word in (16, 32) if (word, ()) not in _ready]
    before = len(_ready)

    def report(done: int) -> None:
        if progress:
            progress((len(_ready) - before) * len(SWEEPS) + done, len(missing) * len(SWEEPS))

    for word in missing:
        sweeps(word, report)
    elementwise()


def sweeps(word: int, progress: Callable[[int], object] | None = None, custom: tuple[Op, ...] = ()) -> dict[str, Any]:
    """The compiled sweeps for programs of 16-bit or 32-bit words, by name, ready to be called.

    Args:
        word: bits.
        progress: called after each sweep that was not ready, with the number of those done.
        custom: rows besides those of the table; they are compiled where they are used, and nowhere else.

    Raises:
        CompilerMissingError: see `require`.
    """
    with _lock:
        require()
        key = word, custom
        if key not in _ready:
            _ready[key] = _made(lambda: _compile(word, progress, custom), custom)
        return _ready[key]


ELEMENTWISE = {"sin": "sines", "cos": "cosines"}
"""The functions of the generated module that eager arrays use, by op."""

BORROWED = "(Array(float64, 1, 'C', readonly=True), float64[::1])"
"""Their signature besides `signature()`: an array that a recording has borrowed cannot be written to."""


@functools.cache
def elementwise() -> dict[str, Any]:
    """Compiled functions of whole arrays, `f(x, out)`, by op: of contiguous float64; none where there is no numba."""
    with _lock:
        try:
            require()
            return _made(_compile_elementwise)
        except CompilerMissingError:
            return {}
        except Exception as error:
            _say(f"arrays do without compiled functions ({type(error).__name__}: {error})")
            return {}


def _made(make: Callable[[], dict[str, Any]], custom: tuple[Op, ...] = ()) -> dict[str, Any]:
    """What `make` makes of the files that are kept, or of new ones where those are damaged."""
    try:
        return make()
    except Exception as error:  # whatever comes of reading a file that is not what was written
        _say(f"cannot use what is kept in {cache_directory()} ({type(error).__name__}); making it again")
        _forget(custom)
        return make()


def _compile_elementwise() -> dict[str, Any]:
    module, _ = _module(())
    compiled = {op: getattr(module, name) for op, name in ELEMENTWISE.items()}
    for function in compiled.values():
        function.disable_compile(False)  # for a second thread that found nothing in the cache of `elementwise`
        for types in (signature(function.py_func, 16), BORROWED):
            function.compile(types)
        function.disable_compile()
    return compiled


def _compile(word: int, progress: Callable[[int], object] | None, custom: tuple[Op, ...]) -> dict[str, Any]:
    """Compile or load the sweeps for one width of words."""
    module, path = _module(custom)
    marker = path.with_suffix(f".{word}") if path else None
    cold = marker is None or not marker.exists()
    if cold:
        added = f" with {', '.join(row.name for row in custom)}" if custom else ""
        _say(f"compiling the sweeps{added} for this machine, once; this takes about ten seconds")
    start = time.perf_counter()
    compiled: dict[str, Any] = {}
    for name in SWEEPS:
        function = compiled[name] = getattr(module, name)
        function.disable_compile(False)
        function.compile(signature(function.py_func, word))
        if progress:
            progress(len(compiled))
    for function in compiled.values():
        function.disable_compile()  # other types of arguments are an error, not a reason to compile for seconds
    if cold:
        if marker:
            marker.touch()
        _say(f"compiled in {time.perf_counter() - start:.1f} s")
    return compiled


def _forget(custom: tuple[Op, ...]) -> None:
    """Delete all files of the generated module: source, bytecode, markers, and machine code wherever numba keeps it."""
    _, name = _generated(custom)
    folders = {cache_directory(), Path(os.environ.get("NUMBA_CACHE_DIR") or cache_directory())}
    for folder in folders:
        for file in (*folder.glob(f"{name}.*"), *folder.glob(f"*/{name}.*")):
            file.unlink(missing_ok=True)
    _module.cache_clear()
