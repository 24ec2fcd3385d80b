"""What is kept of a finished training; part of `train`."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from foldship import receipts, runs, selection
from foldship.cli.context import Context
from foldship.mishaps import step
from foldship.modelling import backbone, library

DETAILS = ("scores", "models", "weights", "blend", "rows", "rare", "notes")


@step("keeping the run")
def keep(context: Context, chosen: Mapping[str, Any], seconds: Mapping[str, float]) -> Path:
    """Keep the run whose models and selection lie in the workspace; its folder.

    Args:
        context: with the settings that were used.
        chosen: `selection.json`.
        seconds: durations of this command's parts.
    """
    folder = context.workspace.selection
    identity = {
        "competition": context.competition.name,
        "config": context.experiment.model_dump(mode="json"),
        "data": data_digest(context.rows),
        "trained": {name: _trained(path) for name, path in context.models.items()},
        "selected": receipts.read(folder).get("inputs"),
    }
    facts = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipe": context.recipe,
        "seeds": {"experiment": context.experiment.seed, "folds": context.experiment.folds.seed},
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "git": git(context.workspace.root),
        "versions": {"python": platform.python_version(), **receipts.versions()},
        "code": receipts.code(),
        "folds": {name: _folds(path) for name, path in context.models.items()},
        **{name: chosen[name] for name in DETAILS},
    }
    truth = context.truth.copy()
    truth.insert(1, "group", context.competition.groups(context.rows).to_numpy())
    tables = {name: folder / name for name in (selection.OUT_OF_FOLD, selection.NESTED)}
    return runs.write(context.workspace.runs, identity, facts, tables, truth)


def data_digest(rows: pd.DataFrame) -> str:
    """Hash of training rows, as models are trained on them."""
    return receipts.digest(rows.to_csv(index=False))


def git(root: Path) -> dict[str, Any] | None:
    """The commit of the project and whether files differ from it; None without git or a repository."""
    try:
        commit, changes = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.strip(), "changed": bool(changes.strip())}


def _trained(folder: Path) -> dict[str, str]:
    card = library.load_card(folder)
    return {
        "fingerprint": card.fingerprint,
        "backbone": card.backbone,
        "backbone_sha256": backbone.fingerprint(card.source),
    }


def _folds(folder: Path) -> list[dict[str, Any]]:
    """What each fold was trained with, which may be longer ago than this run."""
    found = [receipts.read(path) for path in sorted(folder.glob("fold*"))]
    return [{name: receipt.get(name) for name in ("fold", "score", *receipts.MADE_WITH)} for receipt in found]
