from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foldship.projection import bundle
from foldship_kernel.errors import FoldshipError


def test_units_stand_in_the_schedules_order_with_what_is_loaded_for_them(bundle_path: Path) -> None:
    found = bundle.read(bundle_path)
    assert [(unit.name, unit.size, unit.score) for unit in found.units] == [
        ("a fold 0", 1000, 0.30),
        ("b fold 0", 1000, 0.35),
        ("a fold 1", 1000, 0.36),
    ]
    assert found.size == 3600


def test_on_a_gpu_its_own_graphs_are_loaded(tmp_path: Path, manifest: dict[str, Any]) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({**manifest, "accelerator": "gpu"}))
    assert {unit.size for unit in bundle.read(path).units} == {2100}


def test_a_sequence_cut_shorter_costs_less_attention(bundle_path: Path) -> None:
    cost = bundle.read(bundle_path).costs["a"]
    assert cost.flops(100) == pytest.approx(100 * 2000 * 1.03)
    assert cost.flops(100, longest=2) == pytest.approx(100 * (2000 - 3 * 40) * 1.03)
    assert cost.flops(100, longest=50) == cost.flops(100)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schedule",), None, "schedule"),
        (("models", 0, "cost"), None, r"models\.0\.cost"),
        (("models", 1, "cost", "width"), 0, r"models\.1\.cost\.width"),
        (("accelerator",), "tpu", "accelerator"),
    ],
)
def test_a_manifest_without_costs_is_refused_with_the_fix(
    tmp_path: Path, manifest: dict[str, Any], path: tuple[str | int, ...], value: object, message: str
) -> None:
    *above, last = path
    place: Any = manifest
    for key in above:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    (tmp_path / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(FoldshipError, match=message) as error:
        bundle.read(tmp_path / "bundle.json")
    assert "make bundle" in error.value.fix


def test_a_schedule_of_folds_that_are_not_there_is_refused(tmp_path: Path, manifest: dict[str, Any]) -> None:
    manifest["schedule"][1]["fold"] = 7
    (tmp_path / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(FoldshipError, match="b fold 7"):
        _ = bundle.read(tmp_path / "bundle.json").units


@pytest.mark.parametrize("text", ["{", "[]"])
def test_no_manifest_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(FoldshipError, match=r"bundle\.json"):
        bundle.read(tmp_path / "bundle.json")
