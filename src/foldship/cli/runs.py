"""`foldship runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldship.cli import comparing
from foldship.cli.context import competition_of, open_workspace
from foldship.workspace import Workspace

TEST_ROWS = 476  # rows of QUEST's public test set, one answer to each question


@click.command()
@click.option("--competition", default="quest", show_default=True, help="Which competition.")
@click.option("--compare", nargs=2, metavar="A B", help="Whether run B is surely better than run A.")
@click.option("--against", metavar="RUN", help="How much better or worse than this one each other run is.")
@click.option("--show", metavar="RUN", help="Print a run's settings as a recipe, and what has changed since.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="With --show: say whether this data is the run's."
)
@click.option(
    "--rows",
    type=click.IntRange(min=2),
    default=TEST_ROWS,
    show_default=True,
    help="With --compare: rows of a test set, one of each group.",
)
@click.option(
    "--resamples",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="With --compare and --against: how often groups are drawn.",
)
def command(
    competition: str,
    compare: tuple[str, str] | None,
    against: str | None,
    show: str | None,
    data: Path | None,
    rows: int,
    resamples: int,
) -> None:
    """List what was tried and what it scored, compare two runs, or repeat one.

    Every finished `foldship train` keeps its settings, hashes, scores and out-of-fold predictions under
    weights/<competition>/runs/. A run is named by the beginning of its name in the list; the name of a recipe
    means its latest run.

    With --compare, groups of rows (the answers to one question) are drawn again and again, and both runs are
    scored on them; --against does so with every run on the same rows. With --show, the output is a recipe:
    put it into kernels/<competition>/recipes/NAME.yaml, and `foldship train --recipe NAME` repeats the run.
    """
    if sum(map(bool, (compare, against, show))) > 1:
        raise click.UsageError("--compare, --against and --show are different questions: ask one")
    workspace = open_workspace(competition)
    if compare:
        comparing.compare_runs(workspace, *compare, rows=rows, resamples=resamples)
    elif against:
        comparing.rank_runs(workspace, against, resamples)
    elif show:
        show_run(workspace, show, data)
    else:
        list_runs(workspace)


def list_runs(workspace: Workspace) -> None:
    """Show all runs, the best first."""
    from foldship import runs
    from foldship.reporting import run_tables, terminal

    found, notes = runs.load_all(workspace.runs)
    if found:
        terminal.show(run_tables.board([run.facts for run in found]))
    else:
        click.echo("no run yet: `make train` makes one")
    for note in notes:
        click.echo(f"note: {note}")


def show_run(workspace: Workspace, name: str, data: Path | None) -> None:
    """Print a run's settings as a recipe; what has changed since stands in comments."""
    import yaml

    from foldship import runs
    from foldship.config import repeat

    run = runs.find(workspace.runs, name)
    recipe, lost = repeat.as_recipe(workspace.experiment, dict(run.facts["config"]))
    recipe.pop("competition", None)
    click.echo(f"# run {run.name} of {run.facts['finished']}, recipe {run.facts['recipe']}")
    for line in _changed(workspace, run.facts, data):
        click.echo(f"# {line}")
    if lost:
        click.echo(f"# a recipe cannot bring back: {', '.join(lost)}; set these in experiment.yaml")
    click.echo(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), nl=False)


def _changed(workspace: Workspace, facts: Any, data: Path | None) -> list[str]:
    """What is not as it was when the run was made, one line each."""
    from foldship import receipts
    from foldship.cli import recording
    from foldship.modelling import store
    from foldship_kernel.errors import listed

    now = receipts.code()
    then = facts["code"]
    changed = sorted(path for path in {*now, *then} if now.get(path) != then.get(path))
    lines = [f"code: {len(changed)} files differ: {listed(changed)}" if changed else "code: as it was"]
    if facts["git"]:
        since = " with changes" if facts["git"]["changed"] else ""
        lines.append(f"git: made at commit {facts['git']['commit']}{since}")
    versions = receipts.versions()
    moved = [
        f"{name} {facts['versions'].get(name)}, now {version}"
        for name, version in versions.items()
        if facts["versions"].get(name) != version
    ]
    lines.append(f"packages: {'; '.join(moved)}" if moved else "packages: as they were")
    if data is None:
        lines.append("data: not compared; name it with --data")
    else:
        rows = competition_of(workspace).read_train(data.expanduser())
        same = recording.data_digest(rows) == facts["data"]
        lines.append("data: as it was" if same else f"data: {data} is not what the run was trained on")
    for name, trained in facts["trained"].items():
        kept = store.fingerprint(workspace.model(name)) == trained["fingerprint"]
        lines.append(f"weights of {name}: " + ("still there" if kept else "overwritten, set aside or gone"))
        older = [
            fold["fold"]
            for fold in facts.get("folds", {}).get(name, [])
            if fold["code"] not in (None, receipts.digest(then))  # None: trained elsewhere
        ]
        if older:
            lines.append(f"weights of {name}: folds {older} were trained by other code than finished the run")
    return lines
