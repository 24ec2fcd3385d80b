"""A bundle that lies in several datasets: which file is in which part, and where the parts are mounted.

The first part holds `bundle.json`. Each further one holds whole model folders and a `bundle-part.json`, by
which it is found and which names the bundle that it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foldship_kernel import locate

FILE_NAME = "bundle-part.json"
FORMAT = 1
FIRST, MOST = 1, 20


@dataclass(frozen=True)
class Parts:
    """How a bundle is divided, as `bundle.json` tells it.

    Attributes:
        bundle: what binds the parts: a hash of what the further ones hold; "" for a bundle in one part.
        datasets: "<owner>/<slug>" of every part, in order; () for a bundle in one part.
        of: by path, the part of a file that is not in the first.
    """

    bundle: str = ""
    datasets: tuple[str, ...] = ()
    of: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> Parts:
        """Read what a manifest says; one that says nothing is of a bundle in one part.

        Raises:
            KeyError, TypeError, ValueError: it is malformed.
        """
        stated = manifest.get("parts")
        if stated is None:
            return cls()
        of = {
            file["path"]: int(file["part"]) for file in manifest["files"] if file.get("part", FIRST) != FIRST
        }
        datasets = tuple(stated["datasets"])
        if any(not FIRST <= part <= len(datasets) for part in of.values()):
            raise ValueError(f"a file is in a part that is none of the {len(datasets)}")
        return cls(stated["bundle"], datasets, of)

    @property
    def further(self) -> range:
        """Numbers of the parts beyond the first."""
        return range(FIRST + 1, len(self.datasets) + 1)

    def label(self, part: int) -> dict[str, Any]:
        """Content of a further part's `bundle-part.json`."""
        return {"format": FORMAT, "bundle": self.bundle, "part": part}


@dataclass(frozen=True)
class Files:
    """Where the files of a bundle are.

    Attributes:
        parts: how the bundle is divided.
        folders: folder of each part that is there, by number; the first always is.
        strangers: folders that hold a part, but of another bundle.
    """

    parts: Parts
    folders: Mapping[int, Path]
    strangers: tuple[Path, ...] = ()

    @property
    def root(self) -> Path:
        """The folder of `bundle.json`."""
        return self.folders[FIRST]

    def path(self, relative: str) -> Path:
        """Path of a file that the manifest names. Where its part is missing, a path that does not exist."""
        return self.folders.get(self.parts.of.get(relative, FIRST), self.root) / relative

    def absent(self, relative: str) -> bool:
        """Whether the file is in a part that is missing."""
        return self.parts.of.get(relative, FIRST) not in self.folders

    @property
    def missing(self) -> dict[int, str]:
        """The dataset of each part that is missing, by number."""
        return {
            part: self.parts.datasets[part - 1] for part in self.parts.further if part not in self.folders
        }

    def remedy(self) -> str:
        """What is missing and what to do about it, for people; "" when all parts are there."""
        lines = [
            f"PART {part} OF THE BUNDLE IS MISSING, AND ITS MODELS WITH IT\n"
            f"  fix:      attach dataset {dataset} to the kernel (dataset_sources in kernel-metadata.json)"
            for part, dataset in self.missing.items()
        ]
        if lines and self.strangers:
            lines.append(
                f"  found:    parts of another build in {', '.join(map(str, self.strangers))}: "
                "upload all parts of one build"
            )
        return "\n".join(lines)


def alone(root: Path) -> Files:
    """A bundle in one part."""
    return Files(Parts(), {FIRST: root})


def find(parts: Parts, root: Path, inputs: Path) -> Files:
    """Look for the further parts below a folder, whatever they are mounted as.

    Args:
        parts: how the bundle is divided; one in a single part is not looked for.
        root: the folder of `bundle.json`.
        inputs: folder to search.
    """
    return gather(parts, root, locate.folders(inputs) if parts.further else ())


def gather(parts: Parts, root: Path, candidates: Iterable[Path]) -> Files:
    """The parts among some folders; of two copies of a part, the first."""
    folders, strangers = {FIRST: root}, []
    for folder in candidates:
        found = _label(folder)
        if found is None:
            continue
        part = next((number for number in parts.further if parts.label(number) == found), None)
        if part is None:
            strangers.append(folder)
        else:
            folders.setdefault(part, folder)
    return Files(parts, folders, tuple(strangers))


def places(dataset: Path) -> list[Path]:
    """Where a build puts further parts: `<dataset>-2`, `<dataset>-3` and so on, by number."""
    return [dataset.with_name(f"{dataset.name}-{part}") for part in range(FIRST + 1, MOST + 1)]


def built(dataset: Path) -> list[Path]:
    """The part folders of a built bundle that are there, in order; the first one in any case."""
    return [dataset, *(place for place in places(dataset) if place.is_dir())]


def _label(folder: Path) -> Any:
    """Content of the folder's `bundle-part.json`; None without one that can be read."""
    try:
        return json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
