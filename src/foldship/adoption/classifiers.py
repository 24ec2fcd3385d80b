"""Classifiers as `save_pretrained` leaves them, whole or as an adapter on a base."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from foldship.adoption.network import Network, labels_of, longest, origin, plain, reads_segments
from foldship.modelling import backbone
from foldship.modelling.adopted import CLASSIFIER
from foldship.modelling.foreign import Classifier
from foldship.modelling.store import WEIGHTS
from foldship_kernel.errors import FoldshipError, listed

# The last layer of a head, by the names that architectures give it.
_LAST = re.compile(r"(?:classifier|score|classification_head|head)(?:\.(?:out_proj|dense|decoder))?\.weight$")
_MERGED = 1e-4  # largest difference of logits


def take_saved(folder: Path, out: Path) -> Network:
    """Read a saved model, and write its weights to `out`.

    Raises:
        FoldshipError: it cannot be read, or has no trained head.
    """
    model, missing = _load(str(folder))
    if missing:
        raise FoldshipError(
            f"{folder}: weights are missing that a classifier needs",
            expected="a model saved by save_pretrained of an AutoModelForSequenceClassification",
            found=f"no {listed(missing)}; architectures: {model.config.architectures}",
            fix="save the whole model with its head; an encoder alone can be a backbone to train on",
        )
    return _write(model, out)


def take_adapter(folder: Path, out: Path, weights: Path) -> Network:
    """Read an adapter and its base, merge them, and write the result to `out`.

    Args:
        folder: with `adapter_config.json` and `adapter_model.safetensors`.
        out: folder to write to.
        weights: the workspace's `weights/`, where a base may lie, see `backbone.locate`.

    Raises:
        FoldshipError: it or its base cannot be had, it is not for classification, a part of the head was
            saved nowhere, or merging changes what the model predicts.
    """
    from peft import PeftModel

    settings = _adapter_settings(folder)
    base = backbone.locate(str(settings.get("base_model_name_or_path") or ""), weights)
    known = _adapter_weights(folder)
    model, missing = _load(base, num_labels=_outputs(folder, known), ignore_mismatched_sizes=True)
    lost = [name for name in missing if not any(key.endswith(f".{name}") for key in known)]
    if lost:
        raise FoldshipError(
            f"{folder}: a part of the head is neither in the adapter nor in its base",
            expected="every layer that the base does not have among modules_to_save",
            found=listed(lost),
            fix="it was random and is lost: name its module in modules_to_save, and train again",
        )
    try:
        adapted: Any = PeftModel.from_pretrained(model, str(folder)).eval()
        ids = torch.arange(8)[None] + 5
        with torch.inference_mode():
            before = adapted(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
            merged = adapted.merge_and_unload().eval()
            after = merged(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError, NotImplementedError) as error:
        raise FoldshipError(
            f"{folder}: the adapter cannot be merged into {base!r}",
            expected="a LoRA-like adapter of just this base",
            found=str(error).splitlines()[0],
            fix="merge it where it was trained (merge_and_unload), save_pretrained, and adopt that",
        ) from error
    if not (difference := float((after - before).abs().max())) <= _MERGED:
        raise FoldshipError(
            f"{folder}: merging the adapter changes what the model predicts",
            expected=f"logits that differ by {_MERGED:g} at most",
            found=f"{difference:.3g}",
            fix="merge it where it was trained (merge_and_unload), save_pretrained, and adopt that",
        )
    merged.config._name_or_path = str(settings["base_model_name_or_path"])
    return _write(merged, out)


def _load(source: str, **settings: Any) -> tuple[Any, list[str]]:
    """A classifier in fp32, and the weights that its files do not have."""
    try:
        config = AutoConfig.from_pretrained(
            source, **{k: v for k, v in settings.items() if k == "num_labels"}
        )
        rest = {key: value for key, value in settings.items() if key != "num_labels"}
        model, info = AutoModelForSequenceClassification.from_pretrained(
            source, config=config, dtype=torch.float32, output_loading_info=True, **rest
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, KeyError) as error:
        raise FoldshipError(
            f"{source}: cannot be loaded as a classifier",
            expected="config.json of a known architecture, and whole weights beside it",
            found=str(error).splitlines()[0],
            fix="check that it was saved and copied as a whole; a base may lie in weights/backbones/<name>",
        ) from error
    mismatched = {entry[0] for entry in info["mismatched_keys"]}
    return model.eval(), sorted({*info["missing_keys"], *mismatched})


def _write(model: Any, out: Path) -> Network:
    config = model.config
    network: nn.Module = Classifier(model)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}
    broken = [name for name, tensor in state.items() if not tensor.isfinite().all()]
    if broken:
        raise FoldshipError(
            "weights are no finite numbers",
            found=listed(broken),
            fix="its training diverged, or the file is damaged: adopt another checkpoint",
        )
    save_file(state, out / WEIGHTS)
    return Network(
        kind=CLASSIFIER,
        width=int(config.num_labels),
        config=plain(config),
        labels=labels_of(config),
        problem=config.problem_type or "",
        segments=reads_segments(config),
        longest=longest(config),
        backbone=origin(config._name_or_path),
    )


def _adapter_settings(folder: Path) -> dict[str, Any]:
    path = folder / "adapter_config.json"
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        task = settings.get("task_type")
    except (OSError, ValueError, AttributeError) as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="copy the folder again"
        ) from error
    if task not in ("SEQ_CLS", None) or not settings.get("base_model_name_or_path"):
        raise FoldshipError(
            f"{path}: no adapter of a classifier",
            expected="task_type SEQ_CLS, and base_model_name_or_path",
            found=f"task_type {task}, base {settings.get('base_model_name_or_path')}",
            fix="adopt adapters that were trained on an AutoModelForSequenceClassification",
        )
    return settings


def _adapter_weights(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the adapter's weights by name."""
    path = folder / "adapter_model.safetensors"
    try:
        found = load_file(path)
        return {name.replace(".modules_to_save.", "."): tuple(part.shape) for name, part in found.items()}
    except (OSError, SafetensorError) as error:
        raise FoldshipError(
            f"{path}: the weights cannot be read", found=str(error), fix="save the adapter as safetensors"
        ) from error


def _outputs(folder: Path, known: dict[str, tuple[int, ...]]) -> int:
    """How many outputs the head has that was saved with an adapter."""
    heads = [shape for name, shape in sorted(known.items()) if _LAST.search(name) and ".lora_" not in name]
    if not heads:
        raise FoldshipError(
            f"{folder}: the adapter holds no head",
            expected="the head among modules_to_save, as task_type SEQ_CLS sees to",
            found=listed(sorted(known)),
            fix="train with task_type SEQ_CLS, or merge and save the whole model where it was trained",
        )
    return min(shape[0] for shape in heads)
