"""A tiny bundle rehearsed in the sandbox, with the image that all tests share."""

from __future__ import annotations

import json
from collections.abc import Container
from pathlib import Path
from typing import Any

import tiny_bundle
from declared import quest

from foldship.rehearsal import Verdict, simulate
from foldship.shipping import wheelhouse

CACHE = tiny_bundle.ROOT / "build" / ".cache"


def wheels(engines: Container[str] = ()) -> tuple[Path, ...]:
    """What the image lacks, for models that run on ONNX Runtime and on `engines`."""
    return wheelhouse.assemble(["local"], CACHE / "images", "cpu", engines, CACHE / "wheels").wheels


def rehearse(
    built: tiny_bundle.TinyBundle, folder: Path, rows: int, memory_gib: float = 4.0
) -> tuple[Verdict, dict[str, Any]]:
    """Rehearse a bundle below `folder`; returns the verdict, and what `verdict.json` holds."""
    verdict = simulate(
        built.kernel,
        built.dataset,
        tiny_bundle.write_input(folder / "input", rows),
        folder / "simulation",
        cache=CACHE,
        competition="google-quest-challenge",
        task=quest,
        limit_s=120.0,
        memory_gib=memory_gib,
        echo=lambda line: None,
    )
    return verdict, json.loads((folder / "simulation" / "verdict.json").read_text(encoding="utf-8"))
