from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_bundle

from foldship_kernel import manifest
from foldship_kernel.errors import BundleError, FoldshipError


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = {"a": 2, "b": 1, "c": 1}
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle"), models=models).dataset / "bundle.json"


@pytest.fixture
def value(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def load(value: dict[str, Any], folder: Path) -> manifest.Manifest:
    (folder / "bundle.json").write_text(json.dumps(value))
    return manifest.load(folder / "bundle.json")


def test_a_set_of_models_that_was_fitted_has_its_own_blend(path: Path) -> None:
    loaded = manifest.load(path)
    blend = loaded.blend_for(["c", "a"])
    assert blend.models == ("a", "c")
    assert blend.weights == {"a": 0.5, "c": 0.5}
    assert blend.score == pytest.approx(0.32)


def test_any_other_set_shares_out_the_whole_blends_weights(value: dict[str, Any], tmp_path: Path) -> None:
    whole = value["blends"][-1]
    whole["weights"] = {"a": 0.5, "b": 0.2, "c": 0.3}
    whole["postprocess"] = [{"kind": "clip", "target": "x", "low": 0.1, "high": None}]
    value["blends"] = [value["blends"][0], whole]
    blend = load(value, tmp_path).blend_for({"b": [], "c": []})
    assert blend.weights == pytest.approx({"b": 0.4, "c": 0.6})
    assert list(blend.postprocess) == whole["postprocess"]
    assert blend.score is None


def test_a_blend_of_no_or_unknown_models_is_refused(path: Path) -> None:
    loaded = manifest.load(path)
    for names in ([], ["a", "stranger"]):
        with pytest.raises(FoldshipError, match="cannot be used"):
            loaded.blend_for(names)


def test_a_beginning_of_the_schedule_has_its_score(path: Path) -> None:
    loaded = manifest.load(path)
    units = [str(unit) for unit in loaded.schedule]
    assert units == ["c fold 0", "b fold 0", "a fold 0", "a fold 1"]
    assert loaded.expected_score(units[1::-1]) == loaded.schedule[1].score
    assert loaded.expected_score(units) == loaded.schedule[3].score
    assert loaded.expected_score(units[1:2]) == loaded.blend_for(["b"]).score
    assert loaded.expected_score([]) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.update(format=1), "unknown manifest format"),
        (lambda value: value.pop("schedule"), "incomplete"),
        (lambda value: value["models"][0].pop("cost"), "incomplete"),
        (lambda value: value["models"][0]["cost"].pop("width"), "incomplete"),
        (lambda value: value["blends"].pop(), "no blend of all models"),
    ],
)
def test_what_the_kernel_cannot_work_with_is_refused_with_a_remedy(
    value: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    change(value)
    with pytest.raises(BundleError, match=message) as caught:
        load(value, tmp_path)
    assert "make bundle" in caught.value.fix
