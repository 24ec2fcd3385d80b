"""Masked-language-model training: texts in pieces, masks, the loss of the words that are to be guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerFast,
    ProgressCallback,
    TrainingArguments,
)

from foldship.config.schema import Model
from foldship.config.stages import Adaptation
from foldship.modelling import predict
from foldship.training.data import GroupedLengthSampler, RowData, RowDataset
from foldship.training.trainer import (
    MarkWhole,
    SampledTrainer,
    last_whole_checkpoint,
    progress_callback,
    trainer_options,
)
from foldship_kernel.encoded import EncodedRows, ends

WEIGHT_DECAY = 0.01
CHECKPOINTS = 10  # in all


def loss(
    model: nn.Module,
    pieces: Sequence[Sequence[int]],
    tokenizer: PreTrainedTokenizerFast,
    settings: Adaptation,
    number_format: str,
) -> float:
    """Mean cross-entropy (nats) of the masked tokens of `pieces`, the same ones each time."""
    collate = Masking(pieces, tokenizer, settings)
    device = next(model.parameters()).device
    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode(), predict.autocast(number_format, device):
        for start in range(0, len(pieces), settings.batch_size):
            batch = collate(range(start, min(start + settings.batch_size, len(pieces))))
            labels = batch.pop("labels").to(device)
            total += float(_loss(model, {name: value.to(device) for name, value in batch.items()}, labels))
            count += int((labels >= 0).sum())
    model.train()
    return total / max(1, count)


class Masking:
    """Draws to a batch with masked tokens. Of n pieces, draw d is piece d mod n in epoch d div n.

    The masks depend on the batch's draws alone, so that a training that goes on sees the ones it would have
    seen.
    """

    def __init__(
        self, pieces: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerFast, settings: Adaptation
    ) -> None:
        self._pieces, self._seed = pieces, settings.seed
        self._collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=settings.mask)

    def __call__(self, draws: Sequence[int]) -> dict[str, Tensor]:
        state = np.random.SeedSequence((self._seed, *draws)).generate_state(1)
        self._collator.generator = torch.Generator().manual_seed(int(state[0]))
        chosen = [{"input_ids": list(self._pieces[draw % len(self._pieces)])} for draw in draws]
        return dict(self._collator(chosen))


class _Draws(GroupedLengthSampler):
    """Numbers that tell the epoch besides the row."""

    def __iter__(self) -> Iterator[int]:
        return iter([self.epoch * len(self) + row for row in super().__iter__()])


class _Trainer(SampledTrainer):
    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Any:
        """Mean over the masked tokens; 0 for a batch of short texts that has none."""
        labels = inputs.pop("labels")
        value = _loss(model, inputs, labels) / (labels >= 0).sum().clamp(min=1)
        return (value, None) if return_outputs else value


def _loss(model: Any, inputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    """Summed cross-entropy of the masked tokens.

    Logits over the vocabulary cost a small encoder as much as all its layers, so only masked tokens get them.
    """
    masked = labels >= 0
    handle = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0][masked],))
    try:
        logits = model(**inputs).logits
    finally:
        handle.remove()
    return nn.functional.cross_entropy(logits.float(), labels[masked], reduction="sum")


def train(
    model: nn.Module,
    pieces: Sequence[Sequence[int]],
    tokenizer: PreTrainedTokenizerFast,
    config: Model,
    folder: Path,
) -> None:
    """Train it, or go on from its last checkpoint.

    Args:
        model: with layers that predict masked words.
        pieces: what to learn from, see `pieces_of`.
        tokenizer: of the model.
        config: with `adaptation` set.
        folder: for checkpoints.

    Raises:
        DivergedError: the loss is no finite number.
    """
    settings = config.adaptation
    assert settings is not None
    steps = max(1, int(len(pieces) / settings.batch_size * settings.epochs))
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.lr,
        lr_scheduler_type="linear",
        warmup_ratio=settings.warmup,
        weight_decay=WEIGHT_DECAY,
        logging_steps=max(1, steps // 20),
        save_steps=max(1, steps // CHECKPOINTS),
        save_total_limit=2,
        seed=settings.seed,
        **trainer_options(config),
        report_to=[],
    )
    trainer = _Trainer(
        sampler=_Draws(_as_rows(pieces), settings.batch_size, settings.seed),
        model=model,
        args=arguments,
        train_dataset=RowDataset(len(pieces)),
        data_collator=Masking(pieces, tokenizer, settings),
        callbacks=[MarkWhole()],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(progress_callback("adapting the backbone"))
    checkpoint = last_whole_checkpoint(folder)
    if checkpoint:
        print(f"{folder.parent.name}: going on from {checkpoint.name}", flush=True)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _as_rows(pieces: Sequence[Sequence[int]]) -> RowData:
    """What the sampler wants to know of the pieces: their lengths."""
    count = len(pieces)
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int32)
    return RowData(
        EncodedRows(
            tokens=np.zeros(int(lengths.sum()), dtype=np.int32),
            offsets=ends(lengths.astype(np.int64)),
            boundaries=lengths,
            index=np.arange(count)[:, None],
        ),
        features=np.zeros((count, 0), dtype=np.float32),
        targets=np.zeros((count, 0), dtype=np.float32),
        groups=np.arange(count),
    )


def pieces_of(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, longest: int) -> list[list[int]]:
    """Texts as token ids with special tokens, longer ones in several pieces of `longest` tokens at most."""
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=longest,
        return_overflowing_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    return list(encoded["input_ids"])
