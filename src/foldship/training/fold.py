"""One fold through all its stages, going on wherever an earlier run stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import set_seed

from foldship.config.stages import ON_VECTORS, Ridge
from foldship.modelling import attention, loading, predict
from foldship.modelling import model as network
from foldship.modelling.heads import Restricted
from foldship.modelling.model import RowModel
from foldship.modelling.store import ModelCard, load_fold, save_fold
from foldship.training import parameters, precision, ridge, stage, token_noise
from foldship.training.job import FoldJob, logits
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import NUMBERS


def train(job: FoldJob) -> NDArray[np.float32]:
    """Train the fold, write its weights, and return the logits of the rows held out: (rows, C) float32."""
    job.folder.mkdir(parents=True, exist_ok=True)
    set_seed(job.seed)
    config = job.card.config
    model = build(job.card)
    if isinstance(model.head, Restricted):
        kept = torch.from_numpy(job.train.features), torch.from_numpy(job.train.targets)
        model.head.learn(*(values.to(precision.device()) for values in kept))
    untrained = True
    for number, settings in enumerate(config.stages):
        finished = job.folder / f"stage{number}.safetensors"
        if finished.is_file():
            loading.restore(model, finished, f"delete {finished} and run `make train` again")
        else:
            if isinstance(settings, Ridge):
                ridge.train(job, model, settings)
            else:
                stage.train(job, model, number, settings, untrained)
            stage.save_state(model, finished)
        shutil.rmtree(job.folder / f"stage{number}", ignore_errors=True)
        untrained = untrained and settings.train in ON_VECTORS
    save_fold(job.folder, model)
    # The predictions come from what ships: the fold as it was written, in full precision.
    shipped = load_fold(job.folder.parent, job.fold, attention="sdpa").to(precision.device())
    # An encoder that was never trained is the one that they come from.
    vectors = job.held_out_vectors() if untrained else None
    if vectors is None:
        vectors = predict.encode(
            shipped,
            job.held_out.encoded,
            job.card.encoding,
            describe=f"fold {job.fold}: held-out rows",
        )
    return logits(job, shipped, vectors)


def build(card: ModelCard) -> RowModel:
    """The untrained network as this machine trains it best, its head initialised from torch's global seed."""
    config = card.config
    longest = max(tower.max_tokens for tower in config.towers)
    model = network.build(
        config,
        card.source,
        features=card.features,
        outputs=card.outputs,
        decode=card.decode,
        spans=card.task.spans,
        attention=precision.attention(longest, dropout=config.encoder_dropout != 0),
        quantise=config.adapter is not None and config.adapter.quantise,
    )
    if not torch.cuda.is_available():
        attention.lean(model)
    return model.to(precision.device())


def check(card: ModelCard) -> None:
    """Build the network and set each stage up, to see that the settings fit the backbone.

    Raises:
        FoldshipError: they do not.
    """
    model = build(card)
    known: Any = model.encoder.backbone.config
    kinds = getattr(known, "type_vocab_size", 0)
    if card.encoding.segment_ids and kinds < 2:
        raise FoldshipError(
            f"models.{card.name}.segment_ids: the backbone does not tell segments apart",
            expected="a type_vocab_size of 2 or more",
            found=str(kinds),
            fix="remove segment_ids",
        )
    token_noise.token_noise(card.config.augmentation, card.source, card.encoding, 0, lambda: 0)
    for settings in card.config.stages:
        if isinstance(settings, Ridge):
            if card.task.kind != NUMBERS:
                raise FoldshipError(
                    f"models.{card.name}.stages: train: ridge does not fit {card.task.name}",
                    expected="a competition whose targets are numbers",
                    found=card.task.kind,
                    fix="use train: head",
                )
            continue
        stage.freeze(model, settings)
        parameters.groups(model, settings, card.config.weight_decay)


def discard_stages(folder: Path) -> None:
    """Remove what only an unfinished fold needs, and what a kill left half written."""
    for path in (*folder.glob("stage*.safetensors"), *folder.glob(".*.part")):
        path.unlink()
    for path in folder.glob("stage*"):
        shutil.rmtree(path)
