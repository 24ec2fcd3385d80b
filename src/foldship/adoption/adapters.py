"""PEFT adapters of classifiers: seen to be whole, put on the base that they were trained on, and merged."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foldship.adoption import classifiers
from foldship.adoption.network import Network
from foldship.modelling import backbone, checkpoint, loading
from foldship.modelling.checkpoint import ADAPTER_NAMES, ADAPTER_SETTINGS
from foldship_kernel.errors import FoldshipError, listed

# The last layer of a head, by the names that architectures give it.
_LAST = re.compile(r"(?:classifier|score|classification_head|head)(?:\.(?:out_proj|dense|decoder))?\.weight$")
_MERGED = 1e-4  # largest difference of logits
# Where LoRA may begin so that its base stays the one that is named, or changes in a way that can be repeated.
_UNCHANGED = (True, False, None, "gaussian", "eva", "orthogonal")
_REPEATED = ("pissa", "olora")
MERGE = "merge it where it was trained (merge_and_unload), save_pretrained, and adopt that"


def take(folder: Path, out: Path, weights: Path, root: Path, named: str | None) -> Network:
    """Read an adapter and its base, merge them, and write the result to `out`.

    Args:
        folder: with `adapter_config.json` and the adapter's weights.
        out: folder to write to.
        weights: the workspace's `weights/`, where a base may lie, see `backbone.locate`.
        root: the project's root, where a relative `named` begins.
        named: the base in place of the one that the adapter names: a path, or as of `backbone.locate`.

    Raises:
        FoldshipError: it or its base cannot be had, it is not for classification, a part of either was saved
            nowhere, its base was another one, or merging changes what the model predicts.
    """
    settings = _settings(folder)
    _refuse_another(folder)
    known = _read(folder)
    said = str(settings["base_model_name_or_path"])
    base = _locate(folder, said, weights, root, named)
    notes = [*_start(folder, settings), *([f"base: {named} in place of {said}"] if named else [])]
    outputs = _outputs(known)
    try:
        loaded = classifiers.load(base, outputs)
    except FoldshipError as error:
        raise _not_here(folder, base, f"{error.what}: {error.found}", weights) from error
    saved = {_in_base(name) for name in known}
    head = {name for name in saved if ".lora_" not in name}
    loaded.confirm(
        spared=lambda name: any(own == name or own.endswith(f".{name}") for own in head),
        what="weights that are read are neither in the adapter nor in its base",
        fix=f"what was random is lost: name its module in modules_to_save, and train {folder} again; or name "
        f"the base that it was trained on, --base PATH, if that is another one than {base}",
    )
    merged = _merge(loaded.network, folder, known, base)
    merged.config._name_or_path = said
    return classifiers.write(merged, out, [*loaded.notes, *notes], words=base)


def _merge(model: Any, folder: Path, known: Mapping[str, Tensor], base: str) -> Any:
    """The base with the adapter in its weights, once it is seen that the adapter was read as a whole."""
    from peft import PeftModel

    ids = torch.arange(8)[None] + 5
    mask = torch.ones_like(ids)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is missing: it is refused below
            adapted: Any = PeftModel.from_pretrained(model, str(folder), ignore_mismatched_sizes=True).eval()
        _confirm(adapted, folder, known, base)
        if not hasattr(adapted.base_model, "merge_and_unload"):
            raise FoldshipError(
                f"{folder}: an adapter that is no change of weights, so that it cannot be merged",
                expected="LoRA or one of its kin",
                found=str(getattr(adapted.active_peft_config.peft_type, "value", "")),
                fix="train LoRA instead, or export the whole as an ONNX graph and adopt that",
            )
        with torch.inference_mode():
            before = adapted(input_ids=ids, attention_mask=mask).logits
            merged = adapted.merge_and_unload().eval()
            after = merged(input_ids=ids, attention_mask=mask).logits
    except KeyError as error:  # so PEFT says that a module of modules_to_save is missing
        raise _not_its(folder, [f"no {error.args[0]}"], base) from error
    except (OSError, ValueError, RuntimeError, LookupError, AttributeError, TypeError, ImportError) as error:
        raise FoldshipError(
            f"{folder}: the adapter cannot be merged into {base!r}",
            expected="a LoRA-like adapter of just this base",
            found=" ".join(str(error).split()) or repr(error),
            fix=f"name the base that it was trained on, --base PATH; or {MERGE}",
        ) from error
    if not (difference := float((after - before).abs().max())) <= _MERGED:
        raise FoldshipError(
            f"{folder}: merging the adapter changes what the model predicts",
            expected=f"logits that differ by {_MERGED:g} at most",
            found=f"{difference:.3g}",
            fix=MERGE,
        )
    return merged


def _confirm(adapted: Any, folder: Path, known: Mapping[str, Tensor], base: str) -> None:
    """Refuse an adapter with a matrix that its file does not hold, or a file with one that is nobody's."""
    from peft import get_peft_model_state_dict

    here = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    everything = {
        name.replace(".modules_to_save.default.", ".").replace(".default.", "."): tensor
        for name, tensor in adapted.state_dict().items()
    }
    lost = [f"no {name}" for name in here if name not in known]
    for name, tensor in known.items():
        found = here.get(name, everything.get(name))
        if found is None:
            lost.append(f"{name}, which the base has no place for")
        elif found.shape != tensor.shape:
            lost.append(f"{name}: {tuple(tensor.shape)} in the file and {tuple(found.shape)} in the base")
        elif not torch.equal(found.detach().float(), tensor.float()):
            lost.append(f"another {name} than the file has")
    if lost:
        raise _not_its(folder, lost, base)


