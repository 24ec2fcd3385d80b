"""The write-ups' way: transformers' Trainer.predict, everything padded to the longest length there may be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments

from bench.peers.pytorch import encoder
from foldship.training import precision
from foldship_kernel.encoded import EncodedRows

BATCH = 8


class _Model(nn.Module):
    """The encoder with the dictionary that Trainer takes as a model's output."""

    def __init__(self, source: str, attention: str) -> None:
        super().__init__()
        self.encoder = encoder(source, attention)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        return {"logits": self.encoder(input_ids, attention_mask, token_type_ids)}


def build(source: str, attention: str, padded_to: int) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """Trainer.predict over batches of 8, all sequences padded to `padded_to` tokens."""
    precision.announce("fp32")
    folder = tempfile.mkdtemp()  # Trainer wants one, and writes nothing there
    arguments = TrainingArguments(
        folder, per_device_eval_batch_size=BATCH, use_cpu=True, report_to="none", disable_tqdm=True
    )
    trainer = Trainer(_Model(source, attention), arguments)

    def run(rows: EncodedRows) -> NDArray[np.float32]:
        items = [_padded(rows.sequence(place), padded_to) for place in rows.index[:, 0]]
        return np.asarray(trainer.predict(items).predictions, dtype=np.float32)

    return run


def _padded(sequence: NDArray[np.integer[Any]], length: int) -> dict[str, Tensor]:
    ids, mask = torch.zeros(length, dtype=torch.int64), torch.zeros(length, dtype=torch.int64)
    ids[: len(sequence)] = torch.from_numpy(sequence.astype(np.int64))
    mask[: len(sequence)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
