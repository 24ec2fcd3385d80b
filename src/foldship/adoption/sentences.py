"""Sentence encoders as sentence-transformers lays them down: a transformer, pooling, and layers above."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from foldship.adoption.network import Network, longest, origin, plain, reads_segments
from foldship.modelling.adopted import SENTENCES
from foldship.modelling.foreign import ACTIVATIONS, Dense, SentenceEncoder
from foldship.modelling.store import WEIGHTS
from foldship_kernel.errors import FoldshipError, listed

# What may be read of the last layer, in the order in which it is joined, by its name there and here.
_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "sep",
}
_MODES = {"lasttoken": "sep"}  # of files that name them as `pooling_mode`; others are called as here
_NORM, _DENSE = "Normalize", "Dense"


def take(folder: Path, out: Path) -> Network:
    """Read a model, and write its weights to `out`.

    Raises:
        FoldshipError: it cannot be read, or has modules that are not known.
    """
    modules = _read(folder / "modules.json")
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    places = [folder / str(module.get("path", "")) for module in modules]
    above = [kind for kind in kinds[2:] if kind != _DENSE]
    if kinds[:2] != ["Transformer", "Pooling"] or above not in ([], [_NORM]) or _NORM in kinds[:-1]:
        raise FoldshipError(
            f"{folder / 'modules.json'}: modules that cannot be adopted",
            expected="Transformer, Pooling, then any number of Dense, then Normalize or not",
            found=listed(kinds),
            fix="adopt another model, or export this one as an ONNX graph",
        )
    _refuse_what_changes_texts(folder, places[0])
    dense: list[Dense] = []
    weights: dict[str, torch.Tensor] = {}
    for number, place in enumerate(places[2 : len(kinds) - len(above)]):
        dense.append(_dense(place))
        weights |= {f"dense.{number}.0.{key}": tensor for key, tensor in _dense_weights(place).items()}
    try:
        config = AutoConfig.from_pretrained(places[0])
        network, info = AutoModel.from_pretrained(places[0], dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FoldshipError(
            f"{places[0]}: the transformer cannot be loaded",
            found=str(error).splitlines()[0],
            fix="check that it was saved and copied as a whole",
        ) from error
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # never read
    lost = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    if lost:
        raise FoldshipError(
            f"{places[0]}: weights are missing", found=listed(lost), fix="copy the model again as a whole"
        )
    pooling = _pooling(places[1])
    encoder = SentenceEncoder(network, pooling, dense)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in encoder.state_dict().items()}
    if {name for name in state if name.startswith("dense.")} != set(weights):
        raise FoldshipError(
            f"{folder}: a Dense layer's weights do not fit its config.json",
            found=listed(sorted(weights)),
            fix="copy the model again as a whole",
        )
    save_file({**state, **weights}, out / WEIGHTS)
    limits = [_settings(places[0]).get("max_seq_length"), longest(config)]
    return Network(
        kind=SENTENCES,
        width=1,
        config=plain(config),
        labels=None,
        problem="",
        segments=reads_segments(config),
        longest=min((limit for limit in limits if limit), default=None),
        backbone=origin(config._name_or_path),
        pooling=pooling,
        dense=tuple(dense),
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="copy the model again as a whole"
        ) from error


def _settings(transformer: Path) -> dict[str, Any]:
    path = transformer / "sentence_bert_config.json"
    return dict(_read(path)) if path.is_file() else {}


def _refuse_what_changes_texts(folder: Path, transformer: Path) -> None:
    """The kernel reads texts as they are: without a prompt before them, and without lowering their case."""
    own = folder / "config_sentence_transformers.json"
    settings = dict(_read(own)) if own.is_file() else {}
    prompt = (settings.get("prompts") or {}).get(settings.get("default_prompt_name"))
    if prompt:
        raise FoldshipError(
            f"{own}: the model puts a prompt before every text",
            found=repr(prompt),
            fix=f"make it part of the texts in competition.yaml, as in '{prompt}{{column}}', and remove "
            "default_prompt_name from that file",
        )
    if _settings(transformer).get("do_lower_case"):
        raise FoldshipError(
            f"{transformer}: do_lower_case is set in sentence_bert_config.json",
            expected="a tokenizer that lowers case itself, where that is wanted",
            fix="set do_lower_case to false there if the tokenizer does so anyway; else put a Lowercase "
            "normalizer into its tokenizer.json",
        )


def _pooling(folder: Path) -> tuple[str, ...]:
    settings = dict(_read(folder / "config.json"))
    if isinstance(named := settings.get("pooling_mode"), str):
        wanted = {_MODES.get(named, named)}
    else:
        wanted = {
            _POOLING.get(key) or key
            for key, value in settings.items()
            if key.startswith("pooling_mode_") and value
        }
    if not wanted or wanted - set(_POOLING.values()):
        raise FoldshipError(
            f"{folder / 'config.json'}: pooling that is not known",
            expected=listed(list(_POOLING)),
            found=listed(sorted(wanted)) or "none",
            fix="adopt a model with one of these, or export this one as an ONNX graph",
        )
    return tuple(kind for kind in _POOLING.values() if kind in wanted)


def _dense(folder: Path) -> Dense:
    settings = dict(_read(folder / "config.json"))
    activation = str(settings.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[
        2
    ]
    if activation not in ACTIVATIONS:
        raise FoldshipError(
            f"{folder / 'config.json'}: an activation that is not known",
            expected=listed(list(ACTIVATIONS)),
            found=activation,
            fix="export the model as an ONNX graph, and adopt that",
        )
    try:
        return Dense(
            int(settings["in_features"]),
            int(settings["out_features"]),
            bool(settings.get("bias", True)),
            activation,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FoldshipError(
            f"{folder / 'config.json'}: no Dense layer", found=repr(error), fix="copy the model again"
        ) from error


def _dense_weights(folder: Path) -> dict[str, torch.Tensor]:
    safe, old = folder / "model.safetensors", folder / "pytorch_model.bin"
    try:
        found = load_file(safe) if safe.is_file() else torch.load(old, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise FoldshipError(
            f"{folder}: the weights cannot be read", found=str(error).splitlines()[0], fix="copy them again"
        ) from error
    return {name.removeprefix("linear."): tensor.float().contiguous() for name, tensor in found.items()}
