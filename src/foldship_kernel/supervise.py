"""Run the kernel's work in a process of its own, and stop it in time.

Whatever happens to the worker (too slow, out of memory, a crash in native code), the best submission so far
is on disk, and this process ends in good order. Standard library only: nothing slow comes before the clock.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from foldship_kernel import account, deadline, stopgap
from foldship_kernel.errors import FoldshipError

SUBMISSION, JOURNAL = "submission.csv", "foldship.json"
BLOCK = 4096
FRUGAL = "FOLDSHIP_FRUGAL"  # set for a second worker, after the first was killed
# Share of the reserve that even a run without any submission yet leaves for stopping.
LAST_SHARE = 0.25
_RULE = "!" * 80


def main(bundle: Path, inputs: Path, working: Path, start: float) -> int:
    """Make the submission, and return the kernel's exit status.

    Args:
        bundle: path of `bundle.json`.
        inputs: folder to search for the competition's files.
        working: folder to write into.
        start: `time.monotonic()` at the kernel's start.

    Returns:
        0 if a submission was made by at least one fold, or time ran out with any valid submission; else 1.

    Raises:
        FoldshipError: the limit is no number, or the working folder cannot be written to.
    """
    clock = deadline.Deadline(start, deadline.limit_s(os.environ, bundle))
    _clear(working)
    stopgap.write(bundle, inputs, working / SUBMISSION)
    with suppress(ValueError):  # only a main thread may; nowhere else would the signal arrive
        signal.signal(signal.SIGTERM, _stop)
    # What cannot be cleaned up must not cost the submission.
    with tempfile.TemporaryDirectory(prefix="foldship-", ignore_cleanup_errors=True) as scratch:
        try:
            code, in_time = _work(bundle, inputs, working, clock, scratch, frugal=False)
            if in_time and code < 0 and clock.left_s() > 0:
                _print(f"{_RULE}\n{_death(code)}\nOnce more, with as little memory as can be.\n{_RULE}\n")
                code, in_time = _work(bundle, inputs, working, clock, scratch, frugal=True)
        except _Terminated:
            code, in_time = -signal.SIGTERM, False
    _remove_half_files(working)
    return _status(code, in_time, bundle, working, clock)


class _Terminated(BaseException):
    """The platform wants this process to end now."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows takes no time
    raise _Terminated


def _work(
    bundle: Path, inputs: Path, working: Path, clock: deadline.Deadline, scratch: str, *, frugal: bool
) -> tuple[int, bool]:
    """Run one worker; returns its exit status (negative: the signal that killed it), and whether in time."""
    worker = _start(bundle, inputs, working, clock, scratch, frugal=frugal)
    relay = threading.Thread(target=_relay, args=(worker.stdout,), daemon=True)
    try:
        relay.start()
        in_time = _wait(worker, clock, working / SUBMISSION)
    finally:
        worker.kill()
        worker.wait()
    relay.join(timeout=0.5)  # not before: a worker that lives says more
    return worker.returncode, in_time


def _clear(working: Path) -> None:
    """Remove what an earlier run left, so that a submission there is this run's."""
    try:
        working.mkdir(parents=True, exist_ok=True)
        for name in (SUBMISSION, JOURNAL):
            (working / name).unlink(missing_ok=True)
        _remove_half_files(working)
        with tempfile.TemporaryFile(dir=working, buffering=0) as probe:
            probe.write(bytes(BLOCK))  # on a full disk, an empty file can still be made
    except OSError as error:
        raise FoldshipError(
            f"{working}: the working folder cannot be written to",
            found=str(error),
            fix="make the folder writable, or free space on its disk",
        ) from error


def _remove_half_files(working: Path) -> None:
    """Remove what a worker was writing when it was killed."""
    for name in (SUBMISSION, JOURNAL):
        for path in working.glob(f".{name}.*"):
            with suppress(OSError):
                path.unlink()


def _start(
    bundle: Path, inputs: Path, working: Path, clock: deadline.Deadline, scratch: str, *, frugal: bool
) -> subprocess.Popen[str]:
    code = Path(__file__).resolve().parents[1]
    paths = [str(code), *filter(None, [os.environ.get("PYTHONPATH")])]
    arguments = [str(bundle), str(inputs), str(working), scratch, repr(clock.start), repr(clock.limit_s)]
    return subprocess.Popen(
        # -P: modules lying about in the working folder must not be imported.
        [sys.executable, "-P", "-u", "-m", "foldship_kernel.run", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "TMPDIR": scratch,
            **({FRUGAL: "1"} if frugal else {}),
        },
        stdin=subprocess.PIPE,  # the worker ends when this closes, also if this process is killed
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def _relay(lines: IO[str] | None) -> None:
    """Print what the worker says: a notebook shows this process's output only."""
    for line in lines or ():
        _print(line)


def _print(text: str) -> None:
    """Print `text`. With nobody to read it the worker must go on: a full pipe would halt it."""
    with suppress(OSError, ValueError):
        print(text, end="", flush=True)


def _wait(worker: subprocess.Popen[str], clock: deadline.Deadline, submission: Path) -> bool:
    """Wait for the worker's end; False if time was up.

    Once it is, wait for a submission only, and for that no longer than leaves time to stop.
    """
    try:
        worker.wait(timeout=max(0.0, clock.left_to_stop_s()))
        return True
    except subprocess.TimeoutExpired:
        last = clock.limit_s - LAST_SHARE * clock.reserve_s
        while worker.poll() is None and not submission.exists() and clock.elapsed_s() < last:
            time.sleep(0.02)
        return False


def _status(code: int, in_time: bool, bundle: Path, working: Path, clock: deadline.Deadline) -> int:
    if in_time and code >= 0:
        return code
    submission = working / SUBMISSION
    facts = _facts(working / JOURNAL)
    folds = len(facts.setdefault("folds_used", []))
    left_out = facts.setdefault("folds_left_out", {})
    if not in_time and code == -signal.SIGTERM:
        what = f"TOLD TO STOP (SIGTERM) after {clock.elapsed_s():.1f} s of {clock.limit_s:g} s."
        why = f"no time: told to stop after {clock.elapsed_s():.1f} s"
    elif not in_time:
        what = f"TIME IS UP: stopped after {clock.elapsed_s():.1f} s of {clock.limit_s:g} s."
        why = f"no time: not finished after {clock.elapsed_s():.1f} s"
    else:
        what = _death(code)
        why = f"failed: {what}"
    left_out.update(dict.fromkeys(account.missing(bundle, facts), why))
    if not submission.exists():
        kept = "There is no submission."
    elif folds:
        kept = f"The submission of {folds} folds is kept."
    else:
        kept = "Only the fallback submission is there: no model had a part in it."
    _print(f"{_RULE}\n{what}\n{kept}\n{_RULE}\n")
    facts.setdefault("notes", []).append(f"{what} {kept}")
    facts["status"] = account.status(facts)
    facts["seconds"] = round(clock.elapsed_s(), 3)
    with suppress(OSError), stopgap.replacing(working / JOURNAL) as stream:  # a full disk must not cost it
        stream.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return 0 if submission.exists() and (folds or not in_time) else 1


def _death(code: int) -> str:
    return f"THE WORKER DIED: {signal.Signals(-code).name}; SIGKILL mostly means that memory ran out."


def _facts(journal: Path) -> dict[str, Any]:
    try:
        value = json.loads(journal.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
