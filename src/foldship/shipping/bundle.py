"""Assemble the bundle: what `kaggle datasets create` and `kaggle kernels push` are pointed at.

Same inputs, same bytes, same times and modes. All folders are built beside the old ones and take their place
when they are whole and nothing is in them that must not travel, so a full disk leaves the earlier bundle as
it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata as packages
from pathlib import Path
from types import MappingProxyType
from typing import Any

import foldship_kernel
from foldship import folders
from foldship.mishaps import step
from foldship.shipping import (
    entry,
    inspection,
    licences,
    metadata,
    models,
    parting,
    sizes,
    uniform,
    wheelhouse,
)
from foldship.shipping.inspection.secrets import Machine
from foldship.shipping.settings import KernelConfig
from foldship_kernel import atomic, engines, manifest, parts
from foldship_kernel.errors import FoldshipError
from foldship_kernel.retrieval import index as retrieval
from foldship_kernel.tasks import Task

CODE = Path(foldship_kernel.__file__).parent
# Share of the range that the fallback's columns are spread by at least, so that none is constant.
LEAST_SPREAD = 1e-4


@step("writing the bundle")
def build(
    export_dirs: Mapping[str, Path],
    model_dirs: Mapping[str, Path],
    selection: Path,
    schedule: Path,
    kernel_config: KernelConfig,
    task: Task,
    out: Path,
    *,
    main_template: Path,
    wheels: Sequence[Path] | None = None,
    own_images: Path | None = None,
    backbones: Mapping[str, licences.Backbone] = MappingProxyType({}),
    index: Path | None = None,
) -> dict[str, Any]:
    """Write `out/dataset` and `out/kernel`, and `out/dataset-2` and so on where one dataset cannot hold all.

    Args:
        export_dirs: per model, the folder with `export.json`, graphs and weights.
        model_dirs: per model, the folder with `model.json` and `tokenizer/`.
        selection: `selection.json`, with blends, scores and fallback.
        schedule: `schedule.json`, with the folds in the order to run them, and the models' cost.
        kernel_config: titles, accelerator, limits.
        task: the competition.
        out: folder of the competition's build.
        main_template: the kernel's entry script.
        wheels: wheels to ship, each of which has to fit one of the images; if not given, what the images
            lack, fetched into `out/../.cache/wheels` and proven to install there.
        own_images: folder of the user's own images, and of the locks made for them; if not given,
            `out/../.cache/images`.
        backbones: per model, and for "retrieval", where the backbone comes from; its model card tells the
            licence.
        index: folder of the index of passages, where the task has retrieval.

    Returns:
        What was built, JSON-like: owner, limit, number of parts, sizes in bytes by kind and in all, the
        wheelhouse, and `notes`, what a person should look at.

    Raises:
        FoldshipError: an input is missing, does not fit the others, is too large or must not travel, or the
            disk is full.
    """
    further = parts.places(out / "dataset")
    places = {path.name: path for path in (*reversed(further), out / "dataset", out / "kernel")}
    folders.restore(places["dataset"], places["kernel"], others=further)
    chosen = models.read_json(selection, "run `make bundle` again, it makes the selection first")
    scheduled = models.read_json(schedule, "run `make bundle` again, it makes the schedule first")
    owner = metadata.checked_owner(kernel_config.owner)
    staged = {name: out / f".{name}.part" for name in places}
    try:
        for folder in staged.values():
            shutil.rmtree(folder, ignore_errors=True)
        dataset, kernel = staged["dataset"], staged["kernel"]
        for folder in (dataset, kernel):
            folder.mkdir(parents=True)
        code_sha256 = _copy_code(dataset, main_template)
        shipped = models.copy_models(dataset, export_dirs, model_dirs, chosen, scheduled)
        if index is not None:
            _copy_index(dataset, index)
        images, cache = kernel_config.image_names, out.parent / ".cache"
        own_images = own_images or cache / "images"
        if wheels is None:
            libraries = {engines.library(model["cpu_engine"]) for model in shipped}
            accelerator = kernel_config.accelerator
            house = wheelhouse.assemble(images, own_images, accelerator, libraries, cache / "wheels")
        else:
            house = wheelhouse.given(wheels, images, own_images)
        wheel_paths = [models.copy(path, dataset / "wheels" / path.name, dataset) for path in house.wheels]
        atomic.write_json(
            dataset / metadata.DATASET, metadata.dataset(owner=owner, title=kernel_config.dataset_title)
        )
        files = _listing(dataset)
        models.check_exported(files, export_dirs)
        contents: dict[str, Any] = {
            "format": manifest.FORMAT,
            "competition": task.name,
            "task": asdict(task),
            "accelerator": kernel_config.accelerator,
            "limit_s": kernel_config.limit,
            "models": shipped,
            "fallback": _fallback(task, chosen["fallback"]),
            "blends": models.blends(shipped, chosen),
            "grids": models.grids(shipped, chosen),
            "schedule": models.schedule(shipped, scheduled),
            "wheels": wheel_paths,
            "versions": {
                "foldship": foldship_kernel.__version__,
                "tokenizers": packages.version("tokenizers"),
            },
            "licences": licences.stated(
                [*(model["name"] for model in shipped), *({retrieval.FOLDER} & backbones.keys())],
                backbones,
                house.wheels,
            ),
            "sizes": sizes.saved(dataset, shipped),
            "files": files,
        }
        atomic.write_json(dataset / manifest.FILE_NAME, contents)
        title = kernel_config.dataset_title
        others = [staged[place.name] for place in further]
        divided = parting.divide(dataset, others, contents, owner, title, kernel_config.dataset_limit)
        loaded = manifest.load(dataset / manifest.FILE_NAME)  # what cannot be read back must not be shipped
        entry.write(kernel, main_template, code_sha256)
        atomic.write_json(
            kernel / metadata.KERNEL,
            metadata.kernel(
                owner=owner,
                title=kernel_config.title,
                datasets=loaded.parts.datasets or [metadata.dataset_id(owner, title)],
                competition=kernel_config.competition,
                gpu=kernel_config.accelerator == "gpu",
                machine_shape=kernel_config.machine_shape,
            ),
        )
        made = {name: folder for name, folder in staged.items() if folder.is_dir()}
        inspection.refuse(made, Machine.this(out.resolve().parents[1]))
        for folder in made.values():
            uniform.make(folder)
        gone = [place for name, place in places.items() if name not in made]
        folders.replace({places[name]: folder for name, folder in made.items()}, gone)
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
    return {
        "owner": owner,
        "limit_s": kernel_config.limit,
        "parts": len(divided),
        "notes": licences.worries(contents["licences"]),
        "wheelhouse": house.as_dict(),
        **_sizes([places[name] for name in made]),
    }


def _copy_code(dataset: Path, main_template: Path) -> str:
    for path in sorted(CODE.rglob("*.py")):
        models.copy(path, dataset / "code" / CODE.name / path.relative_to(CODE), dataset)
    return entry.digest(main_template, dataset / "code")


def _copy_index(dataset: Path, index: Path) -> None:
    """Copy the index's own files, those of a search by meaning where it has them."""
    for name in (*retrieval.WORDS, *(name for name in retrieval.MEANING if (index / name).is_file())):
        models.copy(index / name, dataset / retrieval.FOLDER / name, dataset)


def _fallback(task: Task, fitted: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and spread per target, such that mean ± spread are two values within the range."""
    least = LEAST_SPREAD * (task.high - task.low)
    result = {}
    for name in task.targets:
        mean = min(max(fitted[name]["mean"], task.low + least), task.high - least)
        spread = min(max(fitted[name]["spread"], least), mean - task.low, task.high - mean)
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


def _sizes(built: Sequence[Path]) -> dict[str, Any]:
    found: dict[str, int] = {}
    for root in built:
        for path in root.rglob("*"):
            if path.is_file():
                names = path.relative_to(root).parts
                kind = "kernel" if root.name == "kernel" else names[0] if len(names) > 1 else "metadata"
                found[kind] = found.get(kind, 0) + path.stat().st_size
    return {"sizes": dict(sorted(found.items())), "total": sum(found.values())}
