"""Which folds run, in which order and how far: the most that the deadline allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import devices, engines
from foldship_kernel.budget import TokenBudget
from foldship_kernel.engines.base import CPU, CUDA, OPENVINO
from foldship_kernel.fold import Fold
from foldship_kernel.governor import Governor, Meter, OutOfTimeError, work
from foldship_kernel.intake import Intake, Reading
from foldship_kernel.journal import Journal
from foldship_kernel.loading import Loader
from foldship_kernel.manifest import ModelEntry
from foldship_kernel.parts import Files
from foldship_kernel.progress import Progress
from foldship_kernel.sharding import Shards
from foldship_kernel.tasks import Task
from foldship_kernel.units import Unit

# Share of a fold's work that must remain when it is read shorter, to be blended with whole ones. On real rows
# a second fold brings 7/10 of its gain with 1/2 of its work, and none with 4/10 (docs/kernel.md).
LEAST_SHARE = 0.5
# Rows whose vectors are held at a time. Where a fold that is half done counts, it counts by whole shards.
SHARD_ROWS, SHARD_ROWS_ROWWISE = 8192, 1024


class Predictor:
    """Runs folds one after another, the next one being loaded while one runs.

    Args:
        files: where the bundle's files are.
        task: the competition.
        intake: tokens and features of the rows to predict.
        gpus: CUDA devices to use, or 0 for the CPU.
        governor: decides what fits.
        journal: told about progress and about everything left out.
        frugal: whether to use as little memory as can be: no fold loaded ahead, one thread, small batches.
    """

    def __init__(
        self,
        files: Files,
        task: Task,
        intake: Intake,
        gpus: int,
        governor: Governor,
        journal: Journal,
        *,
        frugal: bool = False,
    ) -> None:
        self._files, self._task, self._intake = files, task, intake
        self._governor, self._deadline, self._journal = governor, governor.deadline, journal
        self._loader = Loader(files, gpus, journal, frugal=frugal)
        self._frugal = frugal
        self._budgets: dict[tuple[str, str], TokenBudget] = {}
        self._shards: dict[Reading, Shards] = {}
        self._whole_lengths: dict[str, NDArray[np.int64]] = {}  # by model, as it was trained to read
        self._longest: int | None = None
        self._accepted = False

    def run(
        self,
        units: Sequence[Unit],
        accept: Callable[[Unit, NDArray[np.float64]], None],
        leave_out: Callable[[Unit, str], None],
    ) -> None:
        """Run as many units as there is time for.

        Args:
            units: in the order to run them.
            accept: called with each finished unit and its outputs, (rows, targets) float64; rows that it did
                not reach hold NaN, only where `Task.rowwise` allows for it. If it raises, the unit is left
                out, too.
            leave_out: called with each other unit and the reason, "no time: ..." or "failed: ...".
        """
        late = self._run_all(units, accept, leave_out)
        while longest := self._next_longest(late):
            self._longest = longest
            self._shards.clear()
            self._journal.loud(
                f"no {'other ' if self._accepted else ''}fold fits in {self._deadline.left_s():.0f} s: "
                f"reading at most {longest} tokens of every sequence from now on"
            )
            late = self._run_all(list(late), accept, leave_out)
        for unit, reason in late.items():
            leave_out(unit, reason)

    def _run_all(
        self,
        units: Sequence[Unit],
        accept: Callable[[Unit, NDArray[np.float64]], None],
        leave_out: Callable[[Unit, str], None],
    ) -> dict[Unit, str]:
        """Run units; returns those that there was no time for, and why."""
        late = {}
        for unit, following in zip(units, [*units[1:], None], strict=True):
            try:
                loaded = self._loader.at_hand(unit.model, unit.fold)
                needed = self._governor.needed_s(unit.model.name, self._work(unit.model), loaded=loaded)
                left = self._deadline.left_s()
                if needed >= left and not (self._task.rowwise and self._accepted and left > 0):
                    late[unit] = f"no time: it needs {needed:.0f} s of {left:.0f} s left"
                    continue
                accept(unit, self._run_anywhere(unit, following))
                self._accepted = True
            except OutOfTimeError as error:
                self._journal.say(f"{unit}: no time, {error}")
                late[unit] = f"no time: {error}"
            except Exception as error:  # whatever a native runtime raises: the other folds still count
                reason = f"failed: {error!r}"
                self._journal.loud(f"{unit} left out. {reason}")
                leave_out(unit, reason)
        return late

    def _run_anywhere(self, unit: Unit, following: Unit | None) -> NDArray[np.float64]:
        """Outputs of one unit; what fails on a device runs on the next plainer one, and so does the rest."""
        while True:
            where = "THE GPU" if self._loader.gpus else self._loader.engine(unit.model)
            try:
                return self._run_here(unit, following)
            except OutOfTimeError:
                raise
            except Exception as error:  # whatever a native runtime raises
                if not self._loader.step_down(unit.model):
                    raise
                self._journal.loud(f"{unit} FAILED ON {where}: {error!r}\nGoing on with the CPU")
                self._governor.forget()  # measured on the other device

    def _run_here(self, unit: Unit, following: Unit | None) -> NDArray[np.float64]:
        """Outputs of one unit on the present device; the following one is loaded meanwhile."""
        loaded = self._loader.at_hand(unit.model, unit.fold)
        with self._journal.phase("load"):
            began = self._deadline.now()
            fold = self._loader.open(unit.model, unit.fold)
            if not loaded:
                self._governor.speed(unit.model.name).load_s = self._deadline.now() - began
        self._report_provider(unit.model, fold.provider)
        outputs = np.full((len(self._intake), len(self._task.targets)), np.nan)
        # Rows that no fold has read need this one as a whole; to others, half a fold is welcome.
        half_counts = self._task.rowwise and self._accepted

        def load_following(meter: Meter) -> None:
            if following:
                same = following.model is unit.model  # of others, nothing may be known yet
                then_s = meter.elapsed_s + meter.to_go_s if same else 0.0
                if meter.to_go_s + then_s < self._deadline.left_s():
                    self._loader.load_ahead(following.model, following.fold)

        try:
            self._run(unit, fold, outputs, load_following, whole=not half_counts)
        except OutOfTimeError:
            reached = int(np.isfinite(outputs).all(axis=1).sum())
            if not (half_counts and reached):
                raise
            self._journal.loud(f"{unit}: time for {reached:,} of {len(outputs):,} rows only")
        return outputs

    def _run(
        self,
        unit: Unit,
        fold: Fold,
        outputs: NDArray[np.float64],
        on_the_way: Callable[[Meter], None],
        *,
        whole: bool,
    ) -> None:
        """Fill `outputs` shard by shard; see `Progress` for `on_the_way` and `Meter` for `whole`."""
        model = unit.model
        shards, reading = self._shards_of(model), self._reading(model)
        budget = self._budgets.setdefault((model.name, fold.provider), self._new_budget(fold))
        meter = Meter(self._governor, model.name, self._work(model), model.cost, whole=whole)
        progress = Progress(str(unit), meter, self._journal, on_the_way)
        features = self._intake.features(reading)
        with self._journal.phase("predict"):
            for number, rows in enumerate(shards.rows):
                logits = fold.predict(
                    shards.encode(number), features[rows], reading.encoding, budget=budget, progress=progress
                )
                values = self._task.outputs(logits)
                wrong = int((~np.isfinite(values)).sum())
                if wrong:
                    raise FloatingPointError(f"{wrong} outputs are NaN or infinite")
                outputs[rows] = values
        self._journal.say(
            f"{unit}: {meter.summary()}, {meter.elapsed_s:.1f} s, batches of {budget.value:,} tokens"
        )
        self._journal.runs.append(
            {
                "fold": str(unit),
                "provider": fold.provider,
                "tokens": meter.tokens,
                "sequences": len(shards.lengths),
                "load_s": round(self._governor.speed(model.name).load_s, 4),
                "predict_s": round(meter.elapsed_s, 4),
                "token_budget": budget.value,
                "longest": self._longest if reading.encoding != model.encoding else None,
            }
        )

    def _next_longest(self, late: Iterable[Unit]) -> int:
        """The most tokens a sequence may be read to so that one of these units fits; 0 if no cut helps.

        Better all rows read in part than none of them; but beside whole folds, a hasty one does harm.
        """
        least = LEAST_SHARE if self._accepted else 0.0
        for unit in late:
            model, lengths = unit.model, self._whole_lengths[unit.model.name]
            loaded = self._loader.at_hand(model, unit.fold)
            longest = self._governor.longest_affordable(model.name, lengths, model.cost, loaded=loaded)
            share = work(np.minimum(lengths, longest), model.cost) / max(work(lengths, model.cost), 1e-9)
            if 0 < longest < (self._longest or math.inf) and share >= least:
                return longest
        return 0

    def _new_budget(self, fold: Fold) -> TokenBudget:
        return TokenBudget(fold.budgets[:1] if self._frugal else fold.budgets)

    def _reading(self, model: ModelEntry) -> Reading:
        encoding = model.encoding
        if self._longest is not None:
            encoding = encoding.shortened(self._longest)
        return Reading(self._files.path(model.tokenizer), encoding, model.features)

    def _shards_of(self, model: ModelEntry) -> Shards:
        reading = self._reading(model)
        if reading not in self._shards:
            rows = SHARD_ROWS_ROWWISE if self._task.rowwise else SHARD_ROWS
            rows = max(1, rows // reading.encoding.most_readings)
            with self._journal.phase("join"):
                shards = self._shards[reading] = Shards(self._intake, reading, rows)
            self._journal.say(
                f"{model.name}: {len(self._intake):,} rows, {len(shards.lengths):,} distinct sequences, "
                f"{shards.lengths.sum():,} tokens"
            )
        self._whole_lengths.setdefault(model.name, self._shards[reading].lengths)
        return self._shards[reading]

    def _work(self, model: ModelEntry) -> float:
        return work(self._shards_of(model).lengths, model.cost)

    def _report_provider(self, model: ModelEntry, provider: str) -> None:
        if self._journal.facts.get("provider") == provider:
            return
        self._journal.facts["provider"] = provider
        gpu = self._journal.facts.get("accelerator") == "gpu"
        wanted = CUDA if gpu else OPENVINO if engines.library(model.cpu_engine) == "openvino" else CPU
        if provider.startswith(wanted):
            self._journal.say(f"provider: {provider}, {self._loader.gpus or devices.threads()} wide")
        else:
            self._journal.loud(
                f"RUNNING ON {provider}, although the bundle wants {wanted}: expect a slow run"
            )
