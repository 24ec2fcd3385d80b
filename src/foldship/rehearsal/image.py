"""A stand-in for Kaggle's Python image: a virtual environment with the few packages a kernel may use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

REQUIREMENTS = Path(__file__).with_name("image-requirements.txt")
# Kaggle's image holds it, too, but only tables in Parquet need it, and it is half as large as all the others.
PARQUET = ("pyarrow==18.1.0",)
WANTED = (3, 12)  # what Kaggle runs
OLDEST = (3, 11)
RECORD = "image.json"
# Kernels bring these along, or do without.
ABSENT = ("foldship", "foldship_kernel", "onnxruntime", "openvino", "torch", "transformers")
_DESCRIBE = (
    "import ctypes, ssl, sys, venv, json, os;"
    "print(json.dumps({'version': list(sys.version_info[:2]), 'program': os.path.realpath(sys.executable),"
    " 'prefixes': sorted({os.path.realpath(p) for p in (sys.base_prefix, sys.base_exec_prefix)})}))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that environments can be made of.

    Attributes:
        version: (major, minor).
        program: the executable, symbolic links resolved.
        prefixes: where its standard library lies.
    """

    version: tuple[int, int]
    program: Path
    prefixes: tuple[Path, ...]


@dataclass(frozen=True)
class Image:
    """An environment on this machine, to be shown to kernels read-only.

    Attributes:
        folder: the virtual environment.
        interpreter: the Python it was made of.
    """

    folder: Path
    interpreter: Interpreter


def prepare(
    cache: Path,
    requirements: Path = REQUIREMENTS,
    say: Callable[[str], None] | None = None,
    further: Sequence[str] = (),
) -> Image:
    """Make the environment, or find it made.

    Args:
        cache: folder that keeps `image-py3XX` between runs.
        requirements: pinned packages, all that are installed.
        say: told when something slow begins.
        further: pinned packages besides, for an environment of its own.

    Raises:
        FoldshipError: no suitable Python, or the packages cannot be installed.
    """
    interpreter = best_interpreter()
    pins = "\n".join([requirements.read_text(encoding="utf-8"), *further])
    named = "".join(f"-{pin.partition('==')[0]}" for pin in further)
    folder = cache.resolve() / f"image-py{interpreter.version[0]}{interpreter.version[1]}{named}"
    record = {"program": str(interpreter.program), "requirements": pins}
    if not _matches(folder, record):
        if say:
            say(f"making the image environment {folder}: once, it fetches about 80 MB\n")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as parent:
            fresh = Path(parent) / "image"
            listed = Path(parent) / requirements.name
            listed.write_text(pins, encoding="utf-8")
            _install(interpreter, fresh, listed)
            atomic.write_json(fresh / RECORD, record)
            if folder.exists():
                folder.rename(Path(parent) / "old")
            fresh.rename(folder)
    return Image(folder, interpreter)


def best_interpreter() -> Interpreter:
    """Find Kaggle's version of Python on this machine, or the nearest to it.

    Raises:
        FoldshipError: there is none from 3.11 to 3.12.
    """
    for candidate in _candidates():
        interpreter = _describe(candidate)
        if interpreter and interpreter.version == WANTED:
            return interpreter
    own = _describe(Path(sys.executable))
    if own and OLDEST <= own.version <= WANTED:
        return own
    raise FoldshipError(
        "no Python for the image environment",
        expected="Python 3.12 (as on Kaggle) or 3.11, with ssl and ctypes",
        found=f"{sys.executable} is {sys.version.split()[0]}",
        fix="install Python 3.12, for example with `uv python install 3.12` or `pyenv install 3.12`",
    )


def _candidates() -> Iterator[Path]:
    name = "python3.12"
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    for folder, versions in (
        (pyenv / "versions", "3.12*"),
        (home / ".local/share/uv/python", "cpython-3.12*"),
    ):
        yield from sorted(folder.glob(f"{versions}/bin/{name}"), reverse=True)


def _describe(program: Path) -> Interpreter | None:
    try:
        answer = subprocess.run(
            [program, "-I", "-c", _DESCRIBE], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None  # a shim without a version behind it, or a Python without ssl or ctypes
    value = json.loads(answer.stdout)
    base = Path(value["program"])
    major, minor = value["version"]
    return Interpreter((major, minor), base, tuple(Path(prefix) for prefix in value["prefixes"]))


def _matches(folder: Path, record: dict[str, str]) -> bool:
    try:
        return bool(json.loads((folder / RECORD).read_text(encoding="utf-8")) == record)
    except (OSError, ValueError):
        return False


def _install(interpreter: Interpreter, folder: Path, requirements: Path) -> None:
    _check([str(interpreter.program), "-I", "-m", "venv", "--without-pip", str(folder)], "no environment")
    _check(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(folder / "bin" / "python"),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--ignore-installed",  # what PYTHONPATH shows to pip is not in the image
            "--only-binary=:all:",
            "--requirement",
            str(requirements),
        ],
        f"the packages of {requirements.name} could not be installed",
    )


def _check(command: list[str], what: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise FoldshipError(
            f"image environment: {what}",
            expected="exit status 0",
            found=f"{answer.returncode} from `{' '.join(command)}`: {answer.stderr.strip()[-800:]}",
            fix="mend what the message names (the network is needed the first time), then run this again",
        )
