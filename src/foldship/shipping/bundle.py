"""Assemble the bundle: what `kaggle datasets create` and `kaggle kernels push` are pointed at.

Same inputs, same bytes. Both folders are built beside the old ones and take their place when they are whole,
so a full disk leaves the earlier bundle as it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata as packages
from pathlib import Path
from typing import Any

import foldship_kernel
from foldship import folders, receipts
from foldship.shipping import entry, metadata, wheelhouse
from foldship.shipping.settings import KernelConfig
from foldship_kernel import atomic, manifest, tasks
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks.base import Task

CODE = Path(foldship_kernel.__file__).parent
CARD, TOKENIZER, EXPORT = "model.json", "tokenizer/tokenizer.json", "export.json"
CPU_ENGINE = "onnxruntime"  # unless the export chose another
GRAPHS = ("encoder", "encoder_cpu", "head")
# Share of the range that the fallback's columns are spread by at least, so that none is constant.
LEAST_SPREAD = 1e-4


def build(
    export_dirs: Mapping[str, Path],
    model_dirs: Mapping[str, Path],
    selection: Path,
    kernel_config: KernelConfig,
    competition: str,
    out: Path,
    *,
    main_template: Path,
    wheels: Sequence[Path] | None = None,
) -> dict[str, Any]:
    """Write `out/dataset` and `out/kernel`.

    Args:
        export_dirs: per model, the folder with `export.json`, graphs and weights.
        model_dirs: per model, the folder with `model.json` and `tokenizer/`.
        selection: `selection.json`, with blend weights, post-processing steps and fallback.
        kernel_config: titles, accelerator, limits.
        competition: name of the task aboard.
        out: folder of the competition's build.
        main_template: the kernel's entry script.
        wheels: wheels to ship; if not given, the pinned ones, fetched into `out/../.cache/wheels`.

    Returns:
        What was built, JSON-like: owner, limit, and sizes in bytes by kind and in all.

    Raises:
        FoldshipError: an input is missing or does not fit the others, or the disk is full.
    """
    places = {name: out / name for name in ("dataset", "kernel")}
    folders.restore(*places.values())
    chosen = _read_json(selection, "run `make bundle` again, it makes the selection first")
    task = tasks.get(competition)
    owner = metadata.find_owner(kernel_config.owner)
    staged = {name: out / f".{name}.part" for name in places}
    try:
        for folder in staged.values():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        dataset = staged["dataset"]
        code_sha256 = _copy_code(dataset, main_template)
        models = _copy_models(dataset, export_dirs, model_dirs, chosen)
        if wheels is None:
            engines = {model["cpu_engine"] for model in models}
            wheels = wheelhouse.fetch(out.parent / ".cache" / "wheels", kernel_config.accelerator, engines)
        wheel_paths = [_copy(path, dataset / "wheels" / path.name, dataset) for path in sorted(wheels)]
        atomic.write_json(
            dataset / metadata.DATASET, metadata.dataset(owner=owner, title=kernel_config.dataset_title)
        )
        files = _listing(dataset)
        _check_exported(files, export_dirs)
        contents = {
            "format": manifest.FORMAT,
            "competition": competition,
            "accelerator": kernel_config.accelerator,
            "limit_s": kernel_config.limit,
            "models": models,
            "fallback": _fallback(task, chosen["fallback"]),
            "postprocess": chosen["steps"],
            "wheels": wheel_paths,
            "versions": {
                "foldship": foldship_kernel.__version__,
                "tokenizers": packages.version("tokenizers"),
            },
            "files": files,
        }
        atomic.write_json(dataset / manifest.FILE_NAME, contents)
        manifest.load(dataset / manifest.FILE_NAME)  # what cannot be read back must not be shipped
        entry.write(staged["kernel"], main_template, code_sha256)
        atomic.write_json(
            staged["kernel"] / metadata.KERNEL,
            metadata.kernel(
                owner=owner,
                title=kernel_config.title,
                dataset_title=kernel_config.dataset_title,
                competition=kernel_config.competition,
                gpu=kernel_config.accelerator == "gpu",
                machine_shape=kernel_config.machine_shape,
            ),
        )
        folders.replace({places[name]: folder for name, folder in staged.items()})
    except FileNotFoundError as error:
        raise FoldshipError(
            f"{error.filename}: gone, and it belongs into the bundle; an earlier bundle is still there",
            found=str(error),
            fix="run `make bundle` again, it makes what is missing",
        ) from error
    except OSError as error:
        raise FoldshipError(
            f"{out}: the bundle cannot be written; an earlier one is still there",
            found=str(error),
            fix="free space on the disk, or make the folder writable",
        ) from error
    finally:
        for folder in staged.values():
            shutil.rmtree(folder, ignore_errors=True)
    return {"owner": owner, "limit_s": kernel_config.limit, **_sizes(out / "dataset", out / "kernel")}


def _copy_code(dataset: Path, main_template: Path) -> str:
    for path in sorted(CODE.rglob("*.py")):
        _copy(path, dataset / "code" / CODE.name / path.relative_to(CODE), dataset)
    return entry.digest(main_template, dataset / "code")


def _copy_models(
    dataset: Path, export_dirs: Mapping[str, Path], model_dirs: Mapping[str, Path], chosen: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Copy graphs, weights and tokenizers of all models with a weight; returns the manifest's entries."""
    weights = {name: weight for name, weight in sorted(chosen["weights"].items()) if weight > 0}
    lacking = [name for name in weights if name not in export_dirs or name not in model_dirs]
    if lacking or not weights:
        raise FoldshipError(
            "the blend names models that were not exported",
            expected=", ".join(weights) or "at least one model with a weight above 0",
            found=", ".join(export_dirs) or "no exported model",
            fix="run `make bundle` again, it exports them first",
        )
    tokenizers: dict[str, str] = {}
    models = []
    for name, weight in weights.items():
        card = _read_json(model_dirs[name] / CARD, "run `make train` first")
        exported = _read_json(export_dirs[name] / EXPORT, "run `make bundle` again, it exports first")
        source = model_dirs[name] / TOKENIZER
        digest = manifest.sha256(source)
        if digest not in tokenizers:  # models with one tokenizer share what it makes of the rows, too
            tokenizers[digest] = _copy(source, dataset / "tokenizers" / name / source.name, dataset)
        copied: dict[str, str] = {}
        for fold in exported["folds"]:
            for file in (*(fold[graph] for graph in GRAPHS), *fold["weights"]):
                if file not in copied:
                    copied[file] = _copy(export_dirs[name] / file, dataset / "models" / name / file, dataset)
        models.append(
            {
                "name": name,
                "tokenizer": tokenizers[digest],
                "encoding": card["encoding"],
                "features": card["features"],
                "weight": weight,
                "score": chosen["models"][name]["score"] or 0.0,  # None: nothing to score
                "cpu_engine": exported.get("cpu_engine", CPU_ENGINE),
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


def _check_exported(files: Sequence[Mapping[str, Any]], export_dirs: Mapping[str, Path]) -> None:
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


def _fallback(task: Task, fitted: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and spread per target, such that mean ± spread are two values within the range."""
    least = LEAST_SPREAD * (task.HIGH - task.LOW)
    result = {}
    for name in task.TARGETS:
        mean = min(max(fitted[name]["mean"], task.LOW + least), task.HIGH - least)
        spread = min(max(fitted[name]["spread"], least), mean - task.LOW, task.HIGH - mean)
        result[name] = {"mean": mean, "spread": spread}
    return result


def _listing(dataset: Path) -> list[dict[str, Any]]:
    return [
        {
            "path": path.relative_to(dataset).as_posix(),
            "size": path.stat().st_size,
            "sha256": manifest.sha256(path),
        }
        for path in sorted(dataset.rglob("*"))
        if path.is_file()
    ]


def _copy(source: Path, target: Path, root: Path) -> str:
    """Copy a file, and return its path below `root`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.relative_to(root).as_posix()


def _read_json(path: Path, fix: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix=fix) from error
    if not isinstance(value, dict):
        raise FoldshipError(f"{path}: holds no JSON object", found=type(value).__name__, fix=fix)
    return value


def _sizes(dataset: Path, kernel: Path) -> dict[str, Any]:
    sizes: dict[str, int] = {}
    for root in (dataset, kernel):
        for path in root.rglob("*"):
            if path.is_file():
                parts = path.relative_to(root).parts
                kind = "kernel" if root == kernel else parts[0] if len(parts) > 1 else "metadata"
                sizes[kind] = sizes.get(kind, 0) + path.stat().st_size
    return {"sizes": dict(sorted(sizes.items())), "total": sum(sizes.values())}
