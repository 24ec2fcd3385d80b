"""Whether the disk has room for a fold, and what is said when it has not."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError
from transformers import AutoConfig, PretrainedConfig

from foldship.config.network import deepest
from foldship.config.stages import ON_VECTORS, AnyStage, Ridge, Stage
from foldship.modelling.store import OUT_OF_FOLD, ModelCard
from foldship.training.side_by_side import Work
from foldship_kernel.errors import FoldshipError

CHECKPOINTS = 3  # at once: the oldest goes when the newest is written
WEIGHTS = 4  # bytes a parameter
STATE = 8  # bytes a parameter that learns, of the optimizer
ADAPTED = 0.02  # share of a backbone's parameters that its adapters have


def space_of(card: ModelCard) -> int:
    """Bytes that a fold of a model takes on the disk while it is trained.

    Checkpoints hold all weights, and the optimizer's state of those that learn. A `ridge` stage makes none.
    """
    settings, weights = card.config, WEIGHTS * _parameters(card)
    learning = [_learning(card, stage) for stage in settings.stages if not isinstance(stage, Ridge)]
    checkpoint = 0.0
    if learning:
        state = STATE + (WEIGHTS if settings.averaging else 0)
        checkpoint = weights + state * max(learning)
    copies = len(settings.stages) + (1 if settings.early_stopping else 0)  # of stages, best state
    return int(CHECKPOINTS * checkpoint + copies * weights) + kept_of(card)


def kept_of(card: ModelCard) -> int:
    """Bytes of a fold's weights, once it is trained."""
    share = 1.0 if card.config.adapter is None or card.config.adapter.changes_base else ADAPTED
    return int(WEIGHTS * share * _parameters(card))


def needed(cards: Mapping[Path, ModelCard], folds: int, at_once: int) -> int:
    """Bytes that a training has yet to write, at its peak.

    Args:
        cards: of the models, by the folder, which may hold a part of them.
        folds: of each.
        at_once: folds that are trained side by side.
    """
    kept = sum(max(0, folds * kept_of(card) - _size(folder)) for folder, card in cards.items())
    working = [
        space_of(card) - kept_of(card)
        for folder, card in cards.items()
        if not (folder / OUT_OF_FOLD).is_file()  # else all of it is trained
    ]
    return kept + min(at_once, folds * len(working)) * max(working, default=0)


def parameters(card: ModelCard) -> tuple[int, int]:
    """Weights of a fold's encoder, and those of them that differ from fold to fold."""
    learning = max((_learning(card, stage) for stage in card.config.stages), default=0)
    return _parameters(card), int(learning)


def weights_of(source: str) -> int:
    """Bytes of a backbone's weights in fp32; 0 where its configuration is not to be had, or does not tell."""
    try:
        config = AutoConfig.from_pretrained(source)
        return WEIGHTS * _count(config, config.num_hidden_layers)
    except (OSError, ValueError, AttributeError):
        return 0


def _parameters(card: ModelCard) -> int:
    config = AutoConfig.from_pretrained(card.source)
    layers = min(config.num_hidden_layers, deepest(card.config.pooling) or config.num_hidden_layers)
    return _count(config, layers)


def _count(config: PretrainedConfig, layers: int) -> int:
    """The usual count of an encoder: embeddings, and 12 h^2 a layer."""
    return int(config.vocab_size * config.hidden_size + layers * _a_layer(config))


def _learning(card: ModelCard, stage: AnyStage) -> float:
    """Parameters of the encoder that learn in a stage."""
    if stage.train in ON_VECTORS:
        return 0
    total = _parameters(card)
    if stage.train == "adapter":
        return ADAPTED * total
    assert isinstance(stage, Stage)
    config = AutoConfig.from_pretrained(card.source)
    frozen = stage.freeze_layers * _a_layer(config)
    return total - frozen - (config.vocab_size * config.hidden_size if frozen else 0)


def _a_layer(config: PretrainedConfig) -> int:
    return int(12 * config.hidden_size**2)


def check_space(work: Work, running: Sequence[Work]) -> None:
    """Check that the disk has room for a fold, beside what those that run have yet to write.

    Raises:
        FoldshipError: it has not.
    """
    free = shutil.disk_usage(work.folder.parent).free
    needed = sum(max(0, each.space - _size(each.folder)) for each in (work, *running))
    if free < needed:
        raise FoldshipError(
            f"{work.folder}: too little disk space to train a fold",
            expected=f"{needed / 2**20:.0f} MiB free for weights and checkpoints",
            found=f"{free / 2**20:.0f} MiB",
            fix="free some space and run the same command again; finished folds are kept",
        )


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a running fold clears away its checkpoints
            total += path.stat().st_size
    return total


@contextmanager
def named(folder: Path) -> Iterator[None]:
    """Say so when what fails inside the block fails for want of space."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if _disk_is_full(error, folder):
            raise _no_space(folder) from error
        raise


def _disk_is_full(error: BaseException, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # torch and safetensors report a failed write without its errno.
    return "No space left" in str(error) or shutil.disk_usage(folder).free < 2**20


def _no_space(folder: Path) -> FoldshipError:
    return FoldshipError(
        f"{folder}: the disk is full",
        found=f"{shutil.disk_usage(folder).free / 2**20:.1f} MiB free",
        fix="free some space and run the same command again; it goes on from the last checkpoint",
    )
