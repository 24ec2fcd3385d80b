"""Which folds run, in which order and how far: the most that the deadline allows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foldship_kernel import account, devices, engine, features
from foldship_kernel.deadline import Deadline, OutOfTimeError
from foldship_kernel.encode import EncodedRows, EncodingSpec, RowEncoder
from foldship_kernel.journal import Journal
from foldship_kernel.manifest import FoldEntry, ModelEntry, ScheduledUnit
from foldship_kernel.tasks.base import Task, activate

SAY_EVERY_S = 20.0
# Below this much measured, the speed says little: the first batch sets up the memory.
MEASURED_S, MEASURED_SHARE = 1.0, 0.05
SHORTEST = 16  # tokens; a row cut further says nothing
MARGIN = 0.8  # share of the time left that a shortened fold may take


@dataclass(frozen=True)
class Unit:
    """One fold of one model: what is run, or left out, as a whole."""

    model: ModelEntry
    fold: FoldEntry

    def __str__(self) -> str:
        return account.name_of(self.model.name, self.fold.fold)


def order(models: Sequence[ModelEntry], schedule: Sequence[ScheduledUnit]) -> list[Unit]:
    """Folds in the order of the schedule; folds that it does not name go last, in the models' order."""
    places = {(unit.model, unit.fold): place for place, unit in enumerate(schedule)}
    units = [Unit(model, fold) for model in models for fold in model.folds]
    return sorted(units, key=lambda unit: places.get((unit.model.name, unit.fold.fold), len(places)))


