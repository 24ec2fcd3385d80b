"""Sentence encoders as sentence-transformers lays them down: a transformer, pooling, and layers above."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn
from transformers import AutoConfig, AutoModel

from foldship.adoption.network import UNLIMITED, Network, longest, origin, plain, reads_segments
from foldship.modelling import backbone, checkpoint, loading
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
_DENSE_NAMES = ("model.safetensors", "pytorch_model.bin")


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
    _refuse_what_is_not_done(folder, places[0], bool(above))
    above_pooling = places[2 : len(kinds) - len(above)]
    dense = tuple(_dense(place) for place in above_pooling)
    backbone.refuse_adapter(str(places[0]))
    try:
        config = AutoConfig.from_pretrained(places[0])
        how = backbone.attention_of(config, "sdpa")
        loaded = loading.load(AutoModel, str(places[0]), config, attention=how)
    except (OSError, ValueError, KeyError) as error:
        raise FoldshipError(
            f"{places[0]}: the transformer cannot be loaded",
            found=str(error).partition("\n")[0],
            fix="check that it was saved and copied as a whole",
        ) from error
    network = loaded.network
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # never read
    loaded.confirm(network)
    pooling = _pooling(places[1])
    encoder = SentenceEncoder(network, pooling, dense)
    for layer, place in zip(encoder.dense, above_pooling, strict=True):
        _fill(layer, place)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(state, out / WEIGHTS)
    limits = [_longest(places[0], modules[0]), longest(config)]
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
        dense=dense,
        notes=(*loaded.notes, *_unread(folder)),
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="copy the model again as a whole"
        ) from error


def _settings(transformer: Path) -> dict[str, Any]:
    """What sentence-transformers keeps about its transformer, in a file named after the architecture."""
    path = next(iter(sorted(transformer.glob("sentence_*_config.json"))), None)
    return {} if path is None else dict(_read(path))


def _longest(transformer: Path, module: Mapping[str, Any]) -> int | None:
    """The longest sequence that the model was made for; since version 5 its tokenizer alone may know."""
    tokenizer = transformer / "tokenizer_config.json"
    said = (
        _settings(transformer).get("max_seq_length"),
        module.get("max_seq_length"),
        _read(tokenizer).get("model_max_length") if tokenizer.is_file() else None,
    )
    # A tokenizer without a limit names an astronomical one.
    return next((int(length) for length in said if length and length <= UNLIMITED), None)


def _unread(folder: Path) -> list[str]:
    """What the model's makers offer, and nobody said whether it was used."""
    own = folder / "config_sentence_transformers.json"
    known = (_read(own) if own.is_file() else {}).get("prompts") or {}
    prompts = [repr(text) for text in known.values() if text]
    if not prompts:
        return []
    return [
        f"WARNING: the model has prompts ({listed(prompts)}), and none is put before texts; if it was "
        "trained with one, make it part of the texts in competition.yaml"
    ]


def _refuse_what_is_not_done(folder: Path, transformer: Path, normalised: bool) -> None:
    """Texts are read as they are, without a prompt, in their own case; vectors are compared by a cosine."""
    own = folder / "config_sentence_transformers.json"
    settings = dict(_read(own)) if own.is_file() else {}
    kind = settings.get("model_type") or "SentenceTransformer"
    if kind != "SentenceTransformer":
        raise FoldshipError(
            f"{own}: no model whose vectors have a cosine",
            expected="model_type SentenceTransformer",
            found=str(kind),
            fix="adopt another model, or export this one as an ONNX graph",
        )
    compared = settings.get("similarity_fn_name") or "cosine"
    if compared != "cosine" and not (compared == "dot" and normalised):
        raise FoldshipError(
            f"{own}: the model compares texts otherwise than by a cosine",
            expected="similarity_fn_name cosine, or dot after a Normalize module",
            found=str(compared),
            fix="adopt another model; if it was trained by cosines all the same, correct that file",
        )
    if settings.get("truncate_dim"):
        raise FoldshipError(
            f"{own}: the model's vectors are cut after their first numbers",
            expected="vectors as they are",
            found=f"truncate_dim {settings['truncate_dim']}",
            fix="adopt the model without truncate_dim, or export this one as an ONNX graph",
        )
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


def _fill(layer: nn.Module, folder: Path) -> None:
    """Give a Dense layer its weights."""
    path = next(
        (folder / name for name in _DENSE_NAMES if (folder / name).is_file()), folder / _DENSE_NAMES[0]
    )
    state = checkpoint.read_file(path)
    own = layer.state_dict()
    found = {f"0.{name.removeprefix('linear.')}": tensor.float() for name, tensor in state.items()}
    wrong = [f"no {name}" for name in own if name not in found]
    wrong += [f"{name}, which it has not" for name in found if name not in own]
    wrong += [
        f"{name}: {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in found.items()
        if name in own and tensor.shape != own[name].shape
    ]
    wrong += [f"{name}: no finite numbers" for name, tensor in found.items() if not loading.is_finite(tensor)]
    if wrong:
        raise FoldshipError(
            f"{path}: a Dense layer's weights do not fit its config.json",
            found=listed(wrong).replace("0.", "linear."),
            fix="copy the model again as a whole",
        )
    layer.load_state_dict(found)
