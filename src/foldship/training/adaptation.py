"""The backbone made at home in the competition's texts before any fold: masked-language-model training.

Task-adaptive pretraining, https://arxiv.org/abs/2004.10964. No labels are read.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerFast,
    ProgressCallback,
    TrainingArguments,
    set_seed,
)

from foldship import receipts
from foldship.config.schema import Model
from foldship.config.stages import Adaptation
from foldship.modelling import attention, backbone, predict
from foldship.training import precision
from foldship.training.data import GroupedLengthSampler, RowData, RowDataset
from foldship.training.trainer import (
    DivergedError,
    MarkWhole,
    Progress,
    SampledTrainer,
    last_whole_checkpoint,
    trainer_options,
)
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.errors import FoldshipError

HELD_OUT = 0.05  # share of the texts that the loss is measured on
MOST_HELD_OUT = 500  # texts
WEIGHT_DECAY = 0.01
CHECKPOINTS = 10  # in all
TRAINING = "training"  # folder of what a run that was cut off goes on from


def run(config: Model, source: str, texts: Sequence[str], weights: Path) -> str:
    """Adapt a backbone to `texts`, unless that was done; returns the folder that holds the adapted one.

    Models that ask for the same adaptation of the same backbone share it. A training that was broken off goes
    on from its last checkpoint, to the same result.

    Args:
        config: with `adaptation` set.
        source: the backbone, as `backbone.locate` returned it.
        texts: distinct texts.
        weights: parent of the folders of adapted backbones.

    Raises:
        FoldshipError: the backbone cannot predict masked words, or `max_tokens` is more than it takes.
    """
    settings = config.adaptation
    assert settings is not None
    inputs = receipts.digest(
        {
            "settings": settings.model_dump(mode="json"),
            "precision": config.precision,
            "dropout": config.encoder_dropout,
            "backbone": backbone.fingerprint(source),
            "texts": hashlib.sha256("\0".join(texts).encode()).hexdigest(),
        }
    )
    folder = weights / f"{Path(config.backbone).name}-{inputs[:12]}"
    if receipts.is_current(folder, inputs):
        shutil.rmtree(folder / TRAINING, ignore_errors=True)
        print(f"{folder.name}: adapted before, kept", flush=True)
        return str(folder)
    tokenizer = backbone.load_tokenizer(source)
    _check(settings, source, tokenizer)
    learn, held_out = _split(texts, settings.seed)
    set_seed(settings.seed)
    model, fresh = _load(source, settings.max_tokens, config.encoder_dropout)
    if fresh:
        print(
            f"{folder.name}: the backbone brings no trained layers to predict masked words with; they start "
            "anew, over its embeddings",
            flush=True,
        )
    model.to(precision.device())
    folder.mkdir(parents=True, exist_ok=True)
    unseen = _pieces(held_out, tokenizer, settings.max_tokens)
    before = loss(model, unseen, tokenizer, settings, precision.choose(config))
    print(f"{folder.name}: {len(learn)} texts to learn from, loss {before:.4f} on others", flush=True)
    try:
        _train(model, _pieces(learn, tokenizer, settings.max_tokens), tokenizer, config, folder / TRAINING)
    except DivergedError as error:
        shutil.rmtree(folder)
        raise error.of(folder.name) from None
    after = loss(model, unseen, tokenizer, settings, precision.choose(config))
    if not np.isfinite(after):
        shutil.rmtree(folder)
        raise FoldshipError(
            f"{folder.name}: adaptation diverged, its loss is not finite",
            fix="lower adaptation.lr, or set precision: fp32, and train again",
        )
    # In the backbone's own form, with its pooler if it has one: no library need complain of what is missing.
    plain = AutoModel.from_pretrained(source, dtype=torch.float32)
    learned = model.base_model.state_dict()
    strangers = plain.load_state_dict(learned, strict=False).unexpected_keys
    assert not strangers, f"the adapted layers have other names than the backbone's: {strangers[:3]}"
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    receipts.write(
        folder,
        inputs,
        {
            "backbone": config.backbone,
            "texts": len(learn),
            "held_out_texts": len(held_out),
            "loss": {"before": before, "after": after},
        },
    )
    shutil.rmtree(folder / TRAINING, ignore_errors=True)
    print(f"{folder.name}: loss {after:.4f} after {settings.epochs:g} epochs", flush=True)
    return str(folder)


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


def _train(
    model: nn.Module,
    pieces: Sequence[Sequence[int]],
    tokenizer: PreTrainedTokenizerFast,
    config: Model,
    folder: Path,
) -> None:
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
    trainer.add_callback(Progress())
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


def _pieces(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, longest: int) -> list[list[int]]:
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


def _split(texts: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Texts to learn from, and texts to measure the loss on."""
    order = np.random.default_rng(seed).permutation(len(texts))
    count = max(1, min(MOST_HELD_OUT, int(len(texts) * HELD_OUT)))
    return [texts[place] for place in order[count:]], [texts[place] for place in order[:count]]


def _load(source: str, longest: int, dropout: float | None) -> tuple[Any, bool]:
    """The backbone with layers to predict masked words, and whether some of these are new."""
    try:
        config = backbone.with_dropout(source, dropout)
        model, found = AutoModelForMaskedLM.from_pretrained(
            source,
            config=config,
            attn_implementation=backbone.attention_of(
                config, precision.attention(longest, dropout=dropout != 0)
            ),
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"adaptation: {source!r} has no form that predicts masked words",
            found=str(error).splitlines()[0],
            fix="remove adaptation, or choose a backbone such as BERT, RoBERTa, DeBERTa or ELECTRA",
        ) from error
    if not torch.cuda.is_available():
        attention.lean(model)
    return model, bool(found["missing_keys"])


def _check(settings: Adaptation, source: str, tokenizer: PreTrainedTokenizerFast) -> None:
    longest = backbone.positions(source, tokenizer)
    if settings.max_tokens > longest:
        raise FoldshipError(
            "adaptation.max_tokens: longer than the backbone takes",
            expected=f"at most {longest}",
            found=str(settings.max_tokens),
            fix="lower adaptation.max_tokens",
        )
    if tokenizer.mask_token is None:
        raise FoldshipError(
            f"adaptation: the tokenizer of {source!r} has no token to mask with", fix="remove adaptation"
        )
