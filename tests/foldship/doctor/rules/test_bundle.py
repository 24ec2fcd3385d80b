from __future__ import annotations

import json

import pytest
import tiny_bundle
from doctor_stage import DoctorStage

from foldship.doctor import Level
from foldship.doctor.rules import bundle

ENCODER = "dataset/models/tiny/encoder-fold0.onnx"


def test_whole(stage):
    found = stage.ask(bundle)
    assert found.level is Level.PASSED
    assert "all whole" in found.seen


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda root: (root / ENCODER).unlink(), "encoder-fold0.onnx: missing"),
        (lambda root: (root / ENCODER).write_bytes(b"?"), "1 bytes instead of"),
        (
            lambda root: (root / ENCODER).write_bytes(bytes(reversed((root / ENCODER).read_bytes()))),
            "its SHA-256 differs",
        ),
        (lambda root: (root / "dataset/.env").write_text("x"), "not in bundle.json: .env"),
        (lambda root: (root / "dataset/bundle.json").unlink(), "bundle.json: the manifest cannot be read"),
        (lambda root: (root / "dataset/bundle.json").write_text("{}"), "unknown manifest format"),
        (
            lambda root: (root / "dataset/dataset-metadata.json").unlink(),
            "dataset-metadata.json is not there",
        ),
        (lambda root: (root / "kernel/main.py").unlink(), "main.py cannot be read"),
        (lambda root: (root / "kernel/kernel-metadata.json").write_text("[]"), "holds no mapping"),
        (lambda root: (root / "kernel/kernel-metadata.json").write_text("{"), "cannot be read"),
    ],
)
def test_not_whole(stage, spoil, seen):
    spoil(stage.evidence.root)
    stage.change()
    found = stage.ask(bundle)
    assert found.level is Level.FAILED
    assert seen in found.seen
    assert "make bundle" in found.remedy


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ('CODE_SHA256 = "', 'CODE = "', "names no code"),
        ('CODE_SHA256 = "', 'CODE_SHA256 = "0', "names no code"),
    ],
)
def test_a_script_that_is_not_bound(stage, old, new, seen):
    main = stage.evidence.kernel / "main.py"
    main.write_text(main.read_text().replace(old, new))
    assert seen in stage.ask(bundle).seen


def test_a_script_of_another_build(stage):
    main = stage.evidence.kernel / "main.py"
    text = main.read_text()
    place = text.index('CODE_SHA256 = "') + len('CODE_SHA256 = "')
    main.write_text(text[:place] + "0" * 64 + text[place + 64 :])
    found = stage.ask(bundle)
    assert found.level is Level.FAILED
    assert "belongs to other code" in found.seen


def test_all_parts_are_there_and_of_one_build(tmp_path):
    # The two models' weights are of about a megabyte each.
    built = tiny_bundle.build(tmp_path / "made", models={"one": 1, "two": 1}, dataset_limit_gib=2.5e6 / 2**30)
    parts = sorted(built.dataset.parent.glob("dataset*"))
    assert len(parts) > 1
    stage = DoctorStage(built, tmp_path / "project")
    for part in parts[1:]:
        part.rename(stage.evidence.root / part.name)
    folders = tuple(stage.evidence.root / part.name for part in parts)
    stage.change(datasets=folders)
    assert stage.ask(bundle).level is Level.PASSED
    label = folders[1] / "bundle-part.json"
    label.write_text(json.dumps({**json.loads(label.read_text()), "bundle": "of yesterday"}))
    found = stage.ask(bundle)
    assert found.level is Level.FAILED
    assert "part 2 of the bundle (someone/tiny-bundle-2) is not of this build" in found.seen
    stage.change(datasets=folders[:1])
    assert stage.ask(bundle).level is Level.FAILED
