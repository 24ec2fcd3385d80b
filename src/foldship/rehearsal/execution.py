"""Start a shut-in kernel, show and keep its log, watch its memory, and take its report."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from foldship.rehearsal.mechanisms.base import Launch, Setting
from foldship_kernel import atomic

LOG_LIMIT = 64 << 20  # bytes of a runaway log that are kept
SAMPLE_S = 0.1
GRACE_S = 60.0  # for the supervisor to report after the limit
ENDING_S = 10.0
LINE = 1 << 20  # bytes; more than the supervisor ever writes in a line


@dataclass(frozen=True)
class Report:
    """What came back.

    Attributes:
        probe: what the supervisor saw before it ran the kernel; None when it did not get that far.
        status: how the kernel ended; None when it did not run, or the sandbox broke under it.
        outputs: files taken from the working folder, by name.
        log: everything the kernel and the sandbox wrote.
        peak_bytes: most memory seen in use at once.
        memory_mechanism: how memory was held below the limit.
        cpu_mechanism: how it was held to its processors.
        memory_exceeded: whether the limit was hit.
        broken: what went wrong with the report itself; "" when it came whole.
    """

    probe: dict[str, Any] | None
    status: dict[str, Any] | None
    outputs: dict[str, Path]
    log: Path
    peak_bytes: int
    memory_mechanism: str
    cpu_mechanism: str
    memory_exceeded: bool
    broken: str


def execute(launch: Launch, setting: Setting, echo: Callable[[str], None]) -> Report:
    """Run to the end; whatever happens, nothing is left running.

    Args:
        launch: the program to start.
        setting: the run.
        echo: called with each piece of the log as it comes.

    Raises:
        OSError: the program cannot be started.
    """
    log = setting.scratch / "kernel.log"
    outputs = setting.scratch / "outputs"
    outputs.mkdir()
    try:
        with launch.processors.affinity():
            process = subprocess.Popen(
                launch.processors.wrap(launch.guard.wrap(launch.command)),
                env=launch.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C comes to us alone
            )
    except OSError:
        launch.close()
        raise
    assert process.stdin and process.stdout and process.stderr
    commands, report, errors = process.stdin, process.stdout, process.stderr
    done, proven = threading.Event(), threading.Event()
    broken = ""

    def stop(reason: str) -> None:
        with suppress(OSError):
            commands.write(f"{reason}\n".encode())
            commands.flush()

    threads = [
        threading.Thread(target=_keep_log, args=(errors, log, echo, proven)),
        threading.Thread(target=_watch, args=(launch, process.pid, stop, done)),
        threading.Thread(target=_end_late, args=(process, setting.room.limit_s + GRACE_S, done)),
    ]
    try:
        for thread in threads:
            thread.start()
        probe = _document(report, "failures")
        if probe and not probe["failures"]:
            proven.set()
        status = _document(report, "exit_code")
        broken = _take(report, outputs) if status else ""
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_S)
        launch.guard.sample(process.pid, stop)
    finally:
        done.set()
        with suppress(OSError):
            commands.close()  # tells the supervisor to end, should it still be there
        try:
            process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            broken = broken or "the sandbox did not end"
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        report.close()
        errors.close()
        launch.close()
    peak = launch.guard.peak or (status or {}).get("largest_process_bytes", 0)
    return Report(
        probe=probe,
        status=status,
        outputs={name: outputs / name for name in setting.outputs if (outputs / name).is_file()},
        log=log,
        peak_bytes=peak,
        memory_mechanism=launch.guard.mechanism,
        cpu_mechanism=launch.processors.mechanism,
        memory_exceeded=launch.guard.exceeded or (status or {}).get("stopped") == "memory",
        broken=broken,
    )


def _document(report: IO[bytes], key: str) -> dict[str, Any] | None:
    """The next line of the report that is a JSON object with `key`, or None where it ends early.

    Other lines are passed over: programs around the supervisor may have something to say.
    """
    while line := report.readline(LINE):
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict) and key in value:
                return value
    return None


def _take(report: IO[bytes], outputs: Path) -> str:
    """Store the output files that follow in the report; says what went wrong, if anything."""
    try:
        with tarfile.open(fileobj=report, mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if content is not None:
                    with atomic.replacing(outputs / Path(entry.name).name) as path, path.open("wb") as stream:
                        shutil.copyfileobj(content, stream)
    except (tarfile.TarError, OSError) as error:
        return f"the output files could not be taken out whole: {error}"
    return ""


def _keep_log(errors: IO[bytes], log: Path, echo: Callable[[str], None], proven: threading.Event) -> None:
    """Store the log, and show it once it is known to be the kernel's and not a failed attempt's."""
    kept = 0
    unseen: list[bytes] = []
    with log.open("wb") as stream:
        for line in errors:
            if kept < LOG_LIMIT:
                stream.write(line)
                stream.flush()
                kept += len(line)
                if kept >= LOG_LIMIT:
                    stream.write(b"\n[the rest of the log was dropped]\n")
            unseen.append(line)
            if proven.is_set():
                _show(unseen, echo)
    if proven.is_set():
        _show(unseen, echo)


def _show(lines: list[bytes], echo: Callable[[str], None]) -> None:
    for line in lines:
        echo(line.decode(errors="replace"))
    lines.clear()


def _watch(launch: Launch, pid: int, stop: Callable[[str], None], done: threading.Event) -> None:
    while not done.wait(SAMPLE_S):
        launch.guard.sample(pid, stop)


def _end_late(process: subprocess.Popen[bytes], seconds: float, done: threading.Event) -> None:
    """End the sandbox if it outlives even its own supervisor's limit."""
    if not done.wait(seconds):
        process.kill()
