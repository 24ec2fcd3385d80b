"""Profiles of machines: how fast they compute, load and read, each figure with its source."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from foldship.config import problems
from foldship.config.base import Positive, Settings
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

SUFFIX = ".yaml"
NAME = r"[a-z0-9][a-z0-9_.-]*"
GPUS = ("t4", "t4x2", "l4")
LOCAL = "local"  # not a file: made of what a rehearsal measured on this machine


class Figure(Settings):
    """One number about a machine.

    Attributes:
        value: the number, in the unit that the profile's key names.
        factor: the true number is believed to lie between value / factor and value * factor.
        source: where it comes from; says so if it is an estimate.
        date: when it was measured or looked up.
    """

    value: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    source: Annotated[str, Field(min_length=1)]
    date: datetime.date


class Measured(Settings):
    """How a profile was measured, where it was.

    Attributes:
        provider: the execution provider that was really obtained.
        onnxruntime: its version.
        hardware: names of the devices.
        flops_per_s: of one device, by length of the sequences in tokens.
    """

    provider: str
    onnxruntime: str
    hardware: tuple[str, ...] = Field(min_length=1)
    flops_per_s: dict[int, Positive]


class Profile(Settings):
    """A machine.

    Attributes:
        description: what it is, for people.
        devices: how many share the tokens of a fold.
        flops_per_s: of one device, for fused encoders: fp16 on a GPU, fp32 on a CPU.
        start_s: seconds from the kernel's start to the first batch that depend on neither rows nor folds.
        load_bytes_per_s: at which a fold's graphs and weights become a session, and files are verified.
        tokens_per_s: at which texts are cleaned, tokenised and counted.
        memory_gib: of one device.
        measured: how this was measured; None for published and estimated figures.
    """

    description: str
    devices: int = Field(ge=1)
    flops_per_s: Figure
    start_s: Figure
    load_bytes_per_s: Figure
    tokens_per_s: Figure
    memory_gib: Figure
    measured: Measured | None = None

    def at_worst(self) -> Profile:
        """The same machine with every figure at the slow end of what is believed of it."""

        def scaled(figure: Figure, exponent: int) -> Figure:
            return figure.model_copy(update={"value": figure.value * figure.factor**exponent})

        return self.model_copy(
            update={
                "flops_per_s": scaled(self.flops_per_s, -1),
                "start_s": scaled(self.start_s, 1),
                "load_bytes_per_s": scaled(self.load_bytes_per_s, -1),
                "tokens_per_s": scaled(self.tokens_per_s, -1),
            }
        )


def find(name: str, own: Path) -> Profile:
    """The profile of this name: one of the user's own in folder `own`, else one that comes along.

    Raises:
        FoldshipError: there is none, or its file cannot be used.
    """
    for folder in (own, _built_in()):
        path = folder / f"{name}{SUFFIX}"
        if path.is_file():
            return parse(path.read_text(encoding="utf-8"), str(path))
    raise FoldshipError(
        f"there is no profile {name!r}",
        expected=f"one of: {', '.join(sorted({*_names(own), *_names(_built_in()), LOCAL}))}",
        fix=f"choose one with PROFILE=..., or measure your own with `make calibrate` (kept in {own})",
    )


def built_in(name: str) -> Profile:
    """A profile that comes along, whatever the user has measured."""
    path = _built_in() / f"{name}{SUFFIX}"
    return parse(path.read_text(encoding="utf-8"), str(path))


def read(path: Path) -> Profile:
    """Read a profile's file.

    Raises:
        FoldshipError: it is missing or no YAML, a key is unknown, or a value is out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="name the profile.yaml that the kernel wrote"
        ) from error
    return parse(text, str(path))


def keep(measured: Path, name: str, own: Path) -> Path:
    """Check a profile that was measured, and store it in folder `own` by name; returns its path.

    Raises:
        FoldshipError: it cannot be used, was not measured, was measured on a processor but is to stand for
            a GPU machine, or the name cannot be one.
    """
    if not re.fullmatch(NAME, name) or name == LOCAL:
        raise FoldshipError(
            f"a profile cannot be named {name!r}",
            expected=f"lower-case letters, digits, '.', '-' and '_'; not '{LOCAL}'",
            fix="choose another name with PROFILE=...",
        )
    found = read(measured)
    if found.measured is None:
        raise FoldshipError(
            f"{measured}: was not measured",
            expected="the profile.yaml that the calibration kernel wrote",
            fix="make that kernel with `make calibrate`, and push it",
        )
    if name in GPUS and found.measured.provider == "CPUExecutionProvider":
        raise FoldshipError(
            f"{measured}: no GPU could be used where it was measured",
            expected=f"a provider other than {found.measured.provider} for the GPU machine {name}",
            found=", ".join(found.measured.hardware),
            fix="ask for a GPU in kernel.yaml, bundle and calibrate again; or keep it by another PROFILE=",
        )
    own.mkdir(parents=True, exist_ok=True)
    path = own / f"{name}{SUFFIX}"
    lines = yaml.safe_dump(found.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    atomic.write_text(path, lines)
    return path


def parse(text: str, where: str) -> Profile:
    """Make a profile of YAML; `where` names it in errors.

    Raises:
        FoldshipError: it is no YAML, a key is unknown, or a value is out of range.
    """
    try:
        return Profile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise FoldshipError(
            f"{where}: no valid YAML", found=str(error), fix="correct the line named"
        ) from error
    except ValidationError as error:
        raise FoldshipError(
            f"{where}: a profile that cannot be used",
            expected=f"the keys {', '.join(Profile.model_fields)}",
            found=problems.listed(error, Profile),
            fix="correct the keys above, or measure it again with `make calibrate`",
        ) from error


def _built_in() -> Traversable:
    return resources.files("foldship.projection") / "profiles"


def _names(folder: Path | Traversable) -> Iterator[str]:
    if folder.is_dir():
        yield from (path.name.removesuffix(SUFFIX) for path in folder.iterdir() if path.name.endswith(SUFFIX))
