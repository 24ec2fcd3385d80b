"""Whatever happened to valid files: all ids are there, and all rows that are whole are predicted."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from declared import KERNELS
from hypothesis import HealthCheck, given, settings
from odd_files import TASK, Files, odd, predicted, prediction, valid

from foldship import competitions
from foldship_kernel.errors import DataError
from foldship_kernel.lenient import rows as rows_module


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=odd())
def test_rows_that_are_whole_are_predicted_whatever_became_of_the_others(files: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder) / "input")
        submission, _ = predicted(Path(folder) / "input", Path(folder))
        files.check(submission)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=valid())
def test_well_formed_files_need_no_mending(files: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder) / "input")
        submission, mended = predicted(Path(folder) / "input", Path(folder))
        files.check(submission)
        assert not mended


CLEAN = "id,title,body,kind\n" + "".join(f"h{n},title {n},body {n},A\n" for n in range(1, 7))
SAMPLE = "id,score\n" + "".join(f"h{n},0\n" for n in range(1, 7))


def put(folder: Path, test: str | bytes | None, sample: str | bytes | None = SAMPLE) -> Path:
    for name, content in ((TASK.test, test), (str(TASK.template), sample)):
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def said(mended: Sequence[object]) -> str:
    return "\n".join(map(str, mended))


@pytest.mark.parametrize(
    ("test", "what", "whole"),
    [
        (CLEAN.replace("h3,title", 'h3,"title'), "quotes do not pair", "12456"),
        (CLEAN.replace("body 3", '"say ""hi, then').replace("body 5", 'x"'), "too few fields", "1246"),
        (CLEAN.replace("title 3,body 3", '"so \\"it\\" is","a\\"b"'), "backslash", "12456"),
        (CLEAN.replace("body 3", "body 3, and more"), "joined where a text was torn", "12456"),
        (CLEAN.replace(",body 3,A", ""), "too few fields", "12456"),
        (CLEAN.replace("h3,title 3", "h3,title\n3"), "", "12456"),
        (CLEAN.replace("body 3", "bo\0dy 3").replace("h2", "h\x002"), "zero bytes", "123456"),
        (CLEAN.replace("\n", "\r"), "", "123456"),
        (CLEAN.replace(",", ";"), "", "123456"),
        ("sep=,\n" + CLEAN, "above the header", "123456"),
        (CLEAN.replace("id,", "key,", 1), "another one has the ids", "123456"),
        (CLEAN.replace("id,title,body,kind", "ID, Title ,BODY,kind"), "the header has", "123456"),
        (CLEAN.replace("kind\n", "kind,title\n").replace(",A\n", ",A,other\n"), "several times", "123456"),
        (CLEAN[:-10], "", "12345"),
        (CLEAN.encode("utf-16-le"), "UTF-16", "123456"),
        (CLEAN.encode().replace(b"h3", b"h\xff3"), "not UTF-8", "12456"),
    ],
)
def test_odd_test_files(tmp_path: Path, test: str | bytes, what: str, whole: str) -> None:
    submission, mended = predicted(put(tmp_path, test), tmp_path)
    assert what in said(mended)
    assert submission["id"].tolist() == [f"h{n}" for n in range(1, 7)]
    found = submission.set_index("id")["score"].astype(float)
    for n in whole:
        assert found[f"h{n}"] == pytest.approx(prediction(f"title {n}", f"body {n}")), n


@pytest.mark.parametrize("test", [None, "", "id,title,body,kind\n", b"\x00\x00\x00", "\n\n"])
def test_without_any_row_the_samples_ids_get_the_fallback(tmp_path: Path, test: str | bytes | None) -> None:
    submission, mended = predicted(put(tmp_path, test), tmp_path)
    assert submission["id"].tolist() == [f"h{n}" for n in range(1, 7)] and mended
    assert submission["score"].astype(float).tolist() == pytest.approx([0.5] * 6)


def test_without_ids_rows_are_told_by_their_order(tmp_path: Path) -> None:
    test = "".join(line.partition(",")[2] for line in CLEAN.splitlines(keepends=True))
    submission, mended = predicted(put(tmp_path, test), tmp_path)
    assert "told by their order" in said(mended)
    for n in range(1, 7):
        row = submission[submission["id"] == f"h{n}"]
        assert row["score"].astype(float).tolist() == pytest.approx([prediction(f"title {n}", f"body {n}")])


def test_an_encoding_that_the_competition_names(tmp_path: Path) -> None:
    task = dataclasses.replace(TASK, encoding="cp949")
    test = CLEAN.replace("title 2", "한국어 2").replace("h3,", "h3,\udcff").encode("cp949", "surrogateescape")
    submission, mended = predicted(put(tmp_path, test), tmp_path, task)
    assert "not CP949" in said(mended)
    assert float(submission["score"][1]) == pytest.approx(prediction("한국어 2", "body 2"))


def test_each_has_ids_that_the_other_lacks(tmp_path: Path) -> None:
    sample = "id,score\nh9,0\nh2,0\nh1,0\n"
    submission, mended = predicted(put(tmp_path, CLEAN, sample), tmp_path)
    assert submission["id"].tolist() == ["h9", "h2", "h1", "h3", "h4", "h5", "h6"]
    assert float(submission["score"][0]) == pytest.approx(0.5), "the fallback"
    assert "test file lacks" in said(mended) and "written as well" in said(mended)


def test_columns_that_nobody_declared_are_the_samples_own(tmp_path: Path) -> None:
    sample = "id,other,score\nh2,7,0\nh1,8,0\nh3,7,0\n"
    submission, mended = predicted(put(tmp_path, CLEAN, sample), tmp_path)
    assert list(submission.columns) == ["id", "other", "score"]
    assert submission["other"].tolist() == ["8", "7", "7", "7", "7", "7"]
    assert "nobody declared" in said(mended)


def test_a_column_that_no_model_reads_may_be_missing_without_a_word(tmp_path: Path) -> None:
    put(tmp_path, CLEAN.replace(",kind\n", ",sort\n"))
    _, template = TASK.read_test(tmp_path, strict=False, needed=("title", "body"))
    assert not template.mended
    _, template = TASK.read_test(tmp_path, strict=False, needed=("kind",))
    assert "taken as empty" in said(template.mended)


def test_ashore_all_of_this_is_refused(tmp_path: Path) -> None:
    wider = SAMPLE.replace(",", ",x,")
    for test, sample in ((CLEAN[:-3] + '"', SAMPLE), (CLEAN, SAMPLE[:-5]), (CLEAN, wider)):
        with pytest.raises(DataError):
            TASK.read_test(put(tmp_path, test, sample))


def test_another_competitions_files_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "id,review\n1,fine\n", "id,stars\n1,0\n2,0\n")
    with pytest.raises(DataError, match="not odd's files"):
        TASK.read_test(tmp_path, strict=False)
    assert TASK.fit(tmp_path) < TASK.fit(put(tmp_path, CLEAN))


def test_no_more_than_a_piece_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 2)
    rows, _ = TASK.read_test(put(tmp_path, CLEAN.replace("h3,", 'h3,"')), strict=False)
    assert [chunk.index.tolist() for chunk in rows.chunks()] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("case", "rows", "what"),
    [
        ("aboard_onebyte", 50, "not UTF-8"),
        ("aboard_dup_ids", 4, "several times"),
        ("aboard_sample_short", 23, "it lacks"),
        ("aboard_sample_extra_col", 3, "nobody declared"),
    ],
)
def test_inputs_that_were_once_lost(faults: Path, tmp_path: Path, case: str, rows: int, what: str) -> None:
    task = dataclasses.replace(
        TASK,
        texts={"title": "{url_legal}", "body": "{excerpt}"},
        targets=("target",),
        submission={"target": "target"},
        common=(),
    )
    found, template = task.read_test(faults / case, strict=False)
    assert len(found.ids) == len(template.ids) == rows and not template.without_row.any()
    assert what in said(template.mended)


@pytest.mark.parametrize("gone", ["", "sentence", "subject_entity", "object_entity"])
def test_columns_that_are_made_of_odd_rows_are_made_all_the_same(tmp_path: Path, gone: str) -> None:
    klue = competitions.get(KERNELS, "klue_re")
    klue.write_sample(tmp_path)
    path = tmp_path / klue.task.test
    lines = path.read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(gone.encode() or b"-", b"unheard_of")
    lines[2] = lines[2].replace(b"'word'", b"'w\xff\"rd'")
    lines[3] = lines[3][: len(lines[3]) // 2] + b"\n"
    path.write_bytes(b"".join(lines))
    rows, template = klue.task.read_test(tmp_path, strict=False)
    frame = pd.concat(list(rows.chunks()))
    assert list(rows.ids) == list(template.ids) and not template.without_row.any() and template.mended
    assert set(klue.task.normalised(frame)) == set(klue.task.texts)
