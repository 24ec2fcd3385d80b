"""Whether the disk has room for a fold, and what is said when it has not."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError
from transformers import AutoConfig

from foldship.modelling.store import ModelCard
from foldship.training.side_by_side import Work
from foldship_kernel.errors import FoldshipError

CHECKPOINT = 12  # bytes a parameter: weights and optimizer state
CHECKPOINTS = 3  # at once: the oldest goes when the newest is written
WEIGHTS = 4  # bytes a parameter


def space_of(card: ModelCard) -> int:
    """Bytes that a fold of a model takes on the disk while it is trained."""
    config = AutoConfig.from_pretrained(card.source)
    # The usual count of an encoder: embeddings, and 12 h^2 a layer.
    parameters = (
        config.vocab_size * config.hidden_size + 12 * config.num_hidden_layers * config.hidden_size**2
    )
    settings = card.config
    checkpoint = CHECKPOINT + (WEIGHTS if settings.averaging else 0)
    copies = len(settings.stages) + 1 + (1 if settings.early_stopping else 0)  # of stages, fold, best state
    space = (CHECKPOINTS * checkpoint + copies * WEIGHTS) * int(parameters)
    return space if settings.adapter is None else space // 3  # no optimizer state for the base


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
