"""The whole rehearsal: build the room, run the kernel in it, judge, write the verdict."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd

from foldship.rehearsal import checks, image, mechanisms, table
from foldship.rehearsal.evidence import Evidence
from foldship.rehearsal.execution import Report, execute
from foldship.rehearsal.mechanisms import host
from foldship.rehearsal.mechanisms.base import Mechanism, Setting
from foldship.rehearsal.room import GIB, Room, furnish
from foldship.rehearsal.verdict import Verdict
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks.base import Task

SUBMISSION, SUMMARY = "submission.csv", "foldship.json"
VERDICT, LOG = "verdict.json", "kernel.log"
LEAST_MEMORY_GIB = 0.0625  # below this not even an interpreter runs


def simulate(
    kernel: Path,
    dataset: Path,
    input_folder: Path,
    out: Path,
    *,
    cache: Path,
    competition: str,
    task: Task,
    limit_s: float,
    memory_gib: float,
    working_gib: float = 20.0,
    layout: str = "current",
    isolation: str = mechanisms.AUTO,
    requirements: Path = image.REQUIREMENTS,
    echo: Callable[[str], None] | None = None,
) -> Verdict:
    """Run a bundle as Kaggle would, and judge what it did.

    Args:
        kernel: folder with `kernel-metadata.json` and the code file.
        dataset: folder with `dataset-metadata.json` and the bundle.
        input_folder: folder with the competition's test files.
        out: folder for `submission.csv`, `kernel.log` and, last, `verdict.json`; each whole or not there.
        cache: folder that keeps the image environment between runs.
        competition: the competition's slug on Kaggle.
        task: the competition aboard; says what a submission must hold.
        limit_s: seconds after which the kernel is stopped; it is told so.
        memory_gib: most memory in GiB, all processes together.
        working_gib: room in /kaggle/working in GiB.
        layout: where the folders are mounted, one of `room.LAYOUTS`.
        isolation: "auto" takes the first mechanism that works; or the name of one. "none" runs the kernel
            without a sandbox, and the verdict says so.
        requirements: packages of the image environment.
        echo: called with each line of the kernel's log as it comes; by default it goes to standard error.

    Raises:
        FoldshipError: a folder or file is missing, or no sandbox can be had.
        DataError: `input_folder` cannot be read; then nothing is run.
    """
    if limit_s <= 0 or memory_gib < LEAST_MEMORY_GIB or working_gib <= 0:
        raise FoldshipError(
            "impossible limits",
            expected=f"time and working folder above 0, memory at least {LEAST_MEMORY_GIB} GiB",
            found=f"{limit_s:g} s, {working_gib:g} GiB, {memory_gib:g} GiB",
            fix="give LIMIT= in seconds and MEMORY= in GiB",
        )
    _, template = task.read_test(input_folder)
    out.mkdir(parents=True, exist_ok=True)
    environment = image.prepare(cache, requirements, echo or _to_screen)
    with (
        _ended_by_signal(),
        tempfile.TemporaryDirectory(
            prefix=".rehearsal-", dir=out.resolve().parent, ignore_cleanup_errors=True
        ) as name,
    ):
        temporary = Path(name) / "tmp"
        temporary.mkdir()
        room = furnish(
            kernel,
            dataset,
            input_folder,
            temporary,
            competition=competition,
            layout=layout,
            limit_s=limit_s,
            memory_gib=memory_gib,
            working_gib=working_gib,
        )
        places = [kernel, dataset, input_folder, out, cache, Path.cwd(), Path(__file__)]
        mechanism, report, refused = _run(
            isolation, room, environment, places, Path(name), echo or _to_screen
        )
        verdict = _judged(kernel, dataset, template, task, room, mechanism, report, refused, out)
        _write(verdict, report, out)
    return verdict


def _run(
    isolation: str,
    room: Room,
    environment: image.Image,
    places: list[Path],
    scratch: Path,
    echo: Callable[[str], None],
) -> tuple[Mechanism, Report, dict[str, str]]:
    """Run with the first mechanism that isolates; also say why the earlier ones did not."""
    refused: dict[str, str] = {}
    for number, mechanism in enumerate(mechanisms.chosen(isolation)):
        reason = mechanism.missing()
        if not reason:
            private = scratch / str(number)
            private.mkdir()
            setting = Setting(
                room=room,
                scratch=private,
                hidden=_hidden(places, room, environment),
                image=environment,
                outputs=(SUBMISSION, SUMMARY),
            )
            report = execute(mechanism.launch(setting), setting, echo)
            if report.probe and not report.probe["failures"]:
                return mechanism, report, refused
            reason = _why(report)
        refused[mechanism.name] = reason
    raise FoldshipError(
        "no sandbox to rehearse in",
        expected="bubblewrap, user namespaces, or Docker with Kaggle's image",
        found="; ".join(f"{name}: {reason}" for name, reason in refused.items()),
        fix="install bubblewrap, or allow user namespaces (on Ubuntu 24.04 and later: `sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0`); to run without any isolation, ask for 'none'",
    )


def _judged(
    kernel: Path,
    dataset: Path,
    template: pd.DataFrame,
    task: Task,
    room: Room,
    mechanism: Mechanism,
    report: Report,
    refused: Mapping[str, str],
    out: Path,
) -> Verdict:
    summary = _read_json(report.outputs.get(SUMMARY))
    submission_path = report.outputs.get(SUBMISSION)
    submission, problem = None, ""
    if submission_path:
        try:
            submission = table.read(submission_path)
        except ValueError as error:
            problem = str(error)
    evidence = Evidence(
        kernel=kernel,
        dataset=dataset,
        template=template,
        id_column=task.ID,
        targets=tuple(name for name in task.TARGETS if name in template.columns),
        low=task.LOW,
        high=task.HIGH,
        submission_path=submission_path,
        submission=submission,
        submission_error=problem,
        summary=summary,
        status=report.status,
        isolated=mechanism.isolated,
        limit_s=room.limit_s,
        memory_bytes=room.memory_bytes,
        working_bytes=room.working_bytes,
        peak_bytes=report.peak_bytes,
        memory_exceeded=report.memory_exceeded,
    )
    return Verdict(
        findings=checks.judge(evidence),
        isolation=_isolation(mechanism, report, refused),
        limits={
            "time_s": room.limit_s,
            "memory_gib": room.memory_bytes / GIB,
            "memory_held_by": report.memory_mechanism,
            "working_gib": room.working_bytes / GIB,
        },
        seconds=report.status["seconds"] if report.status else None,
        peak_memory_gib=round(report.peak_bytes / GIB, 3),
        phases=summary.get("phases", {}),
        kernel_says={name: value for name, value in summary.items() if name != "phases"},
        submission=out / SUBMISSION if submission_path else None,
        log=out / LOG,
    )


def _hidden(places: list[Path], room: Room, environment: image.Image) -> tuple[str, ...]:
    """Paths of this machine whose absence inside proves that it is not to be seen."""
    home = Path.home()
    with suppress(OSError):
        places = [*places, *home.iterdir()]
    shown = [Path(bind.target) for bind in host.binds(environment)]
    inside = [
        *shown,
        *(Path(bind.target) for bind in room.binds),
        *(Path(scratch.target) for scratch in room.scratches),
    ]

    def absent(path: Path) -> bool:
        return not any(target.is_relative_to(path) for target in inside) and not any(
            path.is_relative_to(target) for target in shown
        )

    return tuple(sorted({str(path) for path in (place.resolve() for place in places) if absent(path)}))


def _why(report: Report) -> str:
    if report.probe:
        return "; ".join(report.probe["failures"])
    lines = report.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def _isolation(mechanism: Mechanism, report: Report, refused: Mapping[str, str]) -> dict[str, Any]:
    probe = report.probe or {}
    if not mechanism.isolated:
        return {"mechanism": "none: not isolated", "python": probe.get("python")}
    return {
        "mechanism": mechanism.name,
        "verified_from_inside": {
            "network": probe["network"],
            "read_only": probe["read_only"],
            "hidden": probe["hidden"],
            "environment": probe["environment"],
        },
        "python": probe["python"],
        "not_used": dict(refused),
    }


def _write(verdict: Verdict, report: Report, out: Path) -> None:
    atomic.write_bytes(out / LOG, report.log.read_bytes())
    if verdict.submission:
        atomic.write_bytes(verdict.submission, report.outputs[SUBMISSION].read_bytes())
    else:
        (out / SUBMISSION).unlink(missing_ok=True)  # one from an earlier run would mislead
    atomic.write_json(out / VERDICT, verdict.as_dict())


def _read_json(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # reported by the rule that misses what it says
    return value if isinstance(value, dict) else {}


def _to_screen(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let a SIGTERM clear up as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