def _not_its(folder: Path, lost: Sequence[str], base: str) -> FoldshipError:
    return FoldshipError(
        f"{folder}: the adapter's weights are not those that its settings and its base ask for",
        expected=f"every weight of adapter_config.json for the base {base!r}, and no others",
        found=listed(lost),
        fix="copy the folder again as a whole; if the base is another one, name it: --base PATH",
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / ADAPTER_SETTINGS
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


def _refuse_another(folder: Path) -> None:
    """Refuse a second adapter, or a whole model, beside one: which of them counted is not written down.

    States of the same training, as the Trainer leaves them, are no second adapter.
    """
    others = [
        path.parent.name
        for path in sorted(folder.glob(f"*/{ADAPTER_SETTINGS}"))
        if not path.parent.name.startswith("checkpoint-")
    ]
    whole = [name for name in checkpoint.NAMES if (folder / name).is_file()]
    if others or whole:
        raise FoldshipError(
            f"{folder}: holds {'another adapter' if others else 'a whole model'} beside the adapter",
            expected="one adapter, in a folder of its own",
            found=listed(others or whole),
            fix="leave what counts there alone: move the rest elsewhere; of adapters that are used together, "
            "merge them all where they were trained (merge_and_unload), save_pretrained, and adopt that",
        )


def _start(folder: Path, settings: Mapping[str, Any]) -> list[str]:
    """Refuse an adapter that was trained on what was left of its base when it began; else say what it is.

    Raises:
        FoldshipError: what was left cannot be computed again.
    """
    kind = settings.get("init_lora_weights", True)
    if kind in _UNCHANGED:
        return []
    if kind in _REPEATED:
        return [f"it began as a part of its base ({kind}), which is taken out again as PEFT did"]
    known = [str(name).lower() for name in (*_UNCHANGED, *_REPEATED) if name is not None]
    raise FoldshipError(
        f"{folder}: the adapter was trained on a base that it had changed first, which cannot be done again",
        expected=f"init_lora_weights {listed(known)}",
        found=f"init_lora_weights {kind!r}",
        fix=MERGE,
    )


def _locate(folder: Path, said: str, weights: Path, root: Path, named: str | None) -> str:
    """The base, as `from_pretrained` takes it.

    Raises:
        FoldshipError: it is a folder that is not there.
    """
    if named is not None and (root / Path(named).expanduser() / "config.json").is_file():
        return str(root / Path(named).expanduser())
    base = backbone.locate(named or said, weights)
    beside = folder / said
    if named is None and base == said and (beside / "config.json").is_file():
        return str(beside)
    is_path = Path(base).is_absolute() or base.startswith((".", "~")) or base.count("/") > 1
    if (Path(base) / "config.json").is_file() or not (is_path or named):
        return base
    raise _not_here(folder, base, "no folder with config.json", weights)


def _not_here(folder: Path, base: str, found: str, weights: Path) -> FoldshipError:
    inside = weights / "backbones"
    near = sorted(path.name for path in inside.iterdir()) if inside.is_dir() else []
    return FoldshipError(
        f"{folder}: the adapter's base {base!r} is not to be had",
        expected=f"a folder with config.json and weights, in {inside} or elsewhere, or a model on the hub",
        found=f"{found}; in {inside}: {listed(near) or 'nothing'}",
        fix="name the same base where it is here: foldship adopt ... --base PATH, or `base` in the recipe",
    )


def _read(folder: Path) -> dict[str, Tensor]:
    """The adapter's weights."""
    path = next((folder / name for name in ADAPTER_NAMES if (folder / name).is_file()), None)
    if path is None:
        raise FoldshipError(
            f"{folder}: the adapter's weights are not there",
            expected=" or ".join(ADAPTER_NAMES),
            found=listed(sorted(entry.name for entry in folder.iterdir())),
            fix=checkpoint.COPY,
        )
    state = checkpoint.read_file(path)
    broken = [name for name, tensor in state.items() if not loading.is_finite(tensor)]
    if broken:
        raise FoldshipError(
            f"{path}: weights are no finite numbers",
            found=listed(broken),
            fix="its training diverged, or the file is damaged: adopt another one",
        )
    return state


def _in_base(name: str) -> str:
    """An adapter's weight by the name of what it stands for in its base."""
    return name.replace(".modules_to_save.", ".")


def _outputs(known: Mapping[str, Tensor]) -> int | None:
    """How many outputs the head has that was saved with an adapter; None where its base's own is read."""
    heads = [
        tensor.shape
        for name, tensor in known.items()
        if _LAST.search(_in_base(name)) and ".lora_" not in name
    ]
    return min((shape[0] for shape in heads), default=None)
