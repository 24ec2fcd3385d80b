from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_bundle
from tiny_bundle import ONE_WIDE_GIB, WIDE

from foldship.shipping import parting
from foldship_kernel import manifest, parts
from foldship_kernel.errors import FoldshipError

KIB = 1 << 10


def files(code: int = 0, **models: int) -> list[dict[str, Any]]:
    entries = [{"path": f"models/{name}/weights.bin", "size": size} for name, size in models.items()]
    return [{"path": "code/x.py", "size": code}, *entries]


def test_what_fits_into_one_dataset_is_not_divided() -> None:
    assert parting.plan(files(10, a=40, b=50), 0, 100) == {"a": 1, "b": 1}


def test_large_models_go_first_each_to_the_first_part_with_room() -> None:
    sizes = files(10 * KIB, a=20 * KIB, b=60 * KIB, c=80 * KIB, d=80 * KIB)
    assert parting.plan(sizes, KIB, 100 * KIB) == {"c": 1, "d": 2, "b": 3, "a": 3}


def test_no_part_is_larger_than_the_limit() -> None:
    sizes = files(KIB, **{f"m{number}": 7 * KIB * (number + 1) for number in range(12)})
    placed = parting.plan(sizes, KIB, 90 * KIB)
    held = dict.fromkeys(placed.values(), 0)
    for file in sizes[1:]:
        held[placed[file["path"].split("/")[1]]] += file["size"]
    assert len(held) == max(held) and max(held.values()) <= 90 * KIB


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        (files(code=200 * KIB, a=KIB), "code, wheels and tokenizers"),
        (files(a=KIB, b=200 * KIB), "model b"),
        (files(**{f"m{number}": 60 * KIB for number in range(parts.MOST + 1)}), "found:    21"),
    ],
)
def test_what_cannot_be_divided_is_named_with_the_remedy(sizes: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(FoldshipError) as caught:
        parting.plan(sizes, 0, 100 * KIB)
    assert said in str(caught.value) and "dataset_limit_gib" in caught.value.fix


def build(folder: Path, **config: Any) -> tiny_bundle.TinyBundle:
    config = {"models": {"a": 1, "b": 1}, "dataset_limit_gib": ONE_WIDE_GIB, **config}
    return tiny_bundle.build(folder, width=WIDE, **config)


def test_a_divided_bundle_lies_in_labelled_datasets_with_whole_models(tmp_path: Path) -> None:
    built = build(tmp_path)
    loaded = manifest.load(built.dataset / "bundle.json")
    assert loaded.parts.datasets == ("someone/tiny-bundle", "someone/tiny-bundle-2")
    first, second = built.datasets
    assert sorted(path.name for path in second.iterdir()) == [
        "bundle-part.json",
        "dataset-metadata.json",
        "models",
    ]
    assert json.loads((second / parts.FILE_NAME).read_text()) == loaded.parts.label(2)
    metadata = json.loads((second / "dataset-metadata.json").read_text())
    assert (metadata["title"], metadata["id"]) == ("Tiny Bundle 2", "someone/tiny-bundle-2")
    assert {path.name for path in (first / "models").iterdir()} == {"a"}
    assert {entry.path.split("/")[1] for entry in loaded.files if entry.part == 2} == {"b"}
    files = parts.gather(loaded.parts, first, built.datasets)
    assert manifest.damage(loaded, files) == {}
    for folder in built.datasets:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert size <= ONE_WIDE_GIB * 2**30


def test_further_parts_that_hold_the_same_are_parts_of_the_new_build_too(tmp_path: Path) -> None:
    def label(folder: Path, **config: Any) -> dict[str, Any]:
        return json.loads((build(folder, **config).datasets[1] / parts.FILE_NAME).read_text())

    one = label(tmp_path / "one")
    assert label(tmp_path / "other", limit_s=100.0) == one  # all that changed is in the first part
    assert label(tmp_path / "another", models={"a": 1, "c": 2}) != one


def test_parts_of_an_earlier_build_are_gone(tmp_path: Path) -> None:
    assert len(build(tmp_path).datasets) == 2
    again = build(tmp_path, dataset_limit_gib=1.0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "kernel"]
    assert manifest.load(again.dataset / "bundle.json").parts == parts.Parts()
    assert '"part' not in (again.dataset / "bundle.json").read_text()


def test_a_title_without_room_for_the_parts_number_is_refused(tmp_path: Path) -> None:
    from foldship.shipping.parting import _title

    assert _title("x" * 48, 2) == "x" * 48 + " 2"
    with pytest.raises(FoldshipError, match=r"dataset_title in kernel\.yaml"):
        _title("x" * 49, 2)
