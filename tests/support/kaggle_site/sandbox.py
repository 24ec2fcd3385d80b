"""Running pushed kernels for real, in the rehearsal's own sandbox.

Nothing but what was pushed and uploaded is shown to the kernel: the code's text, the unpacked files of the
attached datasets, and the competition's files.
"""

from __future__ import annotations

import json
from pathlib import Path

from foldship.rehearsal import image, mechanisms
from foldship.rehearsal.execution import Report, execute
from foldship.rehearsal.mechanisms.base import Setting
from foldship.rehearsal.room import (
    GIB,
    HOME,
    INPUT,
    KAGGLE_ENVIRONMENT,
    LAYOUTS,
    SOURCE,
    TEMPORARY,
    WORKING,
    Bind,
    Room,
    Scratch,
)
from foldship.rehearsal.scratch import private_folder
from kaggle_site.runners import Runner
from kaggle_site.sessions import OUT_OF_MEMORY, OUT_OF_TIME, Session

OUTPUTS = ("submission.csv", "foldship.json")
SCRIPT = "script.py"
# Only set when a submission is scored.
RERUN = "KAGGLE_IS_COMPETITION_RERUN"


def runner(
    cache: Path,
    *,
    requirements: Path = image.REQUIREMENTS,
    limit_s: float = 120.0,
    memory_gib: float = 4.0,
    outputs: tuple[str, ...] = OUTPUTS,
    layout: str = "current",
) -> Runner:
    """A runner that runs kernels in the sandbox.

    Args:
        cache: folder that keeps the image environment between runs.
        requirements: packages of the image environment.
        limit_s: seconds after which a kernel is stopped; it is not told.
        memory_gib: most memory in GiB.
        outputs: names of the files that are kept.
        layout: where the folders are mounted, one of `room.LAYOUTS`.
    """

    def run(session: Session) -> None:
        environment = image.prepare(cache, requirements)
        with private_folder(session.output.parent) as scratch:
            room = _furnish(session, scratch, limit_s, memory_gib, layout)
            report = _execute(room, environment, scratch, outputs)
            for name, path in report.outputs.items():
                (session.output / name).write_bytes(path.read_bytes())
            for line in report.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
                session.say(line, "stderr")
        session.failure = _failure(report)

    return run


def _furnish(session: Session, scratch: Path, limit_s: float, memory_gib: float, layout: str) -> Room:
    source, temporary = scratch / "source", scratch / "tmp"
    source.mkdir()
    temporary.mkdir()
    (source / SCRIPT).write_text(session.request["text"], encoding="utf-8")
    dataset_place, competition_place = (f"{INPUT}/{place}" for place in LAYOUTS[layout])
    attached = []
    for ref, folder in session.datasets.items():
        owner, slug = ref.split("/")
        attached.append(Bind(folder.resolve(), dataset_place.format(owner=owner, dataset=slug)))
    for name, folder in session.competitions.items():
        attached.append(Bind(folder.resolve(), competition_place.format(competition=name)))
    kaggle = {name: value for name, value in KAGGLE_ENVIRONMENT.items() if name != RERUN}
    return Room(
        binds=(Bind(source, SOURCE), *attached, Bind(temporary, TEMPORARY, writable=True)),
        scratches=(Scratch(WORKING, GIB), Scratch(HOME, GIB), Scratch("/dev/shm", GIB)),
        environment={
            "PATH": "/opt/image/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": HOME,
            "LANG": "C.UTF-8",
            **kaggle,
        },
        script=f"{SOURCE}/{SCRIPT}",
        memory_bytes=int(memory_gib * GIB),
        working_bytes=GIB,
        limit_s=limit_s,
    )


def _execute(room: Room, environment: image.Image, scratch: Path, outputs: tuple[str, ...]) -> Report:
    """Run with the first mechanism that isolates."""
    refused = {}
    for number, mechanism in enumerate(mechanisms.ISOLATING):
        refused[mechanism.name] = mechanism.missing()
        if refused[mechanism.name]:
            continue
        private = scratch / str(number)
        private.mkdir()
        setting = Setting(room, private, (str(Path(__file__).resolve()),), environment, outputs)
        report = execute(mechanism.launch(setting), setting, lambda line: None)
        if report.probe and not report.probe["failures"]:
            return report
        refused[mechanism.name] = json.dumps(report.probe)
    raise RuntimeError(f"no sandbox: {refused}")


def _failure(report: Report) -> str | None:
    status = report.status or {}
    if report.memory_exceeded:
        return OUT_OF_MEMORY
    if status.get("stopped") == "time":
        return OUT_OF_TIME
    return None if status.get("exit_code") == 0 else ""
