"""`foldship simulate`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foldship import unpacking
from foldship.cli import quantities
from foldship.cli.context import Context, open_context, shared_options

if TYPE_CHECKING:
    from foldship.rehearsal import Promise

LEAST_MARGIN = 0.2


class Number(click.FloatRange):
    """A range of numbers that infinity and NaN are none of."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def rehearsal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a rehearsal can be told."""
    for option in (
        click.option(
            "--isolation",
            default="auto",
            show_default=True,
            help="bubblewrap, unshare, docker; auto takes the first that works here. none runs the kernel "
            "without a sandbox, and the verdict says so.",
        ),
        click.option(
            "--margin",
            type=Number(0, 1, max_open=True),
            help="Share of the limit that must be left on the projected machine; less fails.  "
            f"[default: {LEAST_MARGIN}]",
        ),
        click.option(
            "--profile",
            help="Machine to project the run to: t4x2, l4, cpu, local (this one), or one of your own in "
            "kernels/profiles/.  [default: the one that the kernel asks for, and the CPU beside a GPU]",
        ),
        click.option(
            "--rows",
            type=click.IntRange(min=1),
            help="Rows to project the run to, such as the hidden set's.  [default: those of the input]",
        ),
        click.option(
            "--cpus",
            type=quantities.PROCESSORS,
            help="Processors that the kernel may use, to rehearse a slower machine; fractions need a control "
            "group.  [default: all]",
        ),
        click.option(
            "--memory",
            type=quantities.MEMORY,
            default=16.0,
            show_default=True,
            help="Memory limit in GiB.",
        ),
        click.option(
            "--limit", type=quantities.LIMIT, help="Run-time limit in seconds.  [default: the bundle's own]"
        ),
        click.option(
            "--input",
            "input_folder",
            type=click.Path(path_type=Path),
            help="Folder with the test files to run on, such as a hidden set's.  [default: the data folder]",
        ),
    ):
        command = option(command)
    return command


@click.command()
@shared_options
@rehearsal_options
def command(competition: str, data: Path | None, recipe: str, **rehearsal: Any) -> None:
    """Run the bundle in a sealed sandbox laid out like Kaggle, and check everything.

    No network, inputs read-only, only what the image has plus the bundle's wheels, limits enforced. Writes
    submission.csv, verdict.json and kernel.log to build/<competition>/simulation/. Projects the run to the
    machine that the kernel asks for, with the bundle's own limit. Any failed check makes the command fail.
    """
    simulate(open_context(competition, data, recipe), **rehearsal)


def simulate(
    context: Context,
    input_folder: Path | None,
    limit: float | None,
    memory: float,
    cpus: float | None,
    isolation: str,
    rows: int | None,
    profile: str | None,
    margin: float | None,
) -> None:
    """Rehearse, show the verdict, and end the program with status 1 if a check failed."""
    from foldship import rehearsal
    from foldship.reporting import tables, terminal
    from foldship.shipping import settings
    from foldship_kernel import manifest

    workspace = context.workspace
    promise = _promise(context, rows, profile, margin)
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    bundle = manifest.load(workspace.dataset / manifest.FILE_NAME)
    verdict = rehearsal.simulate(
        workspace.kernel,
        workspace.dataset,
        _input(context, input_folder) if input_folder else context.data,
        workspace.simulation,
        cache=workspace.cache,
        competition=kernel.competition,
        task=context.competition.knowing(bundle.task),
        limit_s=bundle.limit_s if limit is None else limit,
        memory_gib=memory,
        cpus=cpus,
        isolation=isolation,
        promise=promise,
    )
    seen = verdict.as_dict()
    for show in (tables.phases, tables.projection, tables.checks):
        table = show(seen)
        if table:
            terminal.show(table)
    if not verdict.passed:
        sys.exit(f"error: the rehearsal failed: see {workspace.simulation / 'verdict.json'}")


def _input(context: Context, given: Path) -> Path:
    """The folder to rehearse on, unpacked where it is an archive."""
    return unpacking.folder(
        given.expanduser(), context.competition.task.files, context.workspace.unpacked, "INPUT"
    )


def _promise(context: Context, rows: int | None, profile: str | None, margin: float | None) -> Promise:
    """How the run is to be projected; an unknown profile that was asked for is an error at once."""
    from foldship import projection
    from foldship.rehearsal import Promise
    from foldship_kernel import manifest

    workspace = context.workspace
    if profile is not None:
        projection.Target.named(profile, workspace.profiles)

    def project(rows_seen: int, facts: Mapping[str, Any], seconds: float | None) -> Mapping[str, Any]:
        name = profile or projection.default_profile(workspace.kernel / "kernel-metadata.json")
        target = projection.Target.named(name, workspace.profiles, rows)
        return projection.project(workspace.dataset / manifest.FILE_NAME, target, rows_seen, facts, seconds)

    asked = any(wish is not None for wish in (rows, profile, margin))
    return Promise(project, LEAST_MARGIN if margin is None else margin, asked)
