"""Classifiers as `save_pretrained` leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from foldship.adoption.network import Network, labels_of, longest, origin, plain, reads_segments
from foldship.modelling import backbone, loading
from foldship.modelling.adopted import CLASSIFIER
from foldship.modelling.foreign import Classifier
from foldship.modelling.loading import Loaded
from foldship.modelling.store import WEIGHTS
from foldship_kernel.errors import FoldshipError


def take_saved(folder: Path, out: Path) -> Network:
    """Read a saved model, and write its weights to `out`.

    Raises:
        FoldshipError: it cannot be read, or lacks weights, such as those of a trained head.
    """
    loaded = load(str(folder))
    loaded.confirm(
        what="weights are missing that a classifier needs",
        fix=f"{loading.COMPLETE}; an encoder without a head can be a backbone to train on",
    )
    return write(loaded.network, out, loaded.notes)


def load(source: str, outputs: int | None = None) -> Loaded:
    """A classifier in fp32; the caller has to `confirm` it.

    Args:
        source: a folder, or a name on the hub.
        outputs: how many logits; None for as many as config.json says.

    Raises:
        FoldshipError: there is none, its files are damaged, or its architecture is not known.
    """
    backbone.refuse_adapter(source)
    try:
        config = AutoConfig.from_pretrained(source, **({} if outputs is None else {"num_labels": outputs}))
        how = backbone.attention_of(config, "sdpa")
        return loading.load(AutoModelForSequenceClassification, source, config, attention=how)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise FoldshipError(
            f"{source}: cannot be loaded as a classifier",
            expected="config.json of a known architecture, and whole weights beside it",
            found=str(error).partition("\n")[0],
            fix="check that it was saved and copied as a whole",
        ) from error


def write(model: Any, out: Path, notes: Sequence[str] = (), words: str = "") -> Network:
    """Write a classifier's weights to `out`; `words` is where its tokenizer may be, if not beside it."""
    config = model.config
    network: nn.Module = Classifier(model)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, out / WEIGHTS)
    return Network(
        kind=CLASSIFIER,
        width=int(config.num_labels),
        config=plain(config),
        labels=labels_of(config),
        problem=config.problem_type or "",
        segments=reads_segments(config),
        longest=longest(config),
        backbone=origin(config._name_or_path),
        words=words,
        notes=tuple(notes),
    )
