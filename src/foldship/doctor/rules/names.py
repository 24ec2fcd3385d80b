"""Titles, slugs and sources are as Kaggle takes them, and belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from foldship import naming
from foldship.doctor.evidence import DATASET, KERNEL, Evidence
from foldship.doctor.finding import Finding, Tally

NAME = "names"
RENAME = "correct title, dataset_title or owner in kernel.yaml, and run `make bundle` again"
REBUILD = "run `make bundle` again"


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    _named(tally, KERNEL, push.metadata)
    for metadata in push.dataset_metadata:
        _named(tally, DATASET, metadata)
    sources = list(push.metadata.get("dataset_sources", ()))
    if sources != list(push.refs):
        tally.fail(
            f"the kernel asks for {', '.join(sources) or 'no dataset'}, the bundle is {', '.join(push.refs)}",
            REBUILD,
        )
    attached = list(push.metadata.get("competition_sources", ()))
    if len(attached) != 1:
        tally.fail(
            f"the kernel asks for {len(attached)} competitions instead of one",
            f"set competition in kernel.yaml, and {REBUILD}",
        )
    for file, ref in _shared(push):
        tally.warn(f"{file} makes {ref} of its title, too: each push would replace the other's", RENAME)
    tally.well(f"{push.metadata.get('id')} with {', '.join([*sources, *attached])}")
    return tally.finding()


def _named(tally: Tally, file: str, metadata: Mapping[str, Any]) -> None:
    owner, _, name = str(metadata.get("id", "")).partition("/")
    title = str(metadata.get("title", ""))
    try:
        if owner != naming.UNKNOWN_OWNER:  # the rule 'owner' tells
            naming.check_owner(owner)
        wanted = naming.slug(title)
    except ValueError as error:
        tally.fail(f"{file}: {error}", RENAME)
        return
    if name != wanted:
        tally.fail(f"{file}: Kaggle makes the name {wanted} of title '{title}', not {name}", REBUILD)


def _shared(push: Evidence) -> Iterator[tuple[str, str]]:
    """Other competitions of this project whose titles make the same names, such as by capitals alone."""
    ours = {"title": {str(push.metadata.get("id"))}, "dataset_title": set(push.refs)}
    for path in sorted((push.root / "kernels").glob("*/kernel.yaml")):
        if path.parent.name == push.kernel.parent.name:
            continue
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
            slugs = {key: naming.slug(str(settings[key])) for key in ours}
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):  # said when that one is bundled
            continue
        for key, refs in ours.items():
            for ref in refs:
                if ref.partition("/")[2] == slugs[key]:
                    yield f"kernels/{path.parent.name}/kernel.yaml", ref
