"""A bundle's manifest and a kernel's journal, with round numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foldship.projection.profile import Profile

# 8*100 + 4*10*25 + 4*10*5 = 2000 FLOPs a token.
COST = {"layers": 1, "width": 10, "intermediate": 25, "tokens_per_row": 100.0, "longest": 5}
FLOPS = 2000 * 1.03
FIGURE = {"factor": 2.0, "source": "made up", "date": "2026-01-02"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    """Two folds of a model and one of another; 1000 bytes are loaded for each, of 3600 in all."""
    folds = [
        {
            "fold": k,
            "encoder": f"e{k}",
            "encoder_cpu": f"c{k}",
            "head": f"h{k}",
            "weights": ["w"],
        }
        for k in range(2)
    ]
    return {
        "format": 2,
        "accelerator": "cpu",
        "limit_s": 1000.0,
        "models": [
            {"name": "a", "cost": COST, "folds": folds},
            {"name": "b", "cost": {**COST, "tokens_per_row": 200.0}, "folds": folds[:1]},
        ],
        "schedule": [
            {"model": "a", "fold": 0, "seconds": 1.0, "score": 0.30},
            {"model": "b", "fold": 0, "seconds": 2.0, "score": 0.35},
            {"model": "a", "fold": 1, "seconds": 1.0, "score": 0.36},
        ],
        "files": [
            *({"path": path, "size": 100, "sha256": ""} for path in ("c0", "c1", "h0", "h1")),
            {"path": "w", "size": 800, "sha256": ""},
            *({"path": path, "size": 1200, "sha256": ""} for path in ("e0", "e1")),
        ],
    }


@pytest.fixture
def bundle_path(tmp_path: Path, manifest: dict[str, Any]) -> Path:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(manifest))
    return path


@pytest.fixture
def machine() -> Profile:
    """Two devices that do a thousand tokens of COST a second each."""
    figures = {
        "flops_per_s": FLOPS * 1000,
        "start_s": 10,
        "load_bytes_per_s": 100,
        "tokens_per_s": 10_000,
        "memory_gib": 1,
    }
    return Profile.model_validate(
        {
            "description": "made up",
            "devices": 2,
            **{name: {"value": value, **FIGURE} for name, value in figures.items()},
        }
    )


@pytest.fixture
def facts() -> dict[str, Any]:
    """All three folds on 50 rows: 500 tokens a second, 100 bytes a second, 10 s before the first fold."""
    runs = [("a fold 0", 5000), ("b fold 0", 10_000), ("a fold 1", 5000)]
    return {
        "rows": 50,
        "runs": [
            {
                "fold": fold,
                "provider": "CPUExecutionProvider",
                "tokens": tokens,
                "sequences": 100,
                "load_s": 10.0,
                "predict_s": tokens / 500,
                "longest": None,
            }
            for fold, tokens in runs
        ],
        "phases": {"start": 1.0, "runtime": 7.0, "verify": 36.0, "read": 0.5, "encode": 1.0, "predict": 40.0},
        "seconds": 115.5,
    }
