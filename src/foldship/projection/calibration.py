"""What a finished rehearsal measured: this machine's profile, and how many tokens its rows really hold."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foldship.config.base import Positive
from foldship.projection.bundle import Bundle, Unit
from foldship.projection.profile import Figure, Profile
from foldship_kernel.errors import FoldshipError

# What the kernel does once per run, and what it does per row; the rest is loading and computing.
ONCE = ("start", "runtime")
PER_ROW = ("read", "fallback", "encode", "write")
ON_GPU = "CUDAExecutionProvider"  # all others compute on a processor
LEAST_S = 1e-3  # clocks of the journal are rounded to this

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Run(BaseModel):
    """One fold's run, as the kernel's journal tells it."""

    model_config = ConfigDict(frozen=True)

    fold: str
    provider: str
    tokens: Annotated[int, Field(ge=1)]
    load_s: NonNegative
    predict_s: NonNegative
    longest: Annotated[int, Field(ge=1)] | None = None


class Journal(BaseModel):
    """The part of `foldship.json` that calibrates."""

    rows: Annotated[int, Field(ge=1)]
    runs: tuple[Run, ...] = Field(min_length=1)
    phases: dict[str, NonNegative]
    seconds: Positive


def read(facts: Mapping[str, Any]) -> Journal:
    """Take the measurements from what the kernel wrote about its run.

    Raises:
        FoldshipError: no fold ran, or the account is malformed.
    """
    try:
        return Journal.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        raise FoldshipError(
            "the rehearsal measured nothing to calibrate with",
            expected="foldship.json with rows, phases and the runs of folds",
            found=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            fix="rehearse until at least one fold has run: give more time (LIMIT=), read kernel.log",
        ) from error


def on_processor(journal: Journal) -> bool:
    """Whether no GPU computed anything in this run."""
    return all(run.provider != ON_GPU for run in journal.runs)


def tokens_per_row(bundle: Bundle, journal: Journal) -> dict[str, float]:
    """Tokens per row as measured, by model; only of folds that read their rows in full length."""
    models = {unit.name: unit.model for unit in bundle.units}
    return {
        models[run.fold]: run.tokens / journal.rows
        for run in journal.runs
        if run.longest is None and run.fold in models
    }


def local(bundle: Bundle, journal: Journal, reference: Profile, *, first: int | None = None) -> Profile:
    """Profile of the machine that rehearsed.

    Reading texts takes a time that depends on the rows and one that does not, and one run cannot tell them
    apart: where the tokens a second fall below what `reference` believes possible, they are taken from there
    and what is left counts to the start.

    Args:
        bundle: what was run.
        journal: of that run.
        reference: a processor's profile.
        first: so many of the runs only; None for all.

    Raises:
        FoldshipError: the runs are not of folds of this bundle.
    """
    units = {unit.name: unit for unit in bundle.units}
    provider = journal.runs[-1].provider if first is None else journal.runs[0].provider
    runs = [run for run in journal.runs[:first] if run.fold in units and run.provider == provider]
    if not runs:
        raise FoldshipError(
            "the rehearsal's runs are not of this bundle",
            expected=", ".join(units),
            found=", ".join(run.fold for run in journal.runs),
            fix="rehearse the bundle again with `make simulate`",
        )
    computed = sum(bundle.costs[units[run.fold].model].flops(run.tokens, run.longest) for run in runs)
    loaded = bundle.size + sum(units[run.fold].size for run in runs)
    load_s = journal.phases.get("verify", 0.0) + sum(run.load_s for run in runs)
    once_s = sum(journal.phases.get(name, 0.0) for name in ONCE)
    per_row_s = sum(journal.phases.get(name, 0.0) for name in PER_ROW)
    read_tokens = _read_once(journal.runs, units)
    tokens_per_s = read_tokens / max(per_row_s, LEAST_S)
    slowest = reference.tokens_per_s.value / reference.tokens_per_s.factor
    if tokens_per_s < slowest:
        tokens_per_s = reference.tokens_per_s.value
        once_s += max(0.0, per_row_s - read_tokens / tokens_per_s)
    return Profile(
        description=f"this machine, as measured with {provider}",
        devices=1,
        flops_per_s=_figure(computed / max(sum(run.predict_s for run in runs), LEAST_S)),
        start_s=_figure(max(once_s, LEAST_S)),
        load_bytes_per_s=_figure(max(loaded, 1) / max(load_s, LEAST_S)),
        tokens_per_s=_figure(tokens_per_s),
        memory_gib=_figure(psutil.virtual_memory().total / 2**30),
    )


def _read_once(runs: Sequence[Run], units: Mapping[str, Unit]) -> int:
    """Tokens that were read from texts: those of one fold of every model."""
    return sum({units[run.fold].model: run.tokens for run in runs if run.fold in units}.values())


def _figure(value: float) -> Figure:
    return Figure(value=value, factor=1.1, source="measured in this rehearsal", date=datetime.date.today())
