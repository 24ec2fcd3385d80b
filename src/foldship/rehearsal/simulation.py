"""The whole rehearsal: build the room, run the kernel in it, judge, write the verdict."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from foldship.mishaps import step
from foldship.rehearsal import image, mechanisms, processors
from foldship.rehearsal.evidence import Promise
from foldship.rehearsal.execution import Report, execute
from foldship.rehearsal.judgement import LOG, SUBMISSION, SUMMARY, judge
from foldship.rehearsal.mechanisms import host
from foldship.rehearsal.mechanisms.base import Mechanism, Setting
from foldship.rehearsal.room import Room, furnish
from foldship.rehearsal.sample import read as read_sample
from foldship.rehearsal.scratch import private_folder
from foldship.rehearsal.verdict import Verdict
from foldship_kernel import atomic, magic, opening, parts
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import Task

VERDICT = "verdict.json"
LEAST_MEMORY_GIB = 0.0625  # below this not even an interpreter runs
MOST_PERSONAL = (
    50  # entries of the home folder to look for inside: one argument carries them, of 128 KiB at most
)


@step("rehearsing the kernel")
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
    cpus: float | None = None,
    promise: Promise | None = None,
    layout: str = "current",
    isolation: str = mechanisms.AUTO,
    requirements: Path = image.REQUIREMENTS,
    echo: Callable[[str], None] | None = None,
) -> Verdict:
    """Run a bundle as Kaggle would, and judge what it did.

    Args:
        kernel: folder with `kernel-metadata.json` and the code file.
        dataset: folder with `dataset-metadata.json` and the bundle; its further parts lie beside it.
        input_folder: folder with the competition's test files.
        out: folder for `submission.csv`, `kernel.log` and, last, `verdict.json`; each whole or not there.
        cache: folder that keeps the image environment between runs.
        competition: the competition's slug on Kaggle.
        task: the competition aboard; says what a submission must hold.
        limit_s: seconds after which the kernel is stopped; it is told so.
        memory_gib: most memory in GiB, all processes together.
        working_gib: room in /kaggle/working in GiB.
        cpus: processors the kernel may use, fractions allowed; None for all.
        promise: how the run is projected to another machine, and what margin it must have there.
        layout: where the folders are mounted, one of `room.LAYOUTS`.
        isolation: "auto" takes the first mechanism that works; or the name of one. "none" runs the kernel
            without a sandbox, and the verdict says so.
        requirements: packages of the image environment.
        echo: called with each line of the kernel's log as it comes; by default it goes to standard error.

    Raises:
        FoldshipError: a folder or file is missing, or no sandbox or share of the processors can be had.
        DataError: `input_folder` cannot be read; then nothing is run.
    """
    check_limits(limit_s, memory_gib, working_gib)
    processors.check(cpus)
    # As the kernel reads them: odd files are a warning, not the end of the rehearsal.
    rows, wanted = task.read_test(input_folder, strict=False)
    template = pd.DataFrame({wanted.id_column: list(wanted.ids)}).reindex(columns=list(wanted.columns))
    sample = None if task.template is None else read_sample(input_folder / task.template, task.encoding)
    out.mkdir(parents=True, exist_ok=True)
    further = image.PARQUET if _in_parquet(task, input_folder) else ()
    environment = image.prepare(cache, requirements, echo or to_screen, further)
    with private_folder(out.resolve().parent) as scratch:
        temporary = scratch / "tmp"
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
            cpus=cpus,
        )
        places = [kernel, *parts.built(dataset), input_folder, out, cache, Path.cwd(), Path(__file__)]
        (out / VERDICT).unlink(missing_ok=True)  # from here on, no verdict means not judged
        mechanism, report, refused = shut_in(isolation, room, environment, places, scratch, echo or to_screen)
        verdict = judge(
            kernel,
            dataset,
            template,
            task,
            room,
            mechanism,
            report,
            refused,
            out,
            promise=promise,
            rows=len(rows.ids),
            sample=sample,
        )
        _write(verdict, report, out)
    return verdict


def _in_parquet(task: Task, folder: Path) -> bool:
    """Whether a table that the kernel reads is in Parquet."""
    return any(opening.source(folder / name).layout.kind == magic.PARQUET for name in task.files)


def check_limits(limit_s: float, memory_gib: float, working_gib: float = 1.0) -> None:
    """Refuse limits under which nothing can run.

    Args:
        limit_s: seconds.
        memory_gib, working_gib: GiB of memory and of the working folder.

    Raises:
        FoldshipError: one is too low, or no number.
    """
    numbers = all(map(math.isfinite, (limit_s, memory_gib, working_gib)))
    if not numbers or limit_s <= 0 or memory_gib < LEAST_MEMORY_GIB or working_gib <= 0:
        raise FoldshipError(
            "impossible limits",
            expected=f"time and working folder above 0, memory at least {LEAST_MEMORY_GIB} GiB",
            found=f"{limit_s:g} s, {working_gib:g} GiB, {memory_gib:g} GiB",
            fix="give LIMIT= in seconds and MEMORY= in GiB",
        )


def shut_in(
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
            try:
                report = execute(mechanism.launch(setting), setting, echo)
            except OSError as error:
                reason = f"it cannot be started: {error}"
            else:
                if report.probe and not report.probe["failures"]:
                    return mechanism, report, refused
                reason = _why(report)
        refused[mechanism.name] = reason
    raise FoldshipError(
        "no sandbox to rehearse in",
        expected="bubblewrap, user namespaces, or Docker with Kaggle's image",
        found="; ".join(f"{name}: {reason}" for name, reason in refused.items()),
        fix="install bubblewrap, or allow user namespaces (on Ubuntu 24.04 and later: `sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0`); in a container that allows none, "
        "ISOLATION=none (--isolation none) rehearses without a sandbox, and the verdict says so",
    )


def _hidden(places: list[Path], room: Room, environment: image.Image) -> tuple[str, ...]:
    """Paths of this machine whose absence inside proves that it is not to be seen."""
    home = Path.home()
    with suppress(OSError):
        places = [*places, *sorted(home.iterdir())[:MOST_PERSONAL]]  # those with a dot come first
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


def _write(verdict: Verdict, report: Report, out: Path) -> None:
    atomic.write_bytes(out / LOG, report.log.read_bytes())
    if verdict.submission:
        atomic.write_bytes(verdict.submission, report.outputs[SUBMISSION].read_bytes())
    else:
        (out / SUBMISSION).unlink(missing_ok=True)  # one from an earlier run would mislead
    atomic.write_json(out / VERDICT, verdict.as_dict())


def to_screen(line: str) -> None:
    """Show a line of a log as it is."""
    sys.stderr.write(line)
    sys.stderr.flush()
