"""The parity ladder: from the trained fold to the shipped graph, every rung must predict the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from foldship import metrics
from foldship.export.samples import Rows
from foldship.modelling.library import Card
from foldship_kernel import budget
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import Fold

Outputs = NDArray[np.float64]


class ParityError(FoldshipError):
    """An exported model does not predict what the trained one does."""


class NamesError(ParityError):
    """A graph has other inputs or outputs than the kernel feeds and reads."""


class ShapesError(ParityError):
    """Two rungs return tables of different shape."""


class ValuesError(ParityError):
    """Two rungs differ by more than the tolerance."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: what was done.
        tolerance: largest absolute difference of outputs to the rung it is compared with.
        fix: what to do when it fails.
    """

    name: str
    tolerance: float
    fix: str


MERGED = Rung("merged", 1e-4, "look at the adapter's settings in model.json; merging must not change outputs")
FUSED = Rung("fused", 1e-4, "check torch, transformers and onnxruntime against requirements.lock")
HALF = Rung(
    "half precision",
    3e-3,
    "the weights do not bear half precision on a GPU: set `accelerator: cpu` in kernel.yaml, where all is "
    "computed in fp32, or train the folds again with a lower learning rate or more weight decay",
)
HALF_CPU = Rung(
    "half precision on CPU",
    3e-3,
    "the weights lose too much when they are rounded to fp16: train the fold again with a lower learning "
    "rate or more weight decay",
)


class Ladder:
    """Compares one fold's rungs, and keeps what was seen.

    Args:
        fold: its number.
        targets: names of the outputs.
        trained: (rows, targets) outputs of the fold as it was trained.
    """

    def __init__(self, fold: int, targets: Sequence[str], trained: Outputs) -> None:
        self._fold, self._targets, self._trained = fold, list(targets), trained
        self._rungs: list[dict[str, Any]] = []
        self._last = trained

    def climb(self, rung: Rung, outputs: Outputs, reference: Outputs) -> Outputs:
        """Compare a rung's outputs (rows, targets) with those of the rung below; returns them.

        Raises what `check` does.
        """
        largest = check(rung, outputs, reference, self._targets, f"fold {self._fold}")
        self._rungs.append({"rung": rung.name, "difference": largest, "tolerance": rung.tolerance})
        self._last = outputs
        return outputs

    def pass_over(self, rung: Rung, outputs: Outputs, reference: Outputs) -> None:
        """Keep a rung that failed where nobody needs it; the difference is None where it is no number."""
        largest = float(np.abs(outputs - reference).max(initial=0.0))
        seen = largest if np.isfinite(largest) else None
        self._rungs.append(
            {"rung": rung.name, "difference": seen, "tolerance": rung.tolerance, "needed": False}
        )

    def result(self) -> dict[str, Any]:
        """Rungs, and the two ends of the ladder compared: largest difference and Spearman per target."""
        correlations = metrics.column_spearman(self._trained, self._last)
        spearman = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(self._targets, correlations, strict=True)
        }
        return {
            "fold": self._fold,
            "rows": len(self._trained),
            "difference": float(np.abs(self._last - self._trained).max(initial=0.0)),
            "lowest_spearman": min((value for value in spearman.values() if value is not None), default=None),
            "rungs": self._rungs,
            "spearman": spearman,
        }


def check(rung: Rung, outputs: Outputs, reference: Outputs, targets: Sequence[str], where: str) -> float:
    """Compare a rung's outputs (rows, targets) with those of the rung below; returns the largest difference.

    Raises:
        ShapesError: the shapes differ.
        ValuesError: the values do, or some are not finite.
    """
    where = f"{where}, {rung.name}"
    if outputs.shape != reference.shape:
        raise ShapesError(
            f"{where}: the outputs have another shape",
            expected=str(reference.shape),
            found=str(outputs.shape),
            fix="export again from the model folder that these rows were encoded for",
        )
    difference = np.abs(outputs - reference)
    largest = float(difference.max(initial=0.0))
    if not largest <= rung.tolerance:  # NaN fails, too
        worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
        row, column = np.unravel_index(worst, outputs.shape)
        before, after = reference[row, column], outputs[row, column]
        raise ValuesError(
            f"{where}: the outputs differ too much, most in {targets[int(column)]!r}, row {row + 1}",
            expected=f"at most {rung.tolerance:g}",
            found=f"{largest:.3g} ({before:.6g} before, {after:.6g} after)",
            fix=rung.fix,
        )
    return largest


def check_names(model: onnx.ModelProto, inputs: Sequence[str], output: str, where: str) -> None:
    """Check that a graph takes and gives what the kernel expects.

    Raises:
        NamesError: it does not.
    """
    found = [value.name for value in model.graph.input], [value.name for value in model.graph.output]
    if sorted(found[0]) != sorted(inputs) or found[1] != [output]:
        raise NamesError(
            f"{where}: the graph's inputs or outputs have other names",
            expected=f"{', '.join(inputs)} -> {output}",
            found=f"{', '.join(found[0])} -> {', '.join(found[1])}",
            fix="an input that the network does not read is dropped when it is traced: correct `segment_ids`",
        )


def outputs(card: Card, graphs: Fold, rows: Rows) -> Outputs:
    """Outputs (rows, targets), from 0 to 1, of a fold's graphs, run as they are aboard."""
    logits = graphs.predict(rows.encoded, rows.features, card.encoding, budget=budget.steady(graphs.budgets))
    return card.task.unit_outputs(logits)


def with_extremes(given: Rows, encoding: EncodingSpec) -> Rows:
    """Add a row of one token and a row of the longest sequences, made of tokens of the rows given."""
    encoded, features = given.encoded, given.features
    towers = encoded.index.shape[1]
    most = encoding.longest
    first, end = len(encoded.boundaries), len(encoded.tokens)
    rows = EncodedRows(
        tokens=np.concatenate([encoded.tokens, encoded.tokens[:1], np.resize(encoded.tokens, most)]),
        offsets=np.append(encoded.offsets, [end + 1, end + 1 + most]),
        boundaries=np.append(encoded.boundaries, [1, most]).astype(np.int32),
        index=np.concatenate([encoded.index, np.repeat([[first], [first + 1]], towers, axis=1)]),
        owner=None if encoded.owner is None else np.append(encoded.owner, len(encoded) + np.arange(2)),
        marks=None if encoded.marks is None else np.append(encoded.marks, np.resize(encoded.marks, 1 + most)),
    )
    return Rows(rows, np.concatenate([features, features[[0, -1]]]))
