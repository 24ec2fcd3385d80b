"""What an encoder has to compute, and what the machine can."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from transformers import PretrainedConfig

# FLOPs per matrix size: some tenths of a second.
WORK = {"cpu": 6e10, "cuda": 1e14}


def of_encoder(config: PretrainedConfig, lengths: Sequence[int]) -> float:
    """FLOPs of all layers' matrix products over sequences of these lengths, without padding."""
    width, inner = config.hidden_size, config.intermediate_size
    weights = 4 * width**2 + 2 * width * inner  # query, key, value, output; two of the feed-forward part
    return float(
        config.num_hidden_layers * sum(2 * weights * length + 4 * width * length**2 for length in lengths)
    )


def peak(sizes: Sequence[int], dtype: torch.dtype, device: str = "cpu") -> Callable[[], float]:
    """What measures the machine's FLOP/s: torch's product of two square matrices, the best of `sizes`.

    Args:
        sizes: rows and columns of the matrices.
        dtype: of their elements.
        device: a name among `WORK`.
    """

    def measure() -> float:
        return max(_speed(size, dtype, device) for size in sizes)

    return measure


def _speed(size: int, dtype: torch.dtype, device: str) -> float:
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    times = max(2, round(WORK[device] / (2 * size**3)))
    _wait(left @ right)
    began = time.perf_counter()
    for _ in range(times):
        product = left @ right
    _wait(product)
    return 2 * size**3 * times / (time.perf_counter() - began)


def _wait(product: torch.Tensor) -> None:
    """Wait for a GPU to have computed it."""
    product[0, 0].item()
