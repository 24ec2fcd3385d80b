from __future__ import annotations

import json
from pathlib import Path

import pytest

from foldship_kernel import account

MODELS = [
    {"name": "a", "folds": [{"fold": 0}, {"fold": 2}]},
    {"name": "b", "folds": [{"fold": 0}]},
]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"models": MODELS}))
    return path


def test_every_fold_is_missing_until_it_is_used_or_left_out(manifest: Path) -> None:
    assert account.missing(manifest, {}) == ["a fold 0", "a fold 2", "b fold 0"]
    facts = {"folds_used": ["a fold 2"], "folds_left_out": {"b fold 0": "no time"}}
    assert account.missing(manifest, facts) == ["a fold 0"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"models": [{"name": "a"}]}', '{"models": 3}'])
def test_a_manifest_that_cannot_be_read_names_no_folds(manifest: Path, content: str) -> None:
    manifest.write_text(content)
    assert account.missing(manifest, {}) == []
