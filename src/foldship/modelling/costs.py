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
    return Cost(
        layers=config.num_hidden_layers if layers is None else layers,
        width=config.hidden_size,
        intermediate=known[0] if known else 4 * config.hidden_size,
        tokens_per_row=int(lengths.sum()) / rows,
        longest=int(lengths.max()),
    )
