"""What packed the bundle, what pushes it and what unpacks it fit together."""

from __future__ import annotations

import platform
from importlib import metadata

import foldship_kernel
from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally

NAME = "versions"
# The answers that are read here are those of this release; six it imports without saying so.
CLIENT = "2.2.4"
PYTHONS = ("3.11", "3.12")
INSTALL = "run `make train`: it renews the environment; or install what requirements.lock says"
REBUILD = "run `make bundle` again"
TOKENIZERS = "tokenizers"


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    client = _version("kaggle")
    if client != CLIENT:
        tally.fail(f"kaggle {client or 'is missing'} instead of {CLIENT}", INSTALL)
    if _version("six") is None:
        tally.fail("six is missing, which kaggle needs", INSTALL)
    python = ".".join(platform.python_version_tuple()[:2])
    if python not in PYTHONS:
        tally.fail(f"Python {python} instead of {' or '.join(PYTHONS)}", INSTALL)
    tally.well(f"kaggle {client}, Python {python}")
    made_by = push.bundle.versions.get("foldship")
    if made_by != foldship_kernel.__version__:
        tally.fail(f"bundled by foldship {made_by}, this is {foldship_kernel.__version__}", REBUILD)
    tally.well(f"bundled by foldship {made_by}")
    _tokenizers(tally, push)
    return tally.finding()


def _tokenizers(tally: Tally, push: Evidence) -> None:
    """Releases of tokenizers that differ in more than the last number may cut texts in another way."""
    ashore = push.bundle.versions.get(TOKENIZERS, "")
    for name, image in push.images.items():
        aboard = image.packages.get(TOKENIZERS)
        if aboard is not None and _series(aboard) != _series(ashore):
            tally.warn(
                f"rows were tokenised by {TOKENIZERS} {ashore}, {name} has {aboard}",
                f"install {TOKENIZERS} {aboard}, train and bundle again; or see that the comparison passes",
            )
    tally.well(f"{TOKENIZERS} {ashore} here and aboard")


def _series(version: str) -> list[str]:
    return version.split(".")[:2]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
