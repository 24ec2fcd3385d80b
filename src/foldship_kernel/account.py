"""Which of the bundle's folds a run has accounted for. Standard library only: the supervisor asks, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def missing(manifest: Path, facts: Mapping[str, Any]) -> list[str]:
    """Folds of the bundle that are neither used nor left out.

    Args:
        manifest: path of `bundle.json`.
        facts: what `foldship.json` holds: "folds_used" and "folds_left_out" name folds as "model fold 0".

    Returns:
        Their names, in the manifest's order; none where it cannot be read, which is reported elsewhere.
    """
    known = {*(facts.get("folds_used") or ()), *(facts.get("folds_left_out") or ())}
    try:
        models = json.loads(manifest.read_text(encoding="utf-8"))["models"]
        names = [name_of(model["name"], fold["fold"]) for model in models for fold in model["folds"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if name not in known]


def status(facts: Mapping[str, Any]) -> str:
    """What became of a run that has ended: "complete", "partial", or "fallback" without any fold.

    Args:
        facts: as `foldship.json` holds them: "folds_used", "folds_left_out", and as "folds_cut" those of the
            used ones that have read sequences shorter than the model was trained on.
    """
    if not facts.get("folds_used"):
        return "fallback"
    return "partial" if facts.get("folds_left_out") or facts.get("folds_cut") else "complete"


def name_of(model: str, fold: int) -> str:
    """What a fold is called in the log and in `foldship.json`."""
    return f"{model} fold {fold}"
