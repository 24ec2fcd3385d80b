"""The backbone made at home in the competition's texts before any fold: masked-language-model training.

Task-adaptive pretraining, https://arxiv.org/abs/2004.10964. No labels are read.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PreTrainedTokenizerFast, set_seed

from foldship import receipts
from foldship.config.schema import Model
from foldship.config.stages import Adaptation
from foldship.mishaps import step
from foldship.modelling import attention, backbone, loading
from foldship.training import masked_words, precision
from foldship.training.trainer import DivergedError
from foldship_kernel.errors import FoldshipError

HELD_OUT = 0.05  # share of the texts that the loss is measured on
MOST_HELD_OUT = 500  # texts
TRAINING = "training"  # folder of what a run that was cut off goes on from


@step("adapting the backbone {source}")
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
    unseen = masked_words.pieces_of(held_out, tokenizer, settings.max_tokens)
    before = masked_words.loss(model, unseen, tokenizer, settings, precision.choose(config))
    print(f"{folder.name}: {len(learn)} texts to learn from, loss {before:.4f} on others", flush=True)
    try:
        masked_words.train(
            model,
            masked_words.pieces_of(learn, tokenizer, settings.max_tokens),
            tokenizer,
            config,
            folder / TRAINING,
        )
    except DivergedError as error:
        shutil.rmtree(folder)
        raise error.of(folder.name) from None
    after = masked_words.loss(model, unseen, tokenizer, settings, precision.choose(config))
    if not np.isfinite(after):
        shutil.rmtree(folder)
        raise FoldshipError(
            f"{folder.name}: adaptation diverged, its loss is not finite",
            fix="lower adaptation.lr, or set precision: fp32, and train again",
        )
    # In the backbone's own form, with its pooler if it has one: no library need complain of what is missing.
    loaded = loading.load(AutoModel, source, AutoConfig.from_pretrained(source), attention="eager")
    plain = loaded.network
    learned = model.base_model.state_dict()
    strangers = plain.load_state_dict(learned, strict=False).unexpected_keys
    assert not strangers, f"the adapted layers have other names than the backbone's: {strangers[:3]}"
    if loaded.lacking(plain, spared=lambda name: not name.startswith("pooler.")):
        plain.pooler = None  # the backbone has none of its own
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


def _split(texts: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Texts to learn from, and texts to measure the loss on."""
    order = np.random.default_rng(seed).permutation(len(texts))
    count = max(1, min(MOST_HELD_OUT, int(len(texts) * HELD_OUT)))
    return [texts[place] for place in order[count:]], [texts[place] for place in order[:count]]


def _load(source: str, longest: int, dropout: float | None) -> tuple[Any, bool]:
    """The backbone with layers to predict masked words, and whether some of these are new."""
    try:
        config = backbone.with_dropout(source, dropout)
        wanted = precision.attention(longest, dropout=dropout != 0)
        loaded = loading.load(
            AutoModelForMaskedLM, source, config, attention=backbone.attention_of(config, wanted)
        )
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"adaptation: {source!r} has no form that predicts masked words",
            found=str(error).splitlines()[0],
            fix="remove adaptation, or choose a backbone such as BERT, RoBERTa, DeBERTa or ELECTRA",
        ) from error
    model = loaded.network
    within = f"{model.base_model_prefix}."
    loaded.confirm(model.base_model, within)
    fresh = bool(loaded.lacking(spared=lambda name: name.startswith(within)))
    if not torch.cuda.is_available():
        attention.lean(model)
    return model, fresh


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
