from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import package_index
import pytest
import tiny_bundle
from declared import quest

from foldship import receipts
from foldship.digests import code_digest
from foldship_kernel import manifest, parts
from foldship_kernel.errors import FoldshipError

CLIP = {"kind": "clip", "target": quest.targets[0], "low": 0.2, "high": None}


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def archive(folder: Path) -> bytes:
    """All of a folder in one archive: names, contents, modes and times."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(folder, arcname=".")
    return stream.getvalue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tiny_bundle.TinyBundle:
    wheel = package_index.wheel(tmp_path_factory.mktemp("wheels"), "some-1.0-py3-none-any.whl")
    return tiny_bundle.build(
        tmp_path_factory.mktemp("bundle"), models={"second": 1, "first": 2}, steps=[CLIP], wheels=[wheel]
    )


def test_the_manifest_lists_every_other_file_as_it_is(built: tiny_bundle.TinyBundle) -> None:
    loaded = manifest.load(built.dataset / "bundle.json")
    found = contents(built.dataset)
    found.pop("bundle.json")
    assert {entry.path: entry.sha256 for entry in loaded.files} == found
    assert manifest.damage(loaded, parts.alone(built.dataset)) == {}


def test_the_manifest_says_what_the_kernel_needs(built: tiny_bundle.TinyBundle) -> None:
    loaded = manifest.load(built.dataset / "bundle.json")
    assert [(model.name, len(model.folds)) for model in loaded.models] == [("first", 2), ("second", 1)]
    assert loaded.limit_s == 32400
    assert [blend.models for blend in loaded.blends] == [("first",), ("second",), ("first", "second")]
    assert loaded.blends[-1].weights == {"first": 0.5, "second": 0.5}
    assert all(blend.postprocess == (CLIP,) for blend in loaded.blends)
    assert [str(unit) for unit in loaded.schedule] == ["second fold 0", "first fold 0", "first fold 1"]
    assert [model.cost.longest for model in loaded.models] == [64, 64]
    assert [model.cpu_engine for model in loaded.models] == ["onnxruntime"] * 2
    assert loaded.wheels == ("wheels/some-1.0-py3-none-any.whl",)
    for model in loaded.models:
        for fold in model.folds:
            for path in (model.tokenizer, fold.encoder, fold.encoder_cpu, fold.head, *fold.weights):
                assert (built.dataset / path).is_file()


def test_wheels_are_fetched_for_the_engines_that_models_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foldship.shipping import wheelhouse

    asked: list[tuple[object, ...]] = []

    def assemble(*arguments: object) -> wheelhouse.Wheelhouse:
        asked.append(arguments)
        return wheelhouse.Wheelhouse((), (), ())

    monkeypatch.setattr(wheelhouse, "assemble", assemble)
    built = tiny_bundle.build(tmp_path, exported_engine="openvino", wheels=None)
    cache = tmp_path / ".cache"
    assert asked == [(("kaggle-cpu", "local"), cache / "images", "cpu", {"openvino"}, cache / "wheels")]
    assert [model.cpu_engine for model in manifest.load(built.dataset / "bundle.json").models] == ["openvino"]


def test_a_wheel_that_fits_no_image_is_not_shipped(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset)
    wheel = package_index.wheel(tmp_path, "some-1.0-cp310-cp310-manylinux_2_28_x86_64.whl")
    with pytest.raises(FoldshipError, match="fits none of the images") as error:
        tiny_bundle.build(tmp_path, models={"a": 1}, wheels=[wheel], images=["kaggle-cpu"])
    assert error.value.found == "kaggle-cpu, Python 3.12: built for CPython 3.10, the image has 3.12"
    assert contents(built.dataset) == before


def test_an_unknown_image_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="no image 'kaggle-tpu'") as error:
        tiny_bundle.build(tmp_path, models={"a": 1}, images=["kaggle-tpu"])
    assert "kaggle-gpu" in error.value.expected


def test_models_with_the_same_tokenizer_share_one_file(built: tiny_bundle.TinyBundle) -> None:
    assert len(list((built.dataset / "tokenizers").rglob("*.json"))) == 1


def test_the_fallback_is_within_the_range_and_never_constant(built: tiny_bundle.TinyBundle) -> None:
    loaded = manifest.load(built.dataset / "bundle.json")
    assert set(loaded.fallback) == set(quest.targets)
    for entry in loaded.fallback.values():
        assert 0 <= entry["mean"] - entry["spread"] < entry["mean"] + entry["spread"] <= 1


def test_the_code_is_plain_source_and_all_of_it(built: tiny_bundle.TinyBundle, root: Path) -> None:
    source = root / "src" / "foldship_kernel"
    for path in source.rglob("*.py"):
        assert (
            built.dataset / "code" / "foldship_kernel" / path.relative_to(source)
        ).read_bytes() == path.read_bytes()
    assert not list(built.dataset.rglob("__pycache__"))


def test_the_kernel_folder_holds_what_push_needs(built: tiny_bundle.TinyBundle) -> None:
    assert sorted(path.name for path in built.kernel.iterdir()) == ["kernel-metadata.json", "main.py"]
    value = json.loads((built.kernel / "kernel-metadata.json").read_text())
    assert value["enable_internet"] is False
    assert value["dataset_sources"] == ["someone/tiny-bundle"]
    assert value["competition_sources"] == ["google-quest-challenge"]
    assert "@CODE_SHA256@" not in (built.kernel / "main.py").read_text()


def test_two_builds_are_the_same_to_the_byte(tmp_path: Path) -> None:
    one = tiny_bundle.build(tmp_path / "one", models={"a": 2, "b": 1})
    two = tiny_bundle.build(tmp_path / "somewhere" / "else", models={"b": 1, "a": 2})
    assert contents(one.dataset) == contents(two.dataset)
    assert contents(one.kernel) == contents(two.kernel)
    assert archive(one.dataset) == archive(two.dataset)
    assert archive(one.kernel) == archive(two.kernel)


def test_two_builds_in_parts_are_the_same_to_the_byte(tmp_path: Path) -> None:
    def build(folder: Path) -> list[Path]:
        built = tiny_bundle.build(
            folder,
            models={"a": 1, "b": 1},
            width=tiny_bundle.WIDE,
            dataset_limit_gib=tiny_bundle.ONE_WIDE_GIB,
        )
        return [*built.datasets, built.kernel]

    one, two = build(tmp_path / "one"), build(tmp_path / "two")
    assert len(one) == 3
    assert [archive(folder) for folder in one] == [archive(folder) for folder in two]


def test_what_must_not_travel_is_not_bundled(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset), contents(built.kernel)
    card = tmp_path / "weights" / "a" / "model.json"
    value = json.loads(card.read_text())
    card.write_text(json.dumps({**value, "encoding": {**value["encoding"], "made_by": str(tmp_path / "x")}}))
    with pytest.raises(FoldshipError, match=r"dataset/bundle\.json:\d+: a folder of the machine"):
        rebuild(tmp_path)
    assert (contents(built.dataset), contents(built.kernel)) == before


def test_the_manifest_tells_the_licences_and_what_was_saved(built: tiny_bundle.TinyBundle) -> None:
    value = json.loads((built.dataset / "bundle.json").read_text())
    assert [(entry["kind"], entry["name"]) for entry in value["licences"]] == [
        ("code", "foldship"),
        ("weights", "first"),
        ("weights", "second"),
        ("wheel", "some"),
    ]
    assert value["sizes"]["folds"] == 3 and value["sizes"]["saved_by_sharing"] > 0


def test_only_what_is_read_before_the_manifest_is_not_in_it(built: tiny_bundle.TinyBundle) -> None:
    """The code is bound twice: file by file in the manifest, and as a whole in the kernel."""
    listed = {entry.path for entry in manifest.load(built.dataset / "bundle.json").files}
    assert set(contents(built.dataset)) - listed == {"bundle.json"}
    assert code_digest(built.dataset / "code") in (built.kernel / "main.py").read_text()


def test_building_again_leaves_nothing_of_the_earlier_bundle(tmp_path: Path) -> None:
    tiny_bundle.build(tmp_path, models={"a": 2})
    again = tiny_bundle.build(tmp_path, models={"b": 1})
    assert [path.name for path in (again.dataset / "models").iterdir()] == ["b"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "kernel"]


def test_a_full_disk_leaves_the_earlier_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset), contents(built.kernel)
    copy = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        if target.name == "weights.bin":
            target.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(FoldshipError, match="No space left"):
        tiny_bundle.build(tmp_path, models={"b": 1})
    assert (contents(built.dataset), contents(built.kernel)) == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "kernel"]


def rebuild(folder: Path) -> None:
    """Build anew from the export that lies in `folder`, for one model `a`."""
    from foldship.shipping import bundle
    from foldship.shipping.settings import KernelConfig

    bundle.build(
        {"a": folder / "export" / "a"},
        {"a": folder / "weights" / "a"},
        folder / "selection.json",
        folder / "schedule.json",
        KernelConfig(title="Tiny Kernel", dataset_title="Tiny Bundle", competition="some", owner="someone"),
        quest,
        folder / "out",
        main_template=tiny_bundle.TEMPLATE,
        wheels=[],
    )


def test_a_file_damaged_since_its_export_is_not_bundled(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    exported = tmp_path / "export" / "a"
    receipts.write(exported, "inputs", {"files": contents(exported)})
    before = contents(built.dataset), contents(built.kernel)
    rebuild(tmp_path)
    with (exported / "weights.bin").open("r+b") as stream:
        stream.write(b"damage")
    with pytest.raises(FoldshipError, match=r"weights\.bin: damaged") as caught:
        rebuild(tmp_path)
    assert "make bundle" in caught.value.fix
    assert contents(built.dataset) == before[0]


def test_an_exported_file_that_is_gone_names_the_command(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset), contents(built.kernel)
    (tmp_path / "export" / "a" / "weights.bin").unlink()
    with pytest.raises(FoldshipError, match=r"export/a/weights\.bin: gone") as caught:
        rebuild(tmp_path)
    assert "make bundle" in caught.value.fix
    assert (contents(built.dataset), contents(built.kernel)) == before


def test_a_bundle_that_cannot_take_its_place_leaves_both_earlier_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset), contents(built.kernel)
    rename = Path.rename

    def stuck(path: Path, target: Path) -> Path:
        if path.name == ".kernel.part":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(FoldshipError, match="an earlier one is still there"):
        tiny_bundle.build(tmp_path, models={"b": 1})
    assert (contents(built.dataset), contents(built.kernel)) == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "kernel"]


def test_the_earlier_bundle_is_put_back_after_a_build_that_was_killed(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 1})
    before = contents(built.dataset), contents(built.kernel)
    for folder in (built.dataset, built.kernel):
        folder.rename(folder.with_name(f".{folder.name}.old"))
    (tmp_path / "export" / "a" / "weights.bin").unlink()
    with pytest.raises(FoldshipError):
        rebuild(tmp_path)
    assert (contents(built.dataset), contents(built.kernel)) == before


def test_a_blend_of_models_that_were_not_exported_is_refused(tmp_path: Path) -> None:
    from foldship.shipping import bundle
    from foldship.shipping.settings import KernelConfig

    selection, schedule = tmp_path / "selection.json", tmp_path / "schedule.json"
    selection.write_text(json.dumps(tiny_bundle.selected(["absent"])))
    schedule.write_text(json.dumps(tiny_bundle.scheduled({"absent": 1})))
    config = KernelConfig(title="Some Title", dataset_title="Some Data", competition="some")
    with pytest.raises(FoldshipError, match="absent"):
        bundle.build(
            {},
            {},
            selection,
            schedule,
            config,
            quest,
            tmp_path / "out",
            main_template=tiny_bundle.TEMPLATE,
            wheels=[],
        )
    assert not (tmp_path / "out" / "dataset").exists()


def test_a_schedule_of_other_folds_is_refused(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 2})
    before = contents(built.dataset)
    (tmp_path / "schedule.json").write_text(json.dumps(tiny_bundle.scheduled({"a": 1})))
    with pytest.raises(FoldshipError, match="a fold 0, a fold 1") as caught:
        rebuild(tmp_path)
    assert "make bundle" in caught.value.fix
    assert contents(built.dataset) == before


def test_a_model_without_weight_is_not_shipped_and_neither_are_its_blends(tmp_path: Path) -> None:
    tiny_bundle.build(tmp_path, models={"a": 1})
    chosen = tiny_bundle.selected(["a", "b"])
    chosen["weights"] = {"a": 1.0, "b": 0.0}
    (tmp_path / "selection.json").write_text(json.dumps(chosen))
    rebuild(tmp_path)
    loaded = manifest.load(tmp_path / "out" / "dataset" / "bundle.json")
    assert [model.name for model in loaded.models] == ["a"]
    assert [blend.models for blend in loaded.blends] == [("a",)]


def test_a_missing_selection_names_the_command(tmp_path: Path) -> None:
    from foldship.shipping import bundle
    from foldship.shipping.settings import KernelConfig

    config = KernelConfig(title="Some Title", dataset_title="Some Data", competition="some")
    with pytest.raises(FoldshipError, match=r"selection\.json.*\n.*\n.*make bundle"):
        bundle.build(
            {},
            {},
            tmp_path / "selection.json",
            tmp_path / "schedule.json",
            config,
            quest,
            tmp_path / "out",
            main_template=tiny_bundle.TEMPLATE,
            wheels=[],
        )
