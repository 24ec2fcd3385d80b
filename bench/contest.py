"""Several engines on the same token sequences: interleaved, checked, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench import timing
from bench.report import ratio
from bench.timing import Timing
from foldship.reporting.tables import NOTHING, Table
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError

Vectors = NDArray[np.float32]
Run = Callable[[EncodedRows], Vectors]
# Largest error, as a share of the reference's root mean square; above it an engine computes something else.
LIMITS = {"fp32": 0.02, "fp16": 0.1, "bf16": 0.3, "int8": 1.0}
WARM_UP = 16  # every so many texts, longest to shortest
SEED = 7
CAPTION = (
    "Seconds for all texts. Error: the largest, as a share of a vector's root mean square. "
    "Gain: how many times faster that engine of ours is."
)


class UnavailableError(Exception):
    """An engine of ours cannot run here as it should; its message says why."""


@dataclass(frozen=True)
class Contestant:
    """One way to get vectors of token sequences.

    Attributes:
        name: in the names of ratios; of ours, what is compared.
        label: in tables.
        precision: of its arithmetic, a name among `LIMITS`.
        build: gets it ready, which is not timed; may raise whatever a missing peer raises.
        ours: whether it is one of our engines. Those must not fail.
        padded_to: tokens that every sequence is padded to; such a one runs a sample of the texts.
    """

    name: str
    label: str
    precision: str
    build: Callable[[], Run]
    ours: bool = False
    padded_to: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        contestants: all, in the order given.
        seconds: for all texts, by name.
        errors: largest difference to the reference, as a share of its root mean square, by name.
        peaks: the machine's FLOP/s in matrix products, by precision.
        reasons: why a contestant is in neither, by name.
        tokens: of all texts, without padding.
        flops: that all texts need, without padding.
        spread: largest of (slowest round - fastest round) / median.
    """

    contestants: tuple[Contestant, ...]
    seconds: dict[str, float]
    errors: dict[str, float]
    peaks: dict[str, float]
    reasons: dict[str, str]
    tokens: int
    flops: float
    spread: float

    @property
    def ratios(self) -> dict[str, float]:
        """Each of our engines against the peers of its precision and of fp32, and against the peak."""
        found: dict[str, float] = {}
        for own in self._standing(ours=True):
            cost = self.seconds[own.name]
            for peer in self._standing(ours=False):
                if peer.precision in ("fp32", own.precision):
                    what = f"speed_{own.name}"
                    found |= ratio(what, peer.name, ours=cost, theirs=self.seconds[peer.name])
            if peak := self.peaks.get(own.precision):
                ideal = self.flops / peak
                found |= ratio(f"flops_{own.name}", "matmul_peak", ours=cost, theirs=ideal)
        return found

    def table(self) -> Table:
        """One line a contestant; a gain is how many times faster that engine of ours is."""
        own = self._standing(ours=True)
        return Table(
            "Sentence vectors",
            (
                "engine",
                "type",
                "seconds",
                "tokens/s",
                "of peak",
                "error",
                *(f"{engine.name} gain" for engine in own),
            ),
            tuple(self._row(contestant, own) for contestant in self.contestants),
            CAPTION,
            left=frozenset({1}),
            alarming=frozenset(
                place for place, each in enumerate(self.contestants) if each.name in self.reasons
            ),
        )

    def _row(self, each: Contestant, own: Sequence[Contestant]) -> tuple[str, ...]:
        if each.name in self.reasons:
            blank = (NOTHING,) * (3 + len(own))
            return each.label, each.precision, self.reasons[each.name], *blank
        seconds = self.seconds[each.name]
        peak = self.peaks.get(each.precision)
        return (
            each.label,
            each.precision,
            f"{seconds:.2f}",
            f"{self.tokens / seconds:,.0f}",
            f"{self.flops / seconds / peak:.0%}" if peak else NOTHING,
            f"{self.errors[each.name]:.1e}",
            *(f"{seconds / self.seconds[engine.name]:.2f}" for engine in own),
        )

    def _standing(self, *, ours: bool) -> list[Contestant]:
        return [each for each in self.contestants if each.ours == ours and each.name in self.seconds]


