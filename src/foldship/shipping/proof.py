"""Proof, before anything is uploaded, that the wheels install in an image without a network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from foldship.images import compatibility, profile
from foldship.images.profile import Image
from foldship.shipping import resolving
from foldship_kernel import wheels as aboard
from foldship_kernel.errors import FoldshipError

_CHANGE = re.compile(r"^ ([+~-]) ([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Ask:
    """What is to be met, and where.

    Attributes:
        image: its profile.
        python: its Python, as `3.12`.
        wanted: requirements that the image does not meet itself.
        left_out: packages that are left at home although something asks for them.
        gpu: whether the kernel will compute on a GPU there.
    """

    image: Image
    python: str
    wanted: tuple[str, ...]
    left_out: tuple[str, ...]
    gpu: bool


def prove(ask: Ask, wheels: Sequence[Path], shipped: Sequence[Path], where: str) -> None:
    """Check that an image lacks just these wheels, by an installer's plan and by the kernel's own choice.

    Args:
        ask: what is to be met.
        wheels: those that are meant for the image.
        shipped: all that the bundle brings.
        where: names the image in errors.

    Raises:
        FoldshipError: a wheel does not fit, a requirement is not met, something of the image would be
            replaced, or the kernel would unpack other wheels than these.
    """
    for wheel in wheels:
        reason = compatibility.refusal(wheel, ask.image, ask.python)
        if reason:
            raise _failed(where, f"{wheel.name}: {reason}")
    if ask.wanted:
        _installs(ask, wheels, shipped, where)
    chosen = aboard.choose(shipped, gpu=ask.gpu, host=_host(ask.image, ask.python))
    if set(chosen) != set(wheels):
        raise _failed(where, f"the kernel would unpack {_names(chosen)}", expected=_names(wheels))


def _installs(ask: Ask, wheels: Sequence[Path], shipped: Sequence[Path], where: str) -> None:
    with tempfile.TemporaryDirectory(prefix="foldship-wheels-") as name:
        for wheel in shipped:
            (Path(name) / wheel.name).symlink_to(wheel.resolve())
        met, plan = resolving.dry_run(ask.image, ask.python, ask.wanted, ask.left_out, Path(name))
    if not met:
        raise _failed(where, plan)
    changes = _CHANGE.findall(plan)
    replaced = [f"{package} {version}" for sign, package, version in changes if sign != "+"]
    if replaced:
        raise _failed(where, f"{', '.join(replaced)} of the image would be replaced")
    planned = {(canonicalize_name(package), Version(version)) for _, package, version in changes}
    if planned != {parse_wheel_filename(wheel.name)[:2] for wheel in wheels}:
        raise _failed(where, plan, expected=_names(wheels))


def _names(wheels: Iterable[Path]) -> str:
    return ", ".join(sorted(wheel.name for wheel in wheels)) or "nothing"


def _host(image: Image, python: str) -> aboard.Host:
    return aboard.Host(
        python=profile.version(python),
        glibc=image.c_library,
        machine=image.machine,
        has=lambda package: package in image.packages,
    )


def _failed(where: str, found: str, expected: str = "") -> FoldshipError:
    return FoldshipError(
        f"{where}: the wheels do not install offline, so the kernel would fail there",
        expected=expected or "all requirements met, and nothing of the image replaced",
        found=found,
        fix="delete the image's lock if it is one of your own, correct its profile, or change `images`",
    )
