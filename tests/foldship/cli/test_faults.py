"""Whatever fails below a verb: no traceback, one message, a file with the details."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import project
import pytest
import yaml

from foldship.cli import context
from foldship.cli.main import VERBS
from foldship.mishaps import details, hooks

ARGUMENTS = {"new": ("mine", "--from", "train.csv"), "sample": ("folder",)}
FAULTS = {
    "RuntimeError": RuntimeError("Error(s) in loading state_dict for X:\n\tMissing key(s): 'a'"),
    "KeyError": KeyError("models"),
    "ValueError": ValueError("could not convert string to float: 'x'"),
    "TypeError": TypeError("unsupported operand"),
    "AttributeError": AttributeError("'NoneType' object has no attribute 'x'"),
    "IndexError": IndexError("list index out of range"),
    "AssertionError": AssertionError(),
    "ZeroDivisionError": ZeroDivisionError("division by zero"),
    "MemoryError": MemoryError("Unable to allocate 9.31 GiB"),
    "RecursionError": RecursionError("maximum recursion depth exceeded"),
    "UnicodeDecodeError": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "ConnectionResetError": ConnectionResetError(104, "Connection reset by peer"),
    "TimeoutError": TimeoutError("timed out"),
    "EOFError": EOFError("Ran out of input"),  # which click takes for Ctrl-C
    "BrokenPipeError": BrokenPipeError(32, "Broken pipe"),  # of a worker, not of the terminal
    "BadZipFile": zipfile.BadZipFile("File is not a zip file"),
    "UnpicklingError": pickle.UnpicklingError("invalid load key"),
    "YAMLError": yaml.YAMLError("mapping values are not allowed here"),
    "JSONDecodeError": json.JSONDecodeError("Expecting value", "{", 1),
    "CalledProcessError": subprocess.CalledProcessError(3, ["git", "status"], stderr="no room"),
    "StopIteration": StopIteration("nothing left"),
    "ImportError": ImportError("cannot import name 'x'"),
    "OSError": OSError(5, "Input/output error", "weights/x"),
    "NotImplementedError": NotImplementedError("aten::x"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_fails_is_one_message_and_a_file(
    verb: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(details.FOLDER, str(tmp_path))
    monkeypatch.delenv(hooks.DEBUG, raising=False)
    for kind, fault in FAULTS.items():

        def fail(*_: object, fault: BaseException = fault) -> None:
            raise fault

        monkeypatch.setattr(context, "Workspace", fail)
        result = project.here(root, verb, *ARGUMENTS.get(verb, ()))
        assert result.returncode == 1, kind
        assert "Traceback" not in result.stderr + result.stdout
        assert result.stderr.startswith(f"error: foldship {verb}"), (kind, result.stderr)
        assert f"{kind}: " in result.stderr and "  fix:  " in result.stderr
        kept = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        assert f"details:  {kept}" in result.stderr and "Traceback" in kept.read_text(), kind
    assert len(list(tmp_path.iterdir())) == len(FAULTS)


def test_a_reader_that_leaves_ends_the_program_in_silence(root: Path) -> None:
    command = [sys.executable, "-m", "foldship", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, text=True)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(60) in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_output_that_is_full_is_told(root: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "foldship", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=root,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and "No space left" in result.stderr
    assert "Traceback" not in result.stderr and "Exception ignored" not in result.stderr


def test_ctrl_c_is_one_line_whenever_it_comes(root: Path) -> None:
    code = "from foldship.cli import main, report; import click, time, sys\n"
    code += "wait = lambda: (print('on', flush=True), time.sleep(60))\n"
    code += "report.command = click.Command('report', callback=wait)\n"
    code += "sys.argv = ['foldship', 'report']; main.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, text=True
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read() == "stopped; run the same command again to go on\n"


def test_a_terminal_that_cannot_spell_a_name_is_no_error(root: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "FOLDSHIP_ROOT": str(root)}
    code = "from foldship.cli import main, report; import click, sys\n"
    code += "report.command = click.Command('report', callback=lambda: print('\\uac00\\udcff'))\n"
    code += "sys.argv = ['foldship', 'report']; main.main()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=root, text=True, env=environment, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "\\uac00\\udcff\n", "")
