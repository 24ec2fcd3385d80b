"""The models' part of the bundle: graphs, weights, tokenizers, blends and the order of the folds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foldship import receipts
from foldship_kernel import account, manifest
from foldship_kernel.blend import has_share
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import ONNX_RUNTIME

CARD, TOKENIZER, EXPORT = "model.json", "tokenizer/tokenizer.json", "export.json"
GRAPHS = ("encoder", "encoder_cpu", "head")


def copy_models(
    dataset: Path,
    export_dirs: Mapping[str, Path],
    model_dirs: Mapping[str, Path],
    chosen: Mapping[str, Any],
    scheduled: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Copy graphs, weights and tokenizers of all models with a weight; returns the manifest's entries."""
    names = [name for name, weight in sorted(chosen["weights"].items()) if has_share(weight)]
    lacking = [name for name in names if name not in export_dirs or name not in model_dirs]
    if lacking or not names:
        raise FoldshipError(
            "the blend names models that were not exported",
            expected=", ".join(names) or "at least one model with a weight above 0",
            found=", ".join(export_dirs) or "no exported model",
            fix="run `make bundle` again, it exports them first",
        )
    tokenizers: dict[str, str] = {}
    models = []
    for name in names:
        card = read_json(model_dirs[name] / CARD, "run `make train` first")
        exported = read_json(export_dirs[name] / EXPORT, "run `make bundle` again, it exports first")
        source = model_dirs[name] / TOKENIZER
        digest = manifest.sha256(source)
        if digest not in tokenizers:  # models with one tokenizer share what it makes of the rows, too
            tokenizers[digest] = copy(source, dataset / "tokenizers" / name / source.name, dataset)
        copied: dict[str, str] = {}
        for fold in exported["folds"]:
            for file in (*(fold[graph] for graph in GRAPHS), *fold["weights"]):
                if file not in copied:
                    copied[file] = copy(export_dirs[name] / file, dataset / "models" / name / file, dataset)
        models.append(
            {
                "name": name,
                "tokenizer": tokenizers[digest],
                "encoding": card["encoding"],
                "features": card["features"],
                "score": chosen["models"][name]["score"],
                "cost": scheduled["models"][name]["cost"],
                "cpu_engine": exported.get("cpu_engine", ONNX_RUNTIME),
                "folds": [
                    {
                        "fold": fold["fold"],
                        **{graph: copied[fold[graph]] for graph in GRAPHS},
                        "weights": [copied[file] for file in fold["weights"]],
                    }
                    for fold in exported["folds"]
                ],
            }
        )
    return models


def blends(models: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The blends of the models that are shipped."""
    shipped = {model["name"] for model in models}
    keys = ("models", "weights", "ranks", "group_mean", "voting", "postprocess", "score")
    return [
        {key: blend[key] for key in keys if key in blend}
        for blend in chosen["blends"]
        if shipped.issuperset(blend["models"])
    ]


def grids(models: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The quantiles of the models that are shipped, by name; none where no blend is one of quantiles."""
    known = chosen.get("grids", {})
    return {model["name"]: known[model["name"]] for model in models if model["name"] in known}


def schedule(models: Sequence[Mapping[str, Any]], scheduled: Mapping[str, Any]) -> list[Any]:
    """The folds in order.

    Raises:
        FoldshipError: they are not the folds that are shipped.
    """
    shipped = sorted((model["name"], fold["fold"]) for model in models for fold in model["folds"])
    named = sorted((unit["model"], unit["fold"]) for unit in scheduled["units"])
    if named != shipped:
        raise FoldshipError(
            "the schedule does not hold the exported folds",
            expected=_listed(shipped),
            found=_listed(named),
            fix="run `make bundle` again, it makes the schedule anew",
        )
    return list(scheduled["units"])


def _listed(folds: Sequence[tuple[str, int]]) -> str:
    return ", ".join(account.name_of(*fold) for fold in folds)


def check_exported(files: Sequence[Mapping[str, Any]], export_dirs: Mapping[str, Path]) -> None:
    """Check that graphs and weights are to the byte what the export's parity checks ran on."""
    for name, folder in export_dirs.items():
        sealed = receipts.read(folder).get(receipts.FILES, {})
        for path, found in ((Path(file["path"]), file["sha256"]) for file in files):
            if path.parent == Path("models", name) and sealed.get(path.name, found) != found:
                raise FoldshipError(
                    f"{folder / path.name}: damaged since it was exported",
                    expected=f"SHA-256 {sealed[path.name]}",
                    found=found,
                    fix="run `make bundle` again, it exports it anew",
                )


def copy(source: Path, target: Path, root: Path) -> str:
    """Copy a file, and return its path below `root`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.relative_to(root).as_posix()


def read_json(path: Path, fix: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix=fix) from error
    if not isinstance(value, dict):
        raise FoldshipError(f"{path}: holds no JSON object", found=type(value).__name__, fix=fix)
    return value
