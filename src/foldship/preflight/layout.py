"""The sample submission's columns: those that are declared, no more, and of the kind that is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from foldship.competitions import classes
from foldship.competitions.base import Competition
from foldship.preflight.answers import Finding, note, refusal
from foldship.preflight.files import Table
from foldship_kernel.errors import listed
from foldship_kernel.tasks import CLASSES, Task
from foldship_kernel.tasks.layout import CLASS, PROBABILITIES

UNKNOWN = "..."  # stands in a remedy for what only a person knows


def compare(competition: Competition, sample: Table, train: pd.DataFrame | None) -> Iterator[Finding]:
    """Hold the sample against the layout that is declared.

    Args:
        competition: what is declared.
        sample: the file.
        train: the training rows; None where they cannot be read.
    """
    task = competition.task
    named = [name for name in sample.rows.columns if name != sample.id]
    extra = [name for name in named if name not in task.submission]
    lacking = [name for name in task.submission if name not in named]
    if extra or lacking:
        found = [f"nobody declared {listed(extra)}"] if extra else []
        found += [f"it has no {listed(lacking)}"] if lacking else []
        yield refusal(
            f"{sample.path}: its columns are not those that competition.yaml declares",
            expected=f"{sample.id}, {', '.join(task.submission)}",
            found=f"{sample.id}, {', '.join(named)}: {'; '.join(found)}",
            fix=_remedy(competition, named, extra, lacking, train),
        )
    for name in named:
        if name in task.submission:
            yield from _kind(competition, name, sample, train)


def _remedy(
    competition: Competition,
    named: Sequence[str],
    extra: Sequence[str],
    lacking: Sequence[str],
    train: pd.DataFrame | None,
) -> str:
    """What to write into competition.yaml."""
    task, targets = competition.task, competition.declared.targets
    if not extra:
        left = {name: task.submission[name] for name in named} or {UNKNOWN: UNKNOWN}
        return f"write into competition.yaml what is there: {_lines(left)}"
    if not lacking and not targets.column and train is not None and set(extra) <= set(train.columns):
        columns = ", ".join([*targets.columns, *extra])
        laid_out = ", and add them to submission" if competition.declared.submission else ""
        return (
            f"to predict these, too, write into competition.yaml: targets: {{columns: [{columns}]}}{laid_out}"
        )
    held = {name: task.submission.get(name, UNKNOWN) for name in named}
    held |= _meant(extra, task, taken=[what for what in held.values() if what != UNKNOWN])
    if len(extra) == 1 and len(lacking) == 1:
        held[extra[0]] = task.submission[lacking[0]]
    lines = f"write into competition.yaml: {_lines(held)}"
    if UNKNOWN not in held.values():
        return lines
    kinds = [*task.targets, *((CLASS, PROBABILITIES) if task.kind == CLASSES else ())]
    return f"{lines}, with one of {listed(kinds)} for {UNKNOWN}; what is no target cannot be predicted"


def _meant(extra: Sequence[str], task: Task, taken: Sequence[str]) -> dict[str, str]:
    """Targets, or classes, that undeclared columns are, or end with; none unless each has its own."""
    left = [target for target in task.targets if target not in taken]
    found = {name: [target for target in left if name.lower().endswith(target.lower())] for name in extra}
    exact = {name: [name] if name in left else ends for name, ends in found.items()}
    chosen = [targets[0] for targets in exact.values() if len(targets) == 1]
    if len(chosen) == len(extra) == len(set(chosen)):
        return dict(zip(extra, chosen, strict=True))
    return {}


def _lines(held: Mapping[str, str]) -> str:
    return "submission: {" + ", ".join(f"{name}: {what}" for name, what in held.items()) + "}"


def _kind(
    competition: Competition, name: str, sample: Table, train: pd.DataFrame | None
) -> Iterator[Finding]:
    """What the sample's cells look like, against what will be written."""
    task, declared = competition.task, competition.declared
    what, cells = task.submission[name], sample.rows[name].dropna()
    kind = task.cells.holds(name)
    numbers = pd.to_numeric(cells, errors="coerce")
    first = "" if cells.empty else repr(cells.iloc[0])
    if kind == CLASS:
        strange = cells[~cells.isin(classes.matched(cells, declared.targets_by_name))]
        if len(strange):
            yield note(
                f"{sample.path}: column {name!r} holds what is none of the classes",
                expected=listed(task.targets),
                found=f"{strange.iloc[0]!r} ({len(strange)} such rows)",
                fix="if these are only to fill the column, all is well; else correct classes, or submission",
            )
    elif kind == PROBABILITIES:
        if len(cells) and not cells.str.lstrip().str.startswith("[").all():
            yield note(
                f"{sample.path}: column {name!r} holds no lists, but lists of probabilities will stand there",
                found=first,
                fix="correct submission in competition.yaml, if it should not",
            )
    elif numbers.isna().any():
        yield refusal(
            f"{sample.path}: column {name!r} holds text, but a number for {what!r} would stand there",
            expected="numbers, or a layout of classes",
            found=repr(cells[numbers.isna()].iloc[0]),
            fix="correct targets and submission in competition.yaml",
        )
    elif (
        task.kind != CLASSES
        and not (task.decision or declared.files.placeholder)
        and len(cells)
        and cells.str.fullmatch(r"[+-]?\d+").all()
    ):
        whole = train is not None and bool((train[what] % 1 == 0).all())
        varied = cells.nunique() > 1
        if whole or varied:
            yield note(
                f"{sample.path}: column {name!r} holds whole numbers",
                found=first + (", as the training file does" if whole else ""),
                fix="if the competition takes no others, declare classes, or a metric that rounds; if they "
                "only fill the column, write files: {placeholder: true}",
            )
