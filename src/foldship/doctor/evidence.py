"""What is known before a push: the bundle, its rehearsal, the images and the account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from foldship.doctor.account import Account
from foldship.doctor.finding import UnaskedError
from foldship.images.profile import Image
from foldship_kernel import manifest
from foldship_kernel.errors import BundleError
from foldship_kernel.manifest import Manifest

KERNEL, DATASET = "kernel-metadata.json", "dataset-metadata.json"
VERDICT, SUBMISSION = "verdict.json", "submission.csv"
BUNDLE, REHEARSED = "bundle", "rehearsed"  # the rules that fail when a file cannot be read


@dataclass(frozen=True)
class Evidence:
    """A push that is about to be made.

    Attributes:
        root: the project's folder.
        kernel: folder with `kernel-metadata.json` and the code file.
        datasets: the bundle's dataset folders, the one with `bundle.json` first.
        rehearsal: folder with `verdict.json` and `submission.csv`.
        sample: folder of the generated sample data, whether it is there or not.
        images: by name, the images that the wheels are meant for.
        dataset_limit: most bytes of a dataset.
        submitting: whether the run is to be submitted to the competition.
        account: on Kaggle.
    """

    root: Path
    kernel: Path
    datasets: tuple[Path, ...]
    rehearsal: Path
    sample: Path
    images: Mapping[str, Image]
    dataset_limit: int
    submitting: bool
    account: Account

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """Content of `kernel-metadata.json`; raises UnaskedError if it cannot be read."""
        return _read(self.kernel / KERNEL, BUNDLE)

    @cached_property
    def dataset_metadata(self) -> tuple[Mapping[str, Any], ...]:
        """Content of each dataset's metadata; raises UnaskedError if one cannot be read."""
        return tuple(_read(folder / DATASET, BUNDLE) for folder in self.datasets)

    @cached_property
    def bundle(self) -> Manifest:
        """The manifest; raises UnaskedError if it cannot be read."""
        try:
            return manifest.load(self.datasets[0] / manifest.FILE_NAME)
        except BundleError as error:
            raise UnaskedError(": ".join(filter(None, (error.what, error.found))), BUNDLE) from error

    @cached_property
    def verdict(self) -> Mapping[str, Any]:
        """Content of the rehearsal's `verdict.json`; raises UnaskedError if it cannot be read."""
        return _read(self.rehearsal / VERDICT, REHEARSED)

    @property
    def code(self) -> Path:
        """The kernel's script."""
        return self.kernel / str(self.metadata.get("code_file", "main.py"))

    @property
    def refs(self) -> tuple[str, ...]:
        """Every dataset's owner/slug, in order."""
        return tuple(str(metadata.get("id", "")) for metadata in self.dataset_metadata)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of every dataset, in order; their metadata is not uploaded."""
        return tuple(
            sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != DATASET)
            for folder in self.datasets
        )


def _read(path: Path, rule: str) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnaskedError(f"{path} is not there", rule) from error
    except (OSError, ValueError) as error:
        raise UnaskedError(f"{path} cannot be read: {error}", rule) from error
    if not isinstance(value, dict):
        raise UnaskedError(f"{path} holds no mapping", rule)
    return value
