"""Which number format, attention kernel and optimizer the machine at hand trains best with."""

from __future__ import annotations

import os

import torch

from foldship.config.schema import Model
from foldship.training.parameters import EIGHT_BIT
from foldship_kernel.errors import FoldshipError

SHORT, MEDIUM = 256, 512  # tokens
LEFT_BEHIND = "ACCELERATE_MIXED_PRECISION"  # set by each `TrainingArguments`, read by the next


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose(config: Model) -> str:
    """`fp32`, `bf16` or `fp16` for autocast.

    Raises:
        FoldshipError: fp16 is asked for on a CPU, where it has no gradient scaler.
    """
    on_gpu = torch.cuda.is_available()
    if config.precision == "fp16" and not on_gpu:
        raise FoldshipError(
            "precision: fp16 trains on CUDA only", found="no CUDA device", fix="use precision: auto"
        )
    return fastest() if config.precision == "auto" else config.precision


def fastest() -> str:
    """The number format that the machine at hand trains fastest in."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"


def attention(longest: int, *, dropout: bool = True) -> str:
    """`eager` or `sdpa`: what trains sequences of up to `longest` tokens fastest.

    On a CPU the fused kernel's backward pass takes half of a step over short sequences; plain matrix products
    take a fraction of that. Over long ones their (L, L) scores cost more time, and memory besides; that is
    further off where attention has no dropout, since `modelling.attention` then takes their place.
    """
    return "eager" if longest <= (SHORT if dropout else MEDIUM) and not torch.cuda.is_available() else "sdpa"


def optimizer(config: Model) -> str:
    """Name of the optimizer; `auto` is AdamW, with its state in 8 bits where CUDA is.

    Raises:
        FoldshipError: 8 bits are asked for without CUDA.
    """
    if config.optimizer == EIGHT_BIT and not torch.cuda.is_available():
        raise FoldshipError(
            "optimizer: adamw_8bit needs CUDA", found="no CUDA device", fix="use optimizer: auto"
        )
    if config.optimizer == "auto":
        return EIGHT_BIT if torch.cuda.is_available() else "adamw"
    return config.optimizer


def announce(chosen: str) -> None:
    """Name the precision of the next `TrainingArguments`: the library takes an earlier one's where it can.

    Args:
        chosen: "fp32", "bf16" or "fp16".
    """
    os.environ[LEFT_BEHIND] = "no" if chosen == "fp32" else chosen
