"""Faults that can be known before training are said before it, whatever part of the way they would stop."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import project
import pytest
import yaml

from foldship.config import load


@pytest.fixture
def root(tiny_backbone: Path, tmp_path: Path) -> Path:
    return project.create(tmp_path / "project", tiny_backbone)


@pytest.fixture
def data(root: Path, tmp_path: Path) -> Path:
    """The sample's files, to be spoilt."""
    folder = tmp_path / "data"
    assert project.here(root, "sample", str(folder)).returncode == 0
    return folder


def column(path: Path, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Change a table's records, the header being the first."""
    with path.open(newline="") as stream:
        records = change(list(csv.reader(stream)))
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(records)


def settings(root: Path, recipe: Mapping[str, Any]) -> None:
    (root / "kernels" / "quest" / "recipes" / "fast.yaml").write_text(yaml.safe_dump(dict(recipe)))


def untouched(root: Path) -> bool:
    """Whether no model was begun."""
    return not [*root.glob("weights/**/*.safetensors"), *root.glob("weights/*/*/model.json")]


def asked(root: Path, data: Path, *options: str, verb: str = "submission") -> str:
    """What a command that is refused says."""
    isolation = () if "--isolation" in options or verb == "train" else ("--isolation", "none")
    result = project.here(root, verb, "--data", str(data), *isolation, *options)
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stderr
    assert untouched(root)
    return result.stderr


def test_everything_that_stands_in_the_way_is_said_at_once(root: Path, data: Path) -> None:
    column(data / "sample_submission.csv", lambda records: [[*record, "0.5"] for record in records])
    column(
        data / "test.csv",
        lambda records: [[cell.replace("category", "kind") for cell in records[0]], *records[1:]],
    )
    (root / "kernels" / "main.py").unlink()
    settings(
        root,
        {
            "folds": {"count": 5000},
            "models": {"tiny": {"towers": [{"segments": ["answer"], "max_tokens": 4096}]}},
            "postprocess": {"kinds": ["offsets"]},
            "blend": {"votes": "hard"},
            "kernel": {"images": ["no-such-image"], "cpu_engine": "onnxruntime"},
        },
    )
    said = asked(
        root, data, "--isolation", "prayer", "--profile", "k80", "--input", "nowhere", "--memory", "0.001"
    )
    for message in (
        "its columns are not those that competition.yaml declares",
        "nobody declared 0.5",
        "test.csv: no column 'category'",
        "INPUT: nowhere is no folder",
        "main.py: cannot be read",
        "too few groups of rows for 5000 folds",
        "postprocess.kinds: offsets",
        "there is no image 'no-such-image'",
        "there is no profile 'k80'",
        "impossible limits",
    ):
        assert message in said, message
    assert "nothing was begun" in said


FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "isolation": ({}, ("--isolation", "prayer"), "unknown isolation 'prayer'"),
    "processors": ({}, ("--cpus", "4096"), "impossible number of processors"),
    "owner": ({"kernel": {"owner": "some one"}}, (), "is no Kaggle user name"),
    "machine": ({"kernel": {"accelerator": "gpu", "machine_shape": "Abacus"}}, (), "machine_shape 'Abacus'"),
    "no CUDA": ({"kernel": {"accelerator": "gpu", "images": ["local"]}}, (), "none of the images has CUDA"),
    "accelerator": ({"kernel": {"accelerator": "abacus"}}, (), "accelerator: Input should be 'cpu' or 'gpu'"),
    "votes": ({"blend": {"votes": "hard"}}, (), "votes: hard is for targets that are classes"),
    "length": (
        {"models": {"tiny": {"towers": [{"segments": ["answer"], "max_tokens": 4096}]}}},
        (),
        "longer than the backbone",
    ),
    "backbone": (
        {"models": {"tiny": {"backbone": "no/such-backbone"}}},
        (),
        "'no/such-backbone' cannot be loaded",
    ),
    "layers": (
        {
            "models": {
                "tiny": {
                    "adapter": None,
                    "stages": [
                        {
                            "train": "full",
                            "epochs": 1,
                            "encoder_lr": 1e-4,
                            "head_lr": 1e-3,
                            "freeze_layers": 9,
                        }
                    ],
                }
            }
        },
        (),
        "freeze_layers: 9 does not fit",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_would_stop_it_later_stops_it_now(name: str, root: Path, data: Path) -> None:
    recipe, options, message = FAULTS[name]
    settings(root, recipe)
    assert message in asked(root, data, *options)


@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1"])
@pytest.mark.parametrize("option", ["--limit", "--memory", "--cpus"])
def test_numbers_that_are_no_limits_are_refused_as_they_are_read(option: str, value: str, root: Path) -> None:
    result = project.here(root, "submission", option, value)
    assert result.returncode == 2
    assert option in result.stderr


def test_a_disk_without_room_for_all_folds_is_said_before_the_first(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foldship.preflight import machine

    monkeypatch.setattr(
        machine.shutil, "disk_usage", lambda _: machine.shutil._ntuple_diskusage(1, 1, 1 << 20)
    )
    assert "too little room on the disk" in asked(root, data)


def test_a_backbone_beyond_the_memory_is_never_loaded(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foldship.cli import asking
    from foldship.training import prepare

    monkeypatch.setattr(asking, "_memory", lambda: 1 << 20)
    monkeypatch.setattr(prepare, "draft", lambda *_: pytest.fail("it was loaded"))
    assert "does not fit into this machine's memory" in asked(root, data, verb="train")


def test_without_a_sandbox_the_remedy_is_said_before_training(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither unshare nor bwrap nor docker
    said = asked(root, data, "--isolation", "auto")
    assert "no sandbox to rehearse in" in said
    assert "ISOLATION=none" in said


def test_training_goes_without_test_files_and_submission_does_not(root: Path, data: Path) -> None:
    for name in ("test.csv", "sample_submission.csv"):
        (data / name).unlink()
    assert "test.csv: no such file" in asked(root, data)
    checked = project.here(root, "check", "--training", "--data", str(data))
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count("note: ") == 2
    assert "nothing stands in the way of a training on 344 rows" in checked.stdout
    assert untouched(root)


def test_wheels_that_cannot_be_had_are_said_before_training(
    root: Path, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for image in (root / "build" / ".cache").glob("image-*"):  # of the sandbox, made without these wheels
        (cache / image.name).symlink_to(image.resolve())
    (root / "build" / ".cache").unlink()
    (root / "build" / ".cache").symlink_to(cache)
    for name in ("PIP_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    assert "cannot be fetched" in asked(root, data)


def test_train_and_adopt_ask_about_the_files_too(root: Path, data: Path) -> None:
    column(data / "sample_submission.csv", lambda records: [[*record, "0.5"] for record in records])
    assert "nobody declared 0.5" in asked(root, data, verb="train")
    recipe = root / "kernels" / "quest" / "recipes" / "adopted.yaml"
    result = project.here(root, "adopt", "--data", str(data), "--model", "other", "runs/fold0")
    assert "nobody declared 0.5" in result.stderr
    assert not recipe.exists()


def test_check_passes_what_a_submission_would_be_made_of(root: Path, data: Path) -> None:
    result = project.here(root, "check", "--data", str(data), "--isolation", "none")
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"nothing stands in the way of a submission on 344 rows of {data}\n")
    assert load.load(root / "kernels" / "quest", "fast").models
    assert untouched(root)


def test_new_points_out_what_does_not_fit_its_own_draft(root: Path, tmp_path: Path) -> None:
    train = tmp_path / "own" / "train.csv"
    train.parent.mkdir()
    texts = [f"some words about number {number}" for number in range(8)]
    rows = [f"a{n},{text},{'pq'[n % 2]},{'xy'[n % 2]}\n" for n, text in enumerate(texts)]
    train.write_text("id,text,shop,label\n" + "".join(rows))
    (train.parent / "test.csv").write_text("id,text,shop\nb1,some other words about it,\n")
    (train.parent / "sample_submission.csv").write_text("id,label\nb1,x\n")
    made = project.here(root, "new", "own", "--from", str(train))
    assert made.returncode == 0, made.stderr
    assert f"look at this: {train.parent / 'test.csv'}: column 'shop' is empty" in made.stdout
