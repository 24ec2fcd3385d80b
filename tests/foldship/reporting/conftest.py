"""A finished build, as the other stages' files describe it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SELECTION: dict[str, Any] = {
    "weights": {"one": 0.5, "two": 0.5},
    "steps": [{"target": "seldom", "kind": "clip", "low": 0.25, "high": None}],
    "fallback": {},
    "models": {
        "one": {"score": 0.31, "score_without_rare": 0.41},
        "two": {"score": 0.32, "score_without_rare": 0.42},
    },
    "scores": {
        "all": {"columns": 3, "pooled": 0.33, "raw": 0.34, "nested": 0.35},
        "without_rare": {"columns": 2, "pooled": 0.43, "raw": 0.44, "nested": 0.45},
    },
    "folds": [
        {
            "fold": fold,
            "rows": 10 + fold,
            "raw": 0.3,
            "nested": 0.4,
            "raw_without_rare": 0.5,
            "nested_without_rare": None,
        }
        for fold in range(2)
    ],
    "columns": [
        {"target": "often", "pooled": 0.5, "raw": 0.51, "nested": 0.51, "folds": [0.5, 0.52], "step": None},
        {
            "target": "seldom",
            "pooled": 0.2,
            "raw": 0.21,
            "nested": 0.31,
            "folds": [0.21, None],
            "step": {"target": "seldom", "kind": "clip", "low": 0.25, "high": None},
        },
        {"target": "rare", "pooled": None, "raw": None, "nested": None, "folds": [None, None], "step": None},
    ],
    "rows": 21,
    "rare": ["rare"],
    "metric": "spearman",
    "also": {},
    "bands": [],
    "confusion": [],
    "processing": {"minimum_gain": 0.002, "leniency": 2.0, "stability": 0.0},
    "notes": ["two <folds> are missing"],
}
HISTOGRAM = {"edges": [0.0, 0.5, 1.0], "truth": [20, 1], "raw": [15, 6], "processed": [18, 3]}
PARITY: dict[str, Any] = {
    "model": "one",
    "folds": [
        {
            "fold": 0,
            "rows": 64,
            "difference": 2e-3,
            "lowest_spearman": 0.99999,
            "rungs": [
                {"rung": "merged", "difference": 1e-6, "tolerance": 1e-4},
                {"rung": "fp16", "difference": 4e-3, "tolerance": 3e-3},
            ],
            "spearman": {},
        }
    ],
}
SCHEDULE: dict[str, Any] = {
    "rows": 90,
    "models": {},
    "units": [
        {"model": "one", "fold": 0, "seconds": 20.0, "score": 0.31},
        {"model": "two", "fold": 0, "seconds": 30.0, "score": 0.35},
        {"model": "one", "fold": 1, "seconds": 20.0, "score": 0.35},
    ],
    "notes": ["few <rows>"],
}
MANIFEST = {
    "files": [
        {"path": "dataset-metadata.json", "size": 1024, "sha256": ""},
        {"path": "models/one/weights.bin", "size": 3 * 2**20, "sha256": ""},
        {"path": "models/one/encoder.onnx", "size": 2**20, "sha256": ""},
    ],
    "sizes": {
        "folds": 4,
        "fp32_checkpoints": 16 * 2**20,
        "saved_by_fp16": 8 * 2**20,
        "saved_by_sharing": 5 * 2**20,
        "added_for_cpu": 2**20,
    },
    "licences": [
        {
            "what": "some-1.0-py3-none-any.whl",
            "kind": "wheel",
            "name": "some",
            "version": "1.0",
            "licence": "MIT",
            "source": "https://pypi.org/project/some/",
            "files": [],
        },
        {
            "what": "weights and tokenizer of one",
            "kind": "weights",
            "name": "one",
            "version": "",
            "licence": "unknown",
            "source": "a local folder",
        },
    ],
}
VERDICT: dict[str, Any] = {
    "passed": False,
    "checks": {
        "ids": {"passed": True, "seen": "all 10", "remedy": ""},
        "finite": {"passed": False, "seen": "1 NaN", "remedy": "see the log"},
    },
    "isolation": {"mechanism": "unshare"},
    "limits": {},
    "seconds": 12.34,
    "peak_memory_gib": 0.5,
    "phases": {"encode": 1.25},
    "projection": {
        "profile": "t4x2",
        "rows": 3000,
        "seconds": 95.2,
        "seconds_at_worst": 150.4,
        "limit_s": 120.0,
        "margin": 0.187,
        "expected_score": 0.41,
        "fits_memory": True,
        "score_against_time": [
            {"fold": "one fold 0", "seconds": 50.0, "score": 0.4},
            {"fold": "two fold 0", "seconds": 1130.0, "score": None},
        ],
        "measured_error": -0.042,
    },
    "kernel": {},
}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """build/<competition> with all that a report can show."""
    folder = tmp_path / "quest"
    histograms = dict.fromkeys(("often", "seldom", "rare"), HISTOGRAM)
    for path, value in (
        ("selection/selection.json", SELECTION),
        ("selection/receipt.json", {"recipe": "full", "data": "/some/data"}),
        ("selection/distributions.json", histograms),
        ("export/one/parity.json", PARITY),
        ("schedule/schedule.json", SCHEDULE),
        ("dataset/bundle.json", MANIFEST),
        ("simulation/verdict.json", VERDICT),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(value))
    return folder
