from __future__ import annotations

from pathlib import Path

import competing
import pytest


def sample(*ids: str) -> dict[str, list[str]]:
    return {"id": list(ids), "score": ["0.5"] * len(ids)}


@pytest.mark.parametrize(
    ("ids", "notes"),
    [
        (("y", "x"), []),
        (("x",), ["1 ids of test.csv are not asked for"]),
        (("x", "y", "z"), ["1 ids are not in test.csv: z"]),
        (("x", "z"), ["1 ids are not in test.csv: z", "1 ids of test.csv are not asked for"]),
    ],
)
def test_ids_in_one_file_alone_are_said_with_what_the_kernel_makes_of_them(
    ids: tuple[str, ...], notes: list[str], tmp_path: Path
) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, sample=sample(*ids))
    found = competing.matched(competition, folder, needed=False)
    assert not found.refusals
    assert [error.what.partition(": ")[2] for error in found.notes] == notes


def test_a_sample_of_other_rows_altogether_is_refused(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, sample=sample("x_1", "x_2"))
    (error,) = competing.matched(competition, folder, needed=False).refusals
    assert "not one of its ids is in test.csv" in error.what


def test_whole_numbers_that_are_fractions_in_one_file_are_pointed_out(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    test = {"id": ["1", "2"], "text": ["five", "six"]}
    folder = competing.files(tmp_path / "data", competition, test=test, sample=sample("1.0", "2.0"))
    found = competing.matched(competition, folder, needed=False)
    assert not found.refusals
    assert ["fractions" in error.what or "spelt otherwise" in error.what for error in found.notes] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [("one", "1 rows stand in train.csv, too: a"), ("new", "1 ids stand in train.csv, for other")],
)
def test_rows_that_stand_in_the_training_file_are_told_from_numbers_that_begin_anew(
    text: str, what: str, tmp_path: Path
) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    test = {"id": ["a", "y"], "text": [text, "six"]}
    folder = competing.files(tmp_path / "data", competition, test=test, sample=sample("a", "y"))
    (said,) = competing.matched(competition, folder, needed=False).notes
    assert what in said.what
