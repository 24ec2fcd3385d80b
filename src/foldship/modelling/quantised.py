"""Checkpoints whose weights were saved in fewer bits, made numbers again where nothing is lost by it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig

from foldship_kernel.errors import FoldshipError

_FOUR_BITS = ".quant_state.bitsandbytes__"
_SCALES, _FORMAT = "SCB", "weight_format"  # of 8 bits
_LARGEST = 127  # of 8 bits
REMEDY = (
    "where it was made: load it, model.dequantize(), and model.save_pretrained(folder); or take the model "
    "that it was made from"
)


def widen(
    state: dict[str, Tensor], config: PretrainedConfig, place: str
) -> tuple[dict[str, Tensor], list[str]]:
    """Weights as numbers, and what was done, one line each; a configuration forgets that it was quantised.

    What bitsandbytes makes of 4 and 8 bits when it computes is what is returned, to the bit.

    Raises:
        FoldshipError: they were quantised in another way, or what belongs to them is missing.
    """
    said: dict[str, Any] = dict(getattr(config, "quantization_config", None) or {})
    four = sorted(key.partition(_FOUR_BITS)[0] for key in state if _FOUR_BITS in key)
    eight = sorted(
        key.removesuffix(f".{_SCALES}") + ".weight" for key in state if key.endswith(f".{_SCALES}")
    )
    method = str(said.get("quant_method") or ("bitsandbytes" if said else ""))
    if method not in ("", "bitsandbytes"):
        raise FoldshipError(
            f"{place}: the weights are quantised ({method})",
            expected="weights in fp32, fp16 or bf16, or in 4 or 8 bits by bitsandbytes",
            found=f"quant_method {method} in config.json",
            fix=REMEDY,
        )
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    notes = []
    if four:
        state = _four_bits(state, four, place)
        notes.append(f"{len(four)} weights in 4 bits are taken as the numbers that they stand for")
    if eight:
        state = _eight_bits(state, eight, place)
        notes.append(
            f"{len(eight)} weights in 8 bits are taken as the numbers that they stand for; texts are no "
            "longer rounded to 8 bits on their way"
        )
    return state, notes


def _four_bits(state: dict[str, Tensor], names: list[str], place: str) -> dict[str, Tensor]:
    from bitsandbytes.functional import QuantState, dequantize_4bit

    rest = dict(state)
    for name in names:
        beside = {key: rest.pop(key) for key in state if key.startswith(f"{name}.")}
        try:
            how = QuantState.from_dict(beside, device=torch.device("cpu"))
            rest[name] = dequantize_4bit(rest[name], how).float()
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise _torn(name, beside, place) from error
    return rest


def _eight_bits(state: dict[str, Tensor], names: list[str], place: str) -> dict[str, Tensor]:
    rest = dict(state)
    for name in names:
        module = name.removesuffix("weight")
        scales = rest.pop(f"{module}{_SCALES}")
        rest.pop(f"{module}{_FORMAT}", None)
        if name not in rest or rest[name].dtype != torch.int8 or len(rest[name]) != len(scales):
            raise _torn(name, {f"{module}{_SCALES}": scales}, place)
        rest[name] = rest[name].float() * (scales.float() / _LARGEST)[:, None]
    return rest


def _torn(name: str, beside: dict[str, Tensor], place: str) -> FoldshipError:
    return FoldshipError(
        f"{place}: a weight in few bits lacks what it is read with",
        expected=f"{name} and its scales",
        found=f"{', '.join(sorted(beside)) or 'nothing'} beside {name}",
        fix="copy it again as a whole, from where it was saved",
    )
