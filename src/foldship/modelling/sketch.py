"""A small random network of an architecture: what can be asked of it before the real one is loaded.

It has the real one's kind of attention, positions, offsets and size of heads, but two layers, two heads and
the first words. A model of 7B parameters is never built, and the answer takes seconds.
"""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig

LAYERS, HEADS, WORDS = 2, 2, 64
_SEED = 0
# What a configuration calls the width within a layer, and lists with an entry a layer.
_INNER = ("intermediate_size", "hidden_dim", "d_inner", "d_ff", "ffn_dim")
_BY_LAYER = ("attention_window", "layer_types", "attention_layers")
# What a network raises that has no position for a token.
_NO_POSITION = (IndexError, RuntimeError, AssertionError)


def shrink(config: PretrainedConfig, layers: int = LAYERS) -> PretrainedConfig:
    """The configuration of a small network of the same architecture."""
    small = _fewer_layers(config, layers)
    heads, width = config.num_attention_heads, config.hidden_size
    size = getattr(config, "head_dim", None) or getattr(config, "d_kv", None) or width // heads
    few = min(HEADS, heads)
    if getattr(config, "embedding_size", None) == width:
        small.embedding_size = few * size
    if getattr(config, "d_head", None):
        small.d_head = size
    small.num_attention_heads, small.hidden_size = few, few * size
    if getattr(config, "num_key_value_heads", None):
        small.num_key_value_heads = min(few, config.num_key_value_heads)
    for name in _INNER:
        if getattr(config, name, None):
            setattr(small, name, 2 * few * size)
    small.vocab_size = min(config.vocab_size, first_word(config) + WORDS)
    return small


def build(config: PretrainedConfig, attention: str = "eager") -> nn.Module:
    """A small encoder of the configuration's architecture; where sizes cannot be cut, one of fewer layers.

    Its weights are random, the same each time, and so large that whatever is computed wrongly shows.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        try:
            model: Any = AutoModel.from_config(shrink(config), attn_implementation=attention)
            _run(copy.deepcopy(model), 4)  # some networks change with what they have seen
        except Exception:  # a configuration with sizes that depend on one another
            model = AutoModel.from_config(_fewer_layers(config, LAYERS), attn_implementation=attention)
        if getattr(model, "pooler", None) is not None:
            model.pooler = None
        _scale(model)
    network: nn.Module = model.eval()
    return network


def rows(config: PretrainedConfig) -> int:
    """Rows of the real network's embedding table, told without memory for it."""
    with torch.device("meta"):
        return int(AutoModel.from_config(config).get_input_embeddings().num_embeddings)


def longest(config: PretrainedConfig) -> int | None:
    """The longest sequence that an encoder has positions for; None where any length is possible.

    Families count positions differently: some begin after the padding id, some have a table of sines, some
    none at all. So the network is asked, and its configuration is asked alone where the network takes any
    length and was trained for some.
    """
    return _longest(told(config), config.model_type)


def told(config: PretrainedConfig) -> str:
    """A configuration as text: the same for the same network, wherever it lies."""
    value = {
        key: part for key, part in config.to_dict().items() if key not in ("_name_or_path", "model_type")
    }
    return json.dumps(value, sort_keys=True, default=str)


def restore(text: str, kind: str) -> PretrainedConfig:
    """The configuration of an architecture that `told` wrote."""
    config: PretrainedConfig = AutoConfig.for_model(kind, **json.loads(text))
    return config


@lru_cache(maxsize=64)
def _longest(settings: str, kind: str) -> int | None:
    config = restore(settings, kind)
    most = getattr(config, "max_position_embeddings", None)
    if not most or most < 0:
        return None
    model = _to_ask(config)
    if model is None or not _takes(model, 1):
        return int(most)  # it cannot be asked
    if not getattr(config, "position_biased_input", True) and _takes(model, most + 1):
        return None
    if not _has_table(model, most):
        return int(most)
    if _takes(model, most):
        return int(most)
    low, high = 1, int(most)  # takes `low`, not `high`
    while high - low > 1:
        middle = (low + high) // 2 if high - low < 64 or high < most else high - 4
        low, high = (middle, high) if _takes(model, middle) else (low, middle)
    return low


def first_word(config: PretrainedConfig) -> int:
    """The lowest id above those of tokens that the configuration names."""
    named = [value for key, value in config.to_dict().items() if key.endswith("_token_id")]
    return 1 + max((value for value in named if isinstance(value, int)), default=0)


def _to_ask(config: PretrainedConfig) -> nn.Module | None:
    """A network without layers, or with one: positions enter below them."""
    for layers in (0, 1):
        try:
            small = shrink(config, layers)
            model: nn.Module = AutoModel.from_config(small).eval()
            if _takes(model, 1):
                return model
        except Exception:  # whatever an architecture asks of its settings
            continue
    return None


def _has_table(model: nn.Module, most: int) -> bool:
    """Whether positions are looked up, and not computed for any length."""
    return any(most in tensor.shape for tensor in (*model.parameters(), *model.buffers()))


def _takes(model: nn.Module, length: int) -> bool:
    try:
        _run(model, length)
    except _NO_POSITION:
        return False
    return True


def _run(model: Any, length: int) -> None:
    word = first_word(model.config)
    ids = torch.full((1, length), min(word, model.config.vocab_size - 1))
    with torch.inference_mode():
        model(input_ids=ids, attention_mask=torch.ones_like(ids))


def _fewer_layers(config: PretrainedConfig, layers: int) -> PretrainedConfig:
    small = copy.deepcopy(config)
    small.num_hidden_layers = min(layers, config.num_hidden_layers)
    for name in _BY_LAYER:
        value = getattr(config, name, None)
        if isinstance(value, list):
            setattr(small, name, value[: max(1, small.num_hidden_layers)])
    return small


def _scale(model: nn.Module) -> None:
    """Weights under which attention looks at some tokens and not at others, and no number is the same."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2:
                table = "embed" in name or "bias" in name
                weight.normal_(0, 1.0 if table else 1.25 * weight.shape[-1] ** -0.5)
            elif name.endswith("weight"):
                weight.normal_(1, 0.1)
            else:
                weight.normal_(0, 0.1)
