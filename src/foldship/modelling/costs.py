"""What a model's run-time follows from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from foldship_kernel.manifest import Cost


def cost(source: str, lengths: NDArray[np.int64], rows: int, layers: int | None = None) -> Cost:
    """The cost of a model.

    Args:
        source: its backbone, as `backbone.locate` returns it.
        lengths: (sequences,) int64, tokens in each distinct sequence of some rows, the training rows say.
        rows: how many rows these are.
        layers: how many of its layers are run; None for all.
    """
    config = AutoConfig.from_pretrained(source)
    # Architectures agree on the names of the first two only.
    names = ("intermediate_size", "hidden_dim", "d_inner", "ffn_dim")
    known = [getattr(config, name) for name in names if getattr(config, name, None)]
    shape = (
        config.num_hidden_layers if layers is None else layers,
        config.hidden_size,
        known[0] if known else 4 * config.hidden_size,
    )
    return of_shape(shape, lengths, rows)


def of_shape(shape: tuple[int, int, int], lengths: NDArray[np.int64], rows: int) -> Cost:
    """The cost of an encoder whose layers, width and size within a layer are known; else as `cost`."""
    tokens = int(lengths.sum()) / rows
    return Cost(*shape, tokens_per_row=tokens, longest=int(lengths.max()))
