"""Whatever fails, one short message is left, and a file with the details."""

from __future__ import annotations

import errno
import json
import logging
import pickle
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydantic
import pytest
import yaml

from foldship import mishaps
from foldship.mishaps import details, hooks
from foldship_kernel.errors import FoldshipError


class OutOfMemoryError(RuntimeError):  # as torch calls its own
    """The GPU's."""


class OddError(Exception):
    """Has no words, and fails when it is asked for some."""

    def __str__(self) -> str:
        raise ValueError("no words")


def _many_keys() -> None:
    raise RuntimeError(
        "Error(s) in loading state_dict for RowModel:\n"
        + "\n".join(f'\tMissing key(s) in state_dict: "layer.{number}.weight"' for number in range(200))
    )


def _chained() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        raise KeyError("models") from error


def _group() -> None:
    raise ExceptionGroup(
        "two hosts", [TimeoutError("no answer of a.org"), OSError(errno.EIO, "bad", "b.txt")]
    )


def _loop() -> None:
    def again(depth: int) -> int:
        return again(depth + 1)

    again(0)


def _validate() -> None:
    class Settings(pydantic.BaseModel):
        rank: int

    Settings.model_validate({"rank": "many"})


def _raise(error: BaseException) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


# What happens, what is said of it, and what is to be tried.
KINDS: dict[str, tuple[Callable[[], object], str, str]] = {
    "state": (_many_keys, 'layer.199.weight"', "report it with that file"),
    "chain": (_chained, "JSONDecodeError: Expecting property name", "damaged"),
    "group": (_group, "no answer of a.org", "HTTPS_PROXY"),
    "memory": (_raise(MemoryError()), "MemoryError", "JOBS=1"),
    "torch's memory": (
        _raise(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")),
        "DefaultCPUAllocator",
        "JOBS=1",
    ),
    "gpu memory": (_raise(OutOfMemoryError("CUDA out of memory. Tried 2 GiB")), "CUDA", "smaller batch_size"),
    "gpu": (_raise(RuntimeError("CUDA error: device-side assert triggered")), "device-side", "nvidia-smi"),
    "recursion": (_loop, "RecursionError", "nested"),
    "decoding": (lambda: b"\xff".decode(), "0xff", "UTF-8"),
    "encoding": (lambda: "é".encode("ascii"), "xe9", "PYTHONUTF8=1"),
    "network": (_raise(ConnectionRefusedError(111, "Connection refused")), "refused", "HTTPS_PROXY"),
    "zip": (_raise(zipfile.BadZipFile("File is not a zip file")), "not a zip file", "download it again"),
    "pickle": (lambda: pickle.loads(b"no"), "UnpicklingError", "damaged"),
    "half a file": (_raise(EOFError("Ran out of input")), "Ran out of input", "damaged"),
    "yaml": (lambda: yaml.safe_load("a: [1"), "expected ',' or ']'", "docs/configuration.md"),
    "settings": (_validate, "rank", "docs/configuration.md"),
    "program": (
        lambda: subprocess.run(["sh", "-c", "echo no room >&2; exit 3"], check=True, capture_output=True),
        "no room",
        "mend that",
    ),
    "import": (_raise(ModuleNotFoundError("No module named 'peft'")), "peft", "delete .venv"),
    "missing file": (lambda: Path("/no/such/file").read_bytes(), "/no/such/file", "restore it"),
    "no words": (_raise(AssertionError()), "AssertionError: in do, line", "report it"),
    "odd": (_raise(OddError()), "OddError", "report it"),
}


@pytest.fixture(autouse=True)
def errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hooks, "_said", set())
    monkeypatch.delenv(hooks.DEBUG, raising=False)
    monkeypatch.setenv(details.FOLDER, str(tmp_path / "errors"))
    return tmp_path / "errors"


def fail(do: Callable[[], object]) -> int:
    """Run it as a program; its status."""
    with pytest.raises(SystemExit) as stop, mishaps.program("foldship train"), mishaps.doing("fold 2"):
        do()
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_ends_in_one_message_with_details_and_a_remedy(
    kind: str, errors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    do, reason, remedy = KINDS[kind]
    assert fail(do) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("error: foldship train, fold 2: ") and said.count("\nerror: ") == 0
    assert reason in said and remedy in said.partition("  fix: ")[2]
    (file,) = errors.iterdir()
    assert f"  details:  {file}\n" in said
    kept = file.read_text()
    assert "Traceback (most recent call last)" in kept and reason in kept
    assert "command:" in kept and "torch:" in kept and "python:" in kept


def test_where_build_cannot_be_written_details_lie_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    monkeypatch.setenv(details.FOLDER, str(tmp_path / "file" / "errors"))
    assert fail(_chained) == 1
    (kept,) = (tmp_path / "elsewhere").iterdir()
    assert str(kept) in capsys.readouterr().err and "JSONDecodeError" in kept.read_text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_what_a_disk_may_answer_is_told_with_its_place(
    number: int, errors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(_raise(OSError(number, "no", "weights/x"))) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: weights/x: ") and "  fix: " in said and not errors.exists()


def test_a_known_error_is_told_as_it_is(errors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(_raise(FoldshipError("no data", fix="name some"))) == 1
    assert capsys.readouterr().err == "error: no data\n  fix:      name some\n"
    assert not errors.exists()


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    import signal

    before = signal.getsignal(signal.SIGINT)
    try:
        assert fail(_raise(KeyboardInterrupt())) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "stopped; run the same command again to go on\n"


def test_tracebacks_are_shown_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(hooks.DEBUG, "1")
    assert fail(_chained) == 1
    assert "Traceback" in capsys.readouterr().err


def test_all_goes_through_the_one_function(
    errors: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("telling", "hooks"):
        monkeypatch.setattr(
            f"foldship.mishaps.{module}.shown", lambda text: text.replace("secret", "[hidden]")
        )
    assert fail(_raise(RuntimeError("the secret is out"))) == 1
    with hooks.installed():
        warnings.warn("a secret warning", UserWarning, stacklevel=1)
        logging.getLogger("library").warning("a secret record")
    said = capsys.readouterr().err
    assert "[hidden] is out" in said and "a [hidden] warning" in said and "a [hidden] record" in said
    assert all("secret" not in file.read_text() for file in errors.iterdir())


def test_a_failing_thread_is_one_line(errors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hooks.installed():
        thread = threading.Thread(target=_chained, name="writer")
        thread.start()
        thread.join()
    said = capsys.readouterr().err
    (file,) = errors.iterdir()
    assert said == f"note: writer failed: KeyError: 'models' (details: {file})\n"
    assert "Traceback" in file.read_text()


def test_what_libraries_say_is_one_line_without_a_path(
    errors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hooks.installed():
        for _ in range(2):
            warnings.warn_explicit("this is\n  old", FutureWarning, "/lib/site-packages/x.py", 7)
        try:
            _chained()
        except KeyError:
            logging.getLogger("asyncio").exception("Task exception was never retrieved")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "note: this is old"
    assert said[1].startswith(
        "note: asyncio: Task exception was never retrieved: KeyError: 'models' (details: "
    )
    assert len(said) == 2


def test_hooks_are_gone_after_the_program() -> None:
    before = threading.excepthook, sys.excepthook, warnings.showwarning, logging.getLogger().handlers[:]
    with hooks.installed():
        assert threading.excepthook is hooks.thread_failed
    assert before == (
        threading.excepthook,
        sys.excepthook,
        warnings.showwarning,
        logging.getLogger().handlers,
    )
