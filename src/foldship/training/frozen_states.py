"""States of the layers that never learn: computed once for all epochs, folds and models, and kept on disk.

On a CPU these layers are a quarter to a third of a training step. What they make of a sequence depends on
nothing that is trained, so it is read back instead.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from foldship import receipts
from foldship.config.network import lowest
from foldship.config.schema import Model
from foldship.config.stages import Ridge, Stage
from foldship.modelling import backbone, predict, upper
from foldship.modelling.model import RowModel
from foldship.modelling.store import FROZEN, ModelCard
from foldship.terminals import bar as progress_bar
from foldship.training import precision
from foldship_kernel import batching
from foldship_kernel.atomic import replacing
from foldship_kernel.encoded import EncodedRows, ranges

TOKENS = 4096  # encoded at once
SPARE = 2**30  # bytes of the disk that are left for weights and checkpoints


@dataclass(frozen=True)
class FrozenStates:
    """States of the tokens of some sequences.

    Attributes:
        values: (tokens, H) float16, on disk.
        starts: (sequences,) int64, where in `values` each sequence begins.
        depth: number of layers that the states come from.
    """

    values: NDArray[np.float16]
    starts: NDArray[np.int64]
    depth: int

    def take(self, sequences: NDArray[np.int64]) -> FrozenStates:
        """The same of some sequences."""
        return FrozenStates(self.values, self.starts[sequences], self.depth)

    def pad(self, sequences: NDArray[np.int64], lengths: NDArray[np.int64]) -> dict[str, Any]:
        """Inputs of `Encoder.above` for some sequences, of `lengths` tokens each; padding is 0."""
        real = np.arange(int(lengths.max(initial=0))) < lengths[:, None]
        states = np.zeros((*real.shape, self.values.shape[1]), dtype=np.float32)
        states[real] = self.values[ranges(self.starts[sequences], lengths)]
        return {"states": states, "attention_mask": real.astype(np.int64), "depth": self.depth}


def depth(config: Model, stage: int) -> int:
    """How many layers of a stage's encoder give the same states in every epoch and fold; 0 for none.

    Not where a stage before has changed them, where what they read is noise or cut for the stage, or where
    pooling or a regulariser looks below them.
    """
    settings = config.stages[stage]
    if (
        isinstance(settings, Ridge)
        or settings.train != "full"
        or settings.max_tokens is not None
        or torch.cuda.is_available()
    ):
        return 0
    if config.augmentation.of_tokens or config.augmentation.makes_rows or config.smart is not None:
        return 0
    read = lowest(config.pooling)
    if read is not None and read < settings.freeze_layers:
        return 0
    before = [e.freeze_layers for e in config.stages[:stage] if isinstance(e, Stage) and e.train != "head"]
    return settings.freeze_layers if all(kept >= settings.freeze_layers for kept in before) else 0


def compute(weights: Path, card: ModelCard, model: RowModel, rows: EncodedRows, layers: int) -> Path | None:
    """Write the states that `rows` have after so many layers, unless they are there; the file's path.

    Args:
        weights: the competition's folder for weights.
        card: whose backbone and number format.
        model: its network, untrained; loses its upper layers.
        rows: sequences.
        layers: from the lowest.

    Returns:
        None where the encoder cannot be cut there, where the disk has no room for the states, or where they
        are beyond float16. The layers are then run in training.

    Raises:
        OSError: the disk is full.
    """
    encoder: Any = model.encoder.backbone
    if not upper.fits(encoder, layers):
        return None
    path = weights / FROZEN / f"{_key(card, rows, layers)}.npy"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = len(rows.tokens), int(encoder.config.hidden_size)
    if shutil.disk_usage(path.parent).free < 2 * math.prod(shape) + SPARE:
        return None
    upper.cut(encoder, layers)
    try:
        with replacing(path) as temporary:
            values = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)
            _fill(values, card, encoder.eval(), rows, f"{layers} frozen layers, once for all folds")
            values.flush()
    except OverflowError:
        return None
    return path


def load(path: Path, rows: EncodedRows, layers: int) -> FrozenStates:
    """What `compute` wrote for these rows."""
    return FrozenStates(np.load(path, mmap_mode="r"), rows.offsets[:-1], layers)


def clear(weights: Path) -> None:
    """Remove all states: once all models are trained, none is read again."""
    shutil.rmtree(weights / FROZEN, ignore_errors=True)


def _fill(
    values: NDArray[np.float16], card: ModelCard, encoder: nn.Module, rows: EncodedRows, describe: str
) -> None:
    """Write the last states of all tokens; raises OverflowError where one is beyond float16."""
    batches = list(batching.plan(rows.lengths, TOKENS))
    spec = replace(card.encoding, spans=False)  # which pooling reads, far above
    with torch.inference_mode(), predict.autocast(precision.choose(card.config), torch.device("cpu")):
        for batch in progress_bar(batches, desc=describe, unit="batch"):
            inputs = batching.pad(rows, batch, spec)
            tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
            states = encoder(**tensors).last_hidden_state.half().numpy()[inputs["attention_mask"] == 1]
            if not np.isfinite(states).all():
                raise OverflowError
            values[ranges(rows.offsets[batch], rows.lengths[batch])] = states


def _key(card: ModelCard, rows: EncodedRows, layers: int) -> str:
    """The same for the same states, whichever model wants them."""
    digest = hashlib.sha256()
    for values in (rows.tokens, rows.offsets, rows.boundaries):
        digest.update(np.ascontiguousarray(values).tobytes())
    made_of = [backbone.fingerprint(card.source), precision.choose(card.config), layers]
    return receipts.digest([*made_of, card.encoding.segment_ids, digest.hexdigest()])[:16]