class Predictor:
    """Runs folds one after another.

    Args:
        root: folder of `bundle.json`.
        task: the competition.
        rows: rows to predict.
        gpus: CUDA devices to use, or 0 for the CPU.
        deadline: the clock of the run.
        journal: told about progress and about everything left out.
    """

    def __init__(
        self, root: Path, task: Task, rows: pd.DataFrame, gpus: int, deadline: Deadline, journal: Journal
    ) -> None:
        self._root, self._task, self._rows, self._gpus = root, task, rows, gpus
        self._deadline, self._journal = deadline, journal
        self._texts: Mapping[str, list[str]] = task.texts(rows)
        self._encoded: dict[tuple[str, EncodingSpec], EncodedRows] = {}
        self._features: dict[features.FeatureSpec, NDArray[np.float32]] = {}
        self._seconds: dict[str, float] = {}
        self._longest: int | None = None

    def run(
        self,
        units: Sequence[Unit],
        accept: Callable[[Unit, NDArray[np.float64]], None],
        leave_out: Callable[[Unit, str], None],
    ) -> None:
        """Run as many units as there is time for.

        Args:
            units: in the order to run them.
            accept: called with each finished unit and its finite outputs, (rows, targets) float64; if it
                raises, the unit is left out, too.
            leave_out: called with each other unit and the reason, "no time: ..." or "failed: ...".
        """
        accepted = False
        for unit in units:
            needed = self._seconds.get(unit.model.name, 0.0)
            if needed >= self._deadline.left_s():
                leave_out(unit, f"no time: it needs {needed:.0f} s of {self._deadline.left_s():.0f} s left")
                continue
            try:
                accept(unit, self._run_anywhere(unit, may_shorten=not accepted))
                accepted = True
                continue
            except OutOfTimeError as error:
                reason = f"no time: {error}"
            except Exception as error:  # whatever a native runtime raises: the other folds still count
                reason = f"failed: {error!r}"
            self._journal.loud(f"{unit} left out. {reason}")
            leave_out(unit, reason)

    def _run_anywhere(self, unit: Unit, *, may_shorten: bool) -> NDArray[np.float64]:
        """Outputs of one unit; what fails on a GPU is run again on the CPU, and so is all that follows."""
        try:
            return self._run_in_time(unit, may_shorten=may_shorten)
        except OutOfTimeError:
            raise
        except Exception as error:  # whatever a native runtime raises
            if not self._gpus:
                raise
            self._journal.loud(f"{unit} FAILED ON THE GPU: {error!r}\nGoing on with the CPU")
        self._gpus = 0
        self._seconds.clear()  # measured on the GPU
        return self._run_in_time(unit, may_shorten=may_shorten)

    def _run_in_time(self, unit: Unit, *, may_shorten: bool) -> NDArray[np.float64]:
        """Outputs of one unit; if not even that fits, all rows are read shorter: better than none read."""
        while True:
            try:
                return self._run(unit)
            except OutOfTimeError as error:
                longest = self._affordable(unit.model, error.tokens_per_s) if may_shorten else 0
                if longest < SHORTEST:
                    raise
                self._longest = longest
                self._journal.loud(
                    f"{unit} does not fit in {self._deadline.left_s():.0f} s at {error.tokens_per_s:,.0f} "
                    f"tokens/s: reading at most {longest} tokens per sequence from now on"
                )

    def _run(self, unit: Unit) -> NDArray[np.float64]:
        model, began = unit.model, time.monotonic()
        with self._journal.phase("encode"):
            encoded = self._encode(model)
            features_ = self._compute_features(model)
        with self._journal.phase("load"):
            fold = engine.Fold(
                self._root / unit.fold.encoder,
                self._root / unit.fold.encoder_cpu,
                self._root / unit.fold.head,
                gpus=self._gpus,
            )
        self._report_provider(fold.provider)
        with self._journal.phase("predict"):
            progress = _Progress(str(unit), int(encoded.lengths.sum()), self._deadline, self._journal)
            logits = fold.predict(
                encoded,
                features_,
                pad_id=model.encoding.pad_id,
                segment_ids=model.encoding.segment_ids,
                progress=progress,
            )
        self._seconds[model.name] = time.monotonic() - began
        self._journal.say(f"{unit}: {progress.summary()}, {self._seconds[model.name]:.1f} s in all")
        outputs = activate(logits, self._task.ACTIVATION)
        wrong = int((~np.isfinite(outputs)).sum())
        if wrong:
            raise FloatingPointError(f"{wrong} outputs are NaN or infinite")
        return outputs

    def _encode(self, model: ModelEntry) -> EncodedRows:
        spec = model.encoding if self._longest is None else shortened(model.encoding, self._longest)
        key = model.tokenizer, spec
        if key not in self._encoded:
            tokenizer = Tokenizer.from_file(str(self._root / model.tokenizer))
            encoded = RowEncoder(tokenizer, spec).encode(self._texts)
            self._encoded[key] = encoded
            self._journal.say(
                f"{model.name}: {len(self._rows):,} rows, {len(encoded.sequences):,} distinct sequences, "
                f"{encoded.lengths.sum():,} tokens"
            )
        return self._encoded[key]

    def _compute_features(self, model: ModelEntry) -> NDArray[np.float32]:
        if model.features not in self._features:
            self._features[model.features] = features.compute(self._rows, self._texts, model.features)
        return self._features[model.features]

    def _affordable(self, model: ModelEntry, tokens_per_s: float) -> int:
        """The longest sequence that may be read so that one fold fits in the time left; 0 if it is no cut."""
        lengths = self._encode(model).lengths
        budget = MARGIN * self._deadline.left_s() * tokens_per_s
        lower = [n for n in range(SHORTEST, int(lengths.max())) if np.minimum(lengths, n).sum() <= budget]
        return lower[-1] if lower else 0

    def _report_provider(self, provider: str) -> None:
        if self._journal.facts.get("provider") == provider:
            return
        self._journal.facts["provider"] = provider
        wanted = engine.CUDA if self._journal.facts.get("accelerator") == "gpu" else engine.CPU
        if provider == wanted:
            self._journal.say(f"provider: {provider}, {self._gpus or devices.threads()} wide")
        else:
            self._journal.loud(
                f"RUNNING ON {provider}, although the bundle wants {wanted}: expect a slow run"
            )


def shortened(spec: EncodingSpec, longest: int) -> EncodingSpec:
    """`spec` with no sequence longer than `longest` tokens."""
    towers = tuple(
        dataclasses.replace(tower, max_tokens=min(tower.max_tokens, longest)) for tower in spec.towers
    )
    return dataclasses.replace(spec, towers=towers)


class _Progress:
    """Counts the tokens done, says how far it is, and raises OutOfTimeError when the rest will not fit."""

    def __init__(self, name: str, tokens: int, deadline: Deadline, journal: Journal) -> None:
        self._name, self._tokens, self._deadline, self._journal = name, tokens, deadline, journal
        self._began = self._said = time.monotonic()
        self._done = 0

    def __call__(self, tokens: int) -> None:
        self._done += tokens
        now = time.monotonic()
        elapsed = now - self._began
        left = self._tokens - self._done
        needed = left * elapsed / self._done
        measured = elapsed >= MEASURED_S or self._done >= MEASURED_SHARE * self._tokens
        if left and (self._deadline.left_s() <= 0 or (measured and needed > self._deadline.left_s())):
            raise OutOfTimeError(self._done / elapsed)
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            self._journal.say(f"{self._name}: {self.summary()}, about {needed:.0f} s to go")

    def summary(self) -> str:
        elapsed = max(time.monotonic() - self._began, 1e-9)
        return f"{self._done / max(self._tokens, 1):.0%}, {self._done / elapsed:,.0f} tokens/s"
