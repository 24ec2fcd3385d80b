"""A bundle that is too large for one dataset is divided: whole models go to further ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foldship import naming
from foldship.shipping import metadata
from foldship_kernel import atomic, manifest, parts
from foldship_kernel.errors import FoldshipError

GIB = 1 << 30
MODELS = "models"
ENTRY_ROOM = 64  # bytes that a divided bundle's manifest may be longer, per file and part
LABEL_ROOM = 4096  # bytes of a further part's own two small files


def plan(files: Sequence[Mapping[str, Any]], manifest_size: int, limit: int) -> dict[str, int]:
    """Assign every model to a part: large ones first, each to the first part with room for it.

    Args:
        files: the manifest's entries of a bundle in one part.
        manifest_size: bytes of the manifest itself.
        limit: most bytes of a part.

    Returns:
        The number of its part by model; nothing but 1 where all fits into one.

    Raises:
        FoldshipError: what is not a model, or one model alone, is too large.
    """
    sizes: dict[str, int] = {}
    first = manifest_size
    for file in files:
        top, _, rest = file["path"].partition("/")
        if top == MODELS:
            name = rest.partition("/")[0]
            sizes[name] = sizes.get(name, 0) + file["size"]
        else:
            first += file["size"]
    if first + sum(sizes.values()) <= limit:
        return dict.fromkeys(sizes, parts.FIRST)
    used = [first + ENTRY_ROOM * (len(files) + parts.MOST)]
    if used[0] > limit:
        raise _too_large("code, wheels and tokenizers, which cannot be divided,", used[0], limit)
    placed = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if LABEL_ROOM + sizes[name] > limit and used[0] + sizes[name] > limit:
            raise _too_large(f"model {name}, which cannot be divided,", sizes[name], limit)
        room = (place for place, size in enumerate(used) if size + sizes[name] <= limit)
        place = next(room, None)
        if place is None:
            place = len(used)
            used.append(LABEL_ROOM)
        used[place] += sizes[name]
        placed[name] = place + 1
    if len(used) > parts.MOST:
        raise FoldshipError(
            "the bundle is too large",
            expected=f"at most {parts.MOST} datasets of {limit / GIB:.4g} GiB",
            found=f"{len(used)}",
            fix="raise dataset_limit_gib in kernel.yaml if Kaggle allows it, or ship fewer models",
        )
    return placed


def divide(
    staged: Path,
    others: Sequence[Path],
    contents: dict[str, Any],
    owner: str,
    title: str,
    limit: int,
) -> dict[int, Path]:
    """Divide a bundle that was written in one part, if it is too large.

    Moves model folders to `others`, labels those, and writes the manifest anew.

    Args:
        staged: the bundle in one part.
        others: folders to make for further parts, as many as there may be.
        contents: of the manifest; entries are added.
        owner: user name on Kaggle.
        title: of the first part's dataset.
        limit: most bytes of a part.

    Returns:
        Folder by number of the part, the first one included.

    Raises:
        FoldshipError: a model alone is too large, or a part's title too long.
    """
    path = staged / manifest.FILE_NAME
    placed = plan(contents["files"], path.stat().st_size, limit)
    count = max(placed.values(), default=parts.FIRST)
    if count == parts.FIRST:
        return {parts.FIRST: staged}
    titles = [_title(title, part) for part in range(parts.FIRST, count + 1)]
    for file in contents["files"]:
        top, _, rest = file["path"].partition("/")
        part = placed[rest.partition("/")[0]] if top == MODELS else parts.FIRST
        if part != parts.FIRST:
            file["part"] = part
    contents["parts"] = {
        "bundle": _bundle_id(contents["files"]),
        "datasets": [metadata.dataset_id(owner, name) for name in titles],
    }
    divided = parts.Parts.from_dict(contents)
    folders = {parts.FIRST: staged}
    for part in divided.further:
        folders[part] = others[part - 2]
        (folders[part] / MODELS).mkdir(parents=True)
        atomic.write_json(folders[part] / parts.FILE_NAME, divided.label(part))
        value = metadata.dataset(owner=owner, title=titles[part - 1])
        atomic.write_json(folders[part] / metadata.DATASET, value)
    for name, part in placed.items():
        if part != parts.FIRST:
            (staged / MODELS / name).rename(folders[part] / MODELS / name)
    if not any((staged / MODELS).iterdir()):
        (staged / MODELS).rmdir()
    atomic.write_json(path, contents)
    return folders


def _bundle_id(files: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 over what the further parts hold: new code alone does not make them parts of another bundle."""
    held = sorted(
        (file["part"], file["path"], file["size"], file["sha256"]) for file in files if "part" in file
    )
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()


def _title(title: str, part: int) -> str:
    try:
        return naming.part_title(title, part)
    except ValueError as error:
        raise FoldshipError(
            "dataset_title in kernel.yaml: too long for a bundle in several datasets",
            expected=f"room for the part's number: at most {naming.LONGEST - len(f' {part}')} characters",
            found=str(error),
            fix="shorten dataset_title",
        ) from error


def _too_large(what: str, size: int, limit: int) -> FoldshipError:
    return FoldshipError(
        f"the bundle is too large: {what} takes {size / GIB:.3g} GiB",
        expected=f"at most {limit / GIB:.4g} GiB (dataset_limit_gib in kernel.yaml)",
        found=f"{size:,} bytes",
        fix="take a smaller backbone or fewer folds; or raise dataset_limit_gib, if Kaggle allows it",
    )
