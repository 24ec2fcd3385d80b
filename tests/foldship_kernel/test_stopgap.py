from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from foldship_kernel import stopgap

FALLBACK = {"first": {"mean": 0.4, "spread": 0.1}, "second": {"mean": 0.5, "spread": 0.2}}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.json"
    task = {
        "id": "id",
        "template": "sample_submission.csv",
        "submission": {"first": "first", "second": "second"},
    }
    path.write_text(json.dumps({"task": task, "fallback": FALLBACK}))
    return path


def put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "sample_submission.csv").write_bytes(text.encode())


@pytest.mark.parametrize(
    "template",
    [
        "id,second,first\n007,0,0\nx 2,0,0\n3,0,0\n",
        "\ufeffid,second,first\r\n007,0,0\r\nx 2,0,0\r\n3,0,0\r\n\r\n",
        "Unnamed: 0,id,second,first\n0,007,0,0\n1,x 2,0,0\n2,3,0,0\n",
        ",id,second,first\n0,007,0,0\n1,x 2,0,0\n2,3,0,0\n",
        "second,first,id\n0,0,007\n0,0,x 2\n0,0,3\n",
    ],
)
def test_ids_and_columns_are_the_templates_and_no_column_is_constant(
    tmp_path: Path, manifest: Path, template: str
) -> None:
    put(tmp_path / "input" / "competitions" / "slug", template)
    assert stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")
    found = pd.read_csv(tmp_path / "submission.csv", dtype={"id": str})
    assert list(found.columns) == ["id", "second", "first"]
    assert list(found["id"]) == ["007", "x 2", "3"]
    for name, entry in FALLBACK.items():
        assert found[name].nunique() == 3
        assert found[name][0] == pytest.approx(entry["mean"])
        assert found[name].between(entry["mean"] - entry["spread"], entry["mean"] + entry["spread"]).all()


def test_columns_that_nobody_declared_are_kept_as_they_are(tmp_path: Path, manifest: Path) -> None:
    put(tmp_path / "input", "id,other,second,first\n007,y,0,0\nx 2,,0,0\n3,0,0,0\n")
    assert stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")
    found = pd.read_csv(tmp_path / "submission.csv", dtype=str, keep_default_na=False)
    assert list(found.columns) == ["id", "other", "second", "first"]
    assert list(found["other"]) == ["y", "", "0"]


@pytest.mark.parametrize(
    "template",
    ["id,second,first,first\n1,0,0,0\n", "", "id,first\n1,0\n", "id,second,first\n", "id,second,first\n1\n"],
)
def test_a_template_that_does_not_fit_is_left_to_the_proper_reading(
    tmp_path: Path, manifest: Path, template: str
) -> None:
    put(tmp_path / "input" / "slug", template)
    assert not stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")
    assert not (tmp_path / "submission.csv").exists()


def test_a_packed_template_is_read_as_well(tmp_path: Path, manifest: Path) -> None:
    folder = tmp_path / "input" / "slug"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "sample_submission.csv.zip", "w") as archive:
        archive.writestr("sample_submission.csv", "id\tsecond\tfirst\n007\t0\t0\nx 2\t0\t0\n")
    assert stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")
    assert list(pd.read_csv(tmp_path / "submission.csv", dtype={"id": str})["id"]) == ["007", "x 2"]


@pytest.mark.parametrize("content", [b"PAR1\0\0PAR1", b"PK\3\4cut off", b"<html>", b'[{"id": 1}]'])
def test_a_template_that_is_no_table_of_text_is_left_too(
    tmp_path: Path, manifest: Path, content: bytes
) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "sample_submission.csv").write_bytes(content)
    assert not stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")


def test_another_data_sets_template_is_passed_over(tmp_path: Path, manifest: Path) -> None:
    put(tmp_path / "input" / "a", "id,label\n5,0\n")
    put(tmp_path / "input" / "b", "id,second,first\n1,0,0\n2,0,0\n")
    assert stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")
    assert list(pd.read_csv(tmp_path / "submission.csv")["id"]) == [1, 2]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"id,label\n" + b'"' * 7, b"id\n\x00\n"])
def test_an_unreadable_template_of_another_data_set_is_passed_over(
    tmp_path: Path, manifest: Path, content: bytes
) -> None:
    put(tmp_path / "input" / "a", "")
    (tmp_path / "input" / "a" / "sample_submission.csv").write_bytes(content)
    (tmp_path / "input" / "a" / "b" / "sample_submission.csv").mkdir(parents=True)
    put(tmp_path / "input" / "b", "id,second,first\n1,0,0\n2,0,0\n")
    assert stopgap.write(manifest, tmp_path / "input", tmp_path / "submission.csv")


def test_a_file_that_cannot_be_replaced_stays_and_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "submission.csv").mkdir()
    path = tmp_path / "submission.csv"
    with pytest.raises(OSError, match=r"submission\.csv"), stopgap.replacing(path) as stream:
        stream.write("id\n1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["submission.csv"]


def test_without_manifest_or_template_nothing_is_written(tmp_path: Path, manifest: Path) -> None:
    assert not stopgap.write(manifest, tmp_path / "nowhere", tmp_path / "submission.csv")
    assert not stopgap.write(tmp_path / "none.json", tmp_path, tmp_path / "submission.csv")
