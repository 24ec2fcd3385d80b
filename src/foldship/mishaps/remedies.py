"""What to try, by the kind of what happened: told by names and words, so that no library is imported."""

from __future__ import annotations

import errno
import json
import pickle
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foldship.mishaps.reason import chain, words

REPORT = "run the same command again; if it ends the same way, report it with that file"
AGAIN = "run the same command again; what was finished is kept"

# What a file system may answer at any time, whatever was being done.
OF_FILES = {
    errno.ENOSPC: "free some space and run the same command again; what was finished is kept",
    errno.EDQUOT: "free some of your quota and run the same command again; what was finished is kept",
    errno.EACCES: "give yourself the right to read or write it; FOLDSHIP_ROOT names a project of your own",
    errno.EPERM: "give yourself the right to read or write it; FOLDSHIP_ROOT names a project of your own",
    errno.EROFS: "the disk is mounted read-only: set FOLDSHIP_ROOT to a writable copy of the project",
    errno.EMFILE: "too many files are open: `ulimit -n 4096`, and run the same command again",
    errno.ENFILE: "too many files are open on this machine: end other programs, and run it again",
    errno.ENOENT: "restore it; of what lies in build/, run the step again that makes it",
    errno.ENOTDIR: "a file lies where a folder is needed: move it away",
    errno.EISDIR: "a folder lies where a file is needed: move it away",
    errno.EEXIST: "move it away, and run the same command again",
    errno.ENAMETOOLONG: "use shorter names, or move the project nearer to the root of the disk",
    errno.EIO: "the disk or the network drive fails: copy the project elsewhere, and run it there",
    errno.ESTALE: "the network drive was mounted anew: change into the project again",
    errno.ELOOP: "remove the symbolic link that points at itself",
}


# Said in two lines that name the place: there is nothing to report.
FORESEEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True)
class _Kind:
    """A kind of failure.

    Attributes:
        is_it: whether an exception is of it.
        remedy: what to try.
    """

    is_it: Callable[[BaseException], bool]
    remedy: str


def of(error: BaseException) -> str:
    """What to try; the nearest exception whose kind is known decides."""
    for each in chain(error):
        for kind in _KINDS:
            if kind.is_it(each):
                return kind.remedy
        if isinstance(each, OSError) and each.errno in OF_FILES:
            return OF_FILES[each.errno]
    return REPORT


def _says(*parts: str) -> Callable[[BaseException], bool]:
    return lambda error: any(part in words(error).lower() for part in parts)


def _any(*tests: Callable[[BaseException], bool]) -> Callable[[BaseException], bool]:
    return lambda error: any(test(error) for test in tests)


def _is(*types: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, types)


def _named(*names: str) -> Callable[[BaseException], bool]:
    return lambda error: any(base.__name__ in names for base in type(error).__mro__)


def _from(*packages: str) -> Callable[[BaseException], bool]:
    """Whether a class of the exception is one of these packages'."""
    return lambda error: any(
        base.__module__ == name or base.__module__.startswith(name + ".")
        for base in type(error).__mro__
        for name in packages
    )


def _through(package: str) -> Callable[[BaseException], bool]:
    """Whether it was raised below code of a package."""

    def through(error: BaseException) -> bool:
        trace = error.__traceback__
        while trace is not None:
            name = trace.tb_frame.f_globals.get("__name__", "")
            if name == package or name.startswith(package + "."):
                return True
            trace = trace.tb_next
        return False

    return through


def _all(*tests: Callable[[BaseException], bool]) -> Callable[[BaseException], bool]:
    return lambda error: all(test(error) for test in tests)


_WORKER = (
    "a helper process ended, mostly because memory ran out: train fewer folds at once (JOBS=1, --jobs 1), "
    f"close other programs, and {AGAIN}"
)
_DAMAGED = (
    "a file is damaged or only half there: delete it, or download it again, and run the step again that "
    "makes it; the details name the code that read it"
)

_KINDS: Sequence[_Kind] = (
    _Kind(
        _any(_named("OutOfMemoryError"), _says("cuda out of memory", "cudnn_status_alloc_failed")),
        "the GPU's memory ran out: set a smaller batch_size (and accumulate for it) or max_tokens in the "
        "recipe, close other programs on the GPU, or hide it (CUDA_VISIBLE_DEVICES=) to compute on the CPU",
    ),
    _Kind(
        _any(_says("cuda error", "cudnn error", "cublas", "nccl", "no kernel image is available")),
        "the GPU or its driver fails: look at `nvidia-smi`, or hide it (CUDA_VISIBLE_DEVICES=) to compute on "
        "the CPU",
    ),
    _Kind(
        _any(
            _is(MemoryError),
            _says("allocate memory", "bad allocation", "bad_alloc", "out of memory"),
            lambda error: isinstance(error, OSError) and error.errno == errno.ENOMEM,
        ),
        "memory ran out: train fewer folds at once (JOBS=1, --jobs 1), set a smaller batch_size or "
        f"max_tokens in the recipe, close other programs, and {AGAIN}",
    ),
    _Kind(
        _is(RecursionError),
        "something is nested too deeply, or within itself: look at the YAML and JSON files that were read",
    ),
    _Kind(
        _is(UnicodeEncodeError),
        "the terminal or the disk cannot spell a character: set PYTHONUTF8=1, and run the same command again",
    ),
    _Kind(
        _is(UnicodeDecodeError),
        "a file that was read is not in UTF-8: save it as UTF-8, and run the same command again",
    ),
    _Kind(
        _any(
            _named("BrokenProcessPool", "ProcessError"),
            _is(ChildProcessError),
            _all(_is(ConnectionError, EOFError), _through("multiprocessing")),
        ),
        _WORKER,
    ),
    _Kind(
        _is(subprocess.TimeoutExpired),
        "a program that was called did not end: run the same command again on a machine with less to do",
    ),
    _Kind(
        _is(subprocess.SubprocessError),
        "a program that was called failed, for the reason above: mend that, and run the same command again",
    ),
    _Kind(
        _all(
            _any(
                _is(ConnectionError, TimeoutError),
                _named("gaierror", "SSLError"),
                _from("requests", "urllib", "urllib3", "aiohttp", "httpx", "httpcore", "http.client"),
            ),
            lambda error: not isinstance(error, BrokenPipeError),
        ),
        f"look at the connection and a proxy's settings (HTTPS_PROXY), and {AGAIN}",
    ),
    _Kind(
        _any(
            _from("yaml", "pydantic", "pydantic_core"),
        ),
        "correct the YAML file that was read; docs/configuration.md lists all keys",
    ),
    _Kind(
        _any(
            _is(zipfile.BadZipFile, tarfile.TarError, pickle.UnpicklingError, zlib.error, EOFError),
            _is(json.JSONDecodeError),
            _named("LZMAError", "BadGzipFile", "SafetensorError", "DecodeError", "InvalidProtobuf"),
            _named("ArrowInvalid", "ParserError", "EmptyDataError"),
        ),
        _DAMAGED,
    ),
    _Kind(
        _is(ImportError),
        "the environment is not whole: delete .venv, and run the same `make` target again, which makes it",
    ),
)