def hold(
    contestants: Sequence[Contestant],
    rows: EncodedRows,
    reference: Vectors,
    *,
    rounds: int,
    padded_rows: int,
    flops: float,
    peaks: Mapping[str, Callable[[], float]],
    describe: str,
) -> Outcome:
    """Let all contestants run in turn.

    Args:
        contestants: who runs.
        rows: one tower a row, every sequence once.
        reference: (rows, P) vectors that all must come close to.
        rounds: how often.
        padded_rows: rows that a contestant runs which pads them all; its time is scaled to all rows.
        flops: that all rows need, without padding.
        peaks: by precision, what measures the machine's FLOP/s in matrix products. Runs in turn, too.
        describe: name of the progress bar.

    Raises:
        FoldshipError: one of our own engines failed, or its vectors are wrong.
    """
    runs, missing = _build(contestants)
    sample = np.sort(np.random.default_rng(SEED).permutation(len(rows.index))[:padded_rows])
    chosen = {each.name: sample if each.padded_to else np.arange(len(rows.index)) for each in contestants}
    short = rows.take(np.argsort(-rows.lengths, kind="stable")[::WARM_UP])
    peak_tasks = {f"peak_{precision}": measure for precision, measure in peaks.items()}
    tasks = {name: _task(run, rows.take(chosen[name])) for name, run in runs.items()}
    timed: Timing[Vectors | float] = timing.interleave(
        {**tasks, **peak_tasks},
        rounds,
        warm_up={**{name: _task(run, short) for name, run in runs.items()}, **peak_tasks},
        describe=describe,
    )
    reasons = {name: why for name, why in timed.failures.items() if name in runs}
    errors: dict[str, float] = {}
    for each in contestants:
        if each.name in timed.seconds:
            wanted = reference[chosen[each.name]]
            error = max(relative_error(np.asarray(found), wanted) for found in timed.outputs[each.name])
            if error <= LIMITS[each.precision]:
                errors[each.name] = error
            else:
                reasons[each.name] = f"wrong: error {error:.1e}"
    for each in contestants:
        if each.ours and each.name in reasons:
            raise FoldshipError(f"{each.label}, {each.precision}: our own engine", found=reasons[each.name])
    return Outcome(
        contestants=tuple(contestants),
        seconds={name: timed.median_s(name) * len(rows.index) / len(chosen[name]) for name in errors},
        errors=errors,
        peaks={
            precision: median(float(value) for value in timed.outputs[f"peak_{precision}"])
            for precision in peaks
            if f"peak_{precision}" in timed.outputs
        },
        reasons=missing | reasons,
        tokens=int(rows.lengths[rows.index].sum()),
        flops=flops,
        spread=max((timed.spread(name) for name in errors), default=0.0),
    )


def relative_error(found: Vectors, wanted: Vectors) -> float:
    """Largest absolute difference as a share of the root mean square of `wanted`; infinite if NaN."""
    error = np.abs(found - wanted).max() / np.sqrt(np.mean(np.square(wanted)))
    return float(error) if np.isfinite(error) else np.inf


def _build(contestants: Sequence[Contestant]) -> tuple[dict[str, Run], dict[str, str]]:
    """What could be built, and why the others could not."""
    runs: dict[str, Run] = {}
    reasons: dict[str, str] = {}
    for each in contestants:
        try:
            runs[each.name] = each.build()
        except ImportError as error:
            reasons[each.name] = f"not installed: {error.name or error}"
        except UnavailableError as error:
            reasons[each.name] = f"not to be had: {error}"
        except Exception as error:  # whatever a peer raises: the others still count
            if each.ours:
                raise
            reasons[each.name] = f"failed: {error!r}"
    return runs, reasons


def _task(run: Run, rows: EncodedRows) -> Callable[[], Vectors]:
    return lambda: run(rows)
