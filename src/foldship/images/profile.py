"""Profiles of images: what a kernel finds where it runs, before the bundle brings anything."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from packaging.utils import canonicalize_name
from pydantic import Field, ValidationError, field_validator, model_validator

from foldship.config import problems
from foldship.config.base import Positive, Settings
from foldship_kernel.errors import FoldshipError

SUFFIX = ".yaml"
NAME = r"[a-z0-9][a-z0-9_.-]*"

PythonVersion = Annotated[str, Field(pattern=r"^3\.\d+$")]


class Accelerator(Settings):
    """Devices of one kind.

    Attributes:
        name: as the driver calls it.
        count: how many there are.
        memory_gib: of one.
    """

    name: str
    count: int = Field(ge=1)
    memory_gib: Positive


class Limits(Settings):
    """What a run may use.

    Attributes:
        ram_gib: memory of the machine; None if not known.
        working_gib: most that /kaggle/working can hold; None if not known.
    """

    ram_gib: Positive | None = None
    working_gib: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_hours(cls, value: Any) -> Any:
        """Images that were kept earlier name the longest run; that is the competition's to say."""
        return {key: value[key] for key in value if key != "hours"} if isinstance(value, dict) else value


class Image(Settings):
    """An image.

    Attributes:
        description: what it is, for people.
        source: where all this comes from; says what of it is not confirmed.
        date: when it was looked up or printed.
        pythons: versions of Python that it may have, as `3.12`.
        implementation: the kind of Python.
        abiflags: letters that its ABI tag ends with, such as `t` of a free-threaded build.
        machine: the processors' architecture.
        glibc: version of the C library, as `2.35`.
        cuda: major version of the CUDA libraries; None without any.
        packages: version by name of what is installed; names are in their canonical form.
        accelerators: its devices.
        limits: of a run.
    """

    description: str
    source: Annotated[str, Field(min_length=1)]
    date: datetime.date
    pythons: tuple[PythonVersion, ...] = Field(min_length=1)
    implementation: Literal["cpython"] = "cpython"
    abiflags: str = ""
    machine: str
    glibc: Annotated[str, Field(pattern=r"^2\.\d+$")]
    cuda: Annotated[int, Field(ge=1)] | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    accelerators: tuple[Accelerator, ...] = ()
    limits: Limits = Limits()

    @field_validator("packages")
    @classmethod
    def _canonical_names(cls, packages: dict[str, str]) -> dict[str, str]:
        return dict(sorted((str(canonicalize_name(name)), packages[name]) for name in packages))

    @property
    def c_library(self) -> tuple[int, int]:
        """Version of glibc, (major, minor)."""
        major, minor = self.glibc.split(".")
        return int(major), int(minor)


def version(python: str) -> tuple[int, int]:
    """(major, minor) of a version as `3.12`."""
    major, minor = python.split(".")
    return int(major), int(minor)


def find(name: str, own: Path) -> Image:
    """The image of this name: one of the user's own in folder `own`, else one that comes along.

    Raises:
        FoldshipError: there is none, or its file cannot be used.
    """
    for folder in (own, built_in()):
        path = folder / f"{name}{SUFFIX}"
        if path.is_file():
            return parse(path.read_text(encoding="utf-8"), str(path))
    raise FoldshipError(
        f"there is no image {name!r}",
        expected=f"one of: {', '.join(sorted({*_names(own), *_names(built_in())}))}",
        fix=f"correct `images` in kernel.yaml, or keep one of your own with `make image` (in {own})",
    )


def read(path: Path) -> Image:
    """Read an image's file.

    Raises:
        FoldshipError: it is missing or no YAML, a key is unknown, or a value cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="name the file of an image's profile"
        ) from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Image:
    """Make an image of YAML; `where` names it in errors.

    Raises:
        FoldshipError: it is no YAML, a key is unknown, or a value cannot be used.
    """
    try:
        return validate(yaml.safe_load(text), where)
    except yaml.YAMLError as error:
        raise FoldshipError(
            f"{where}: no valid YAML", found=str(error), fix="correct the line named"
        ) from error


def validate(value: Any, where: str) -> Image:
    """Make an image of a JSON-like value; `where` names it in errors.

    Raises:
        FoldshipError: a key is unknown or missing, or a value cannot be used.
    """
    try:
        return Image.model_validate(value)
    except ValidationError as error:
        raise FoldshipError(
            f"{where}: an image that cannot be used",
            expected=f"the keys {', '.join(Image.model_fields)}",
            found=problems.listed(error, Image),
            fix="correct the keys above, or print and keep it again with `make image`",
        ) from error


def built_in() -> Traversable:
    """Folder of the images that come along."""
    return resources.files("foldship.images") / "data"


def _names(folder: Path | Traversable) -> Iterator[str]:
    if folder.is_dir():
        yield from (path.name.removesuffix(SUFFIX) for path in folder.iterdir() if path.name.endswith(SUFFIX))
