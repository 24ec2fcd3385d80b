"""Small classifiers of many architectures, and what happens to their files on the way to another machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForSequenceClassification

WEIGHTS = "model.safetensors"
_SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "initializer_range": 0.3,
    "pad_token_id": 1,
}
CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bert": (transformers.BertConfig, {}),
    "roberta": (transformers.RobertaConfig, {"type_vocab_size": 1}),
    "xlm-roberta": (transformers.XLMRobertaConfig, {"type_vocab_size": 1}),
    "electra": (transformers.ElectraConfig, {"embedding_size": 8}),
    "deberta-v2": (
        transformers.DebertaV2Config,
        {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    ),
    "distilbert": (
        transformers.DistilBertConfig,
        {"dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 2},
    ),
    "mpnet": (transformers.MPNetConfig, {}),
    "albert": (transformers.AlbertConfig, {"embedding_size": 8}),
    "modernbert": (transformers.ModernBertConfig, {"reference_compile": False}),
}
IDS = torch.arange(2, 14).reshape(2, 6)


def classifier(folder: Path, kind: str, outputs: int = 3) -> Any:
    """Save a classifier with random weights, biases and norms included, in `folder`; returns it."""
    make, own = CONFIGS[kind]
    torch.manual_seed(len(kind))
    config = make(num_labels=outputs, **{**_SIZES, **own})
    model = AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(torch.randn_like(tensor) * 0.1)
    model.save_pretrained(folder)
    return model


def logits(model: Any) -> Tensor:
    """Of two short sequences."""
    with torch.inference_mode():
        return model.eval()(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits.float()


def state_of(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / WEIGHTS)


def write(folder: Path, state: dict[str, Tensor]) -> None:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / WEIGHTS)


def _some(state: dict[str, Tensor], random: Random) -> str:
    """A weight that makes a difference; a bias may be spared by it, as none is read before a norm."""
    return random.choice(sorted(name for name in state if state[name].is_floating_point()))


def drop(folder: Path, random: Random) -> str:
    state = state_of(folder)
    name = _some(state, random)
    del state[name]
    write(folder, state)
    return name


def rename(folder: Path, random: Random) -> str:
    state = state_of(folder)
    name = _some(state, random)
    state[f"{name}_of_old"] = state.pop(name)
    write(folder, state)
    return name


def reshape(folder: Path, random: Random) -> str:
    state = state_of(folder)
    name = _some(state, random)
    state[name] = torch.cat([state[name], state[name][:1]])
    write(folder, state)
    return name


def break_number(folder: Path, random: Random) -> str:
    state = state_of(folder)
    name = _some(state, random)
    state[name].view(-1)[random.randrange(state[name].numel())] = random.choice([torch.nan, torch.inf])
    write(folder, state)
    return name


def drop_layer(folder: Path, random: Random) -> str:
    state = state_of(folder)
    layer = f".{random.randrange(2)}."
    lost = sorted(name for name in state if layer in name) or sorted(
        name for name in state if "embed" in name
    )
    for name in lost:
        del state[name]
    write(folder, state)
    return lost[0]


def prefix_some(folder: Path, random: Random) -> str:
    state = state_of(folder)
    name = _some(state, random)
    state[f"module.{name}"] = state.pop(name)
    write(folder, state)
    return name


def cut(folder: Path, random: Random) -> str:
    path = folder / WEIGHTS
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])
    return WEIGHTS


def pointer(folder: Path, random: Random) -> str:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (folder / WEIGHTS).write_text(random.choice([text, "", "<!DOCTYPE html><title>Log in</title>"]))
    return WEIGHTS


def cut_pickle(folder: Path, random: Random) -> str:
    path = folder / "pytorch_model.bin"
    torch.save(state_of(folder), path)
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])
    (folder / WEIGHTS).unlink()
    return path.name


def lose_part(folder: Path, random: Random) -> str:
    name = random.choice(_parts(folder))
    (folder / name).unlink()
    return name


def cut_part(folder: Path, random: Random) -> str:
    name = random.choice(_parts(folder))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: random.randrange(len(content))])
    return name


def fewer_layers(folder: Path, random: Random) -> str:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    key = next(key for key in ("num_hidden_layers", "n_layers") if key in config)
    path.write_text(json.dumps({**config, key: 1}))
    return ".1."


def prefix(folder: Path, random: Random) -> None:
    state = state_of(folder)
    words = ["module.", "_orig_mod.", "model.", "backbone.", "encoder.", "bert.", "net.network."]
    start = "".join(random.sample(words, random.randrange(1, 4)))
    write(folder, {start + name: tensor for name, tensor in state.items()})


def wrap_within(folder: Path, random: Random) -> None:
    state = state_of(folder)
    wrapper = random.choice(["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"])
    changed = {}
    for name, tensor in state.items():
        module, _, own = name.rpartition(".")
        changed[f"{module}.{wrapper}.{own}" if random.random() < 0.5 else name] = tensor
    write(folder, changed)


def as_pickle(folder: Path, random: Random) -> None:
    state: Any = state_of(folder)
    kind = random.choice(["plain", "lightning", "script"])
    if kind == "lightning":
        state = {"epoch": 3, "state_dict": {f"model.{name}": tensor for name, tensor in state.items()}}
    elif kind == "script":
        optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}
        state = {"model_state_dict": state, "optimizer": optimizer, "best": 0.5}
    torch.save(state, folder / ("pytorch_model.bin" if kind == "plain" else "best.ckpt"))
    (folder / WEIGHTS).unlink()


def in_parts(folder: Path, random: Random) -> None:
    _parts(folder)


def add_strangers(folder: Path, random: Random) -> None:
    state = state_of(folder)
    state["cls.predictions.bias"] = torch.randn(60)
    state["bert.embeddings.position_ids"] = torch.arange(40)[None]
    write(folder, state)


def in_double(folder: Path, random: Random) -> None:
    write(folder, {name: tensor.double() for name, tensor in state_of(folder).items()})


def _parts(folder: Path) -> list[str]:
    """Cut the weights into files with an index; returns their names."""
    state = state_of(folder)
    names = sorted(state)
    half = len(names) // 2
    places = {}
    for number, part in enumerate((names[:half], names[half:]), start=1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, folder / file)
        places |= dict.fromkeys(part, file)
    (folder / WEIGHTS).unlink()
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return sorted(set(places.values()))


Damage = Callable[[Path, Random], str | None]
# Of these each returns what an error has to name.
HARMFUL: tuple[Damage, ...] = (
    drop,
    rename,
    reshape,
    break_number,
    drop_layer,
    prefix_some,
    cut,
    pointer,
    cut_pickle,
    lose_part,
    cut_part,
    fewer_layers,
)
# After these the model is what it was.
HARMLESS: tuple[Damage, ...] = (prefix, wrap_within, as_pickle, in_parts, add_strangers, in_double)


def copy_of(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to
