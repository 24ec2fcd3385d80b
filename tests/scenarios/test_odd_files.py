"""A built bundle over test sets that are odd: the models predict every row that can be found, and exit 0."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
from declared import quest
from tiny_bundle import TinyBundle, run_kernel, write_input

ROWS = 12
COMPETITION = "competitions/google-quest-challenge"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle"), models={"only": 1})


@pytest.fixture(scope="module")
def expected(bundle: TinyBundle, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The submission of the same files as they should be."""
    return play(bundle, tmp_path_factory.mktemp("clean"), lambda folder: None)[0]


def play(
    bundle: TinyBundle, folder: Path, change: Callable[[Path], object]
) -> tuple[pd.DataFrame, dict, str]:
    """Run the kernel on changed files: its submission, what it says of itself, and what it printed."""
    inputs, working = folder / "input", folder / "working"
    competition = write_input(inputs / COMPETITION, ROWS)
    shutil.copytree(bundle.dataset, inputs / "datasets" / "someone" / "tiny-bundle")
    change(competition)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    submission = pd.read_csv(working / "submission.csv", dtype={0: str}, keep_default_na=False)
    return submission, json.loads((working / "foldship.json").read_text()), result.stdout


def edited(name: str, pattern: bytes, by: bytes, count: int = 1) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        changed, found = re.subn(pattern, by, content, count=count)
        assert found
        (folder / name).write_bytes(changed)

    return change


def shortened(name: str, rows: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[: rows + 1]))

    return change


# What is changed, what is said of it, and ids of rows that were not whole.
CASES: dict[str, tuple[Callable[[Path], object], str, set[str]]] = {
    "a byte that is not UTF-8": (edited("test.csv", rb"Step 4", b"Step \xe9 4"), "not UTF-8", {"75"}),
    "a quote that is never closed": (edited("test.csv", rb'"Step 3', b'"Step "3'), "quotes", {"66"}),
    "a row that stands twice": (edited("test.csv", rb"(\n75,[^\n]+)", rb"\1\1"), "several times", set()),
    "a sample that holds three of the rows": (shortened("sample_submission.csv", 3), "it lacks", set()),
    "a column that nobody declared": (
        edited("sample_submission.csv", rb"\n", b",7\n", 99),
        "nobody declared",
        set(),
    ),
    "a file cut off within its last row": (
        edited("test.csv", rb"turn it off[^\n]*\n\Z", b"tu"),
        "too few fields",
        {"138"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_row_that_can_be_found_is_predicted(
    bundle: TinyBundle, expected: pd.DataFrame, tmp_path: Path, case: str
) -> None:
    change, said, not_whole = CASES[case]
    submission, facts, printed = play(bundle, tmp_path, change)
    assert facts["status"] == "complete" and facts["folds_used"] == ["only fold 0"]
    assert "FILES ARE ODD" in printed
    told = [one for one in facts["mended"] if said in one["what"]]
    assert told and told[0]["count"] > 0 and told[0]["first"]
    ids = submission.iloc[:, 0].str.removesuffix(".0")
    assert set(ids) == set(expected["qa_id"])
    whole = ids[~ids.isin(not_whole)]
    found = submission.loc[whole.index, list(quest.targets)].to_numpy()
    wanted = expected.set_index("qa_id").loc[whole, list(quest.targets)].to_numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    damaged = submission[ids.isin(not_whole)][list(quest.targets)].to_numpy()
    assert np.isfinite(damaged).all()


def test_a_column_that_models_read_and_that_is_not_there_counts_as_empty(
    bundle: TinyBundle, expected: pd.DataFrame, tmp_path: Path
) -> None:
    submission, facts, _ = play(bundle, tmp_path, edited("test.csv", b"answer,", b"reply,"))
    assert facts["status"] == "complete" and list(submission["qa_id"]) == list(expected["qa_id"])
    assert any("answer" in one["first"] for one in facts["mended"])


def test_another_competitions_folder_is_not_taken_because_this_one_is_odd(
    bundle: TinyBundle, expected: pd.DataFrame, tmp_path: Path
) -> None:
    def change(folder: Path) -> None:
        edited("test.csv", rb"Step 4", b"Step \xe9 4")(folder)
        other = folder.parent / "another-competition"
        other.mkdir()
        (other / "test.csv").write_text("qa_id,review\n1,fine\n2,bad\n")
        (other / "sample_submission.csv").write_text("qa_id,stars\n1,0\n3,0\n")

    submission, facts, _ = play(bundle, tmp_path, change)
    assert facts["input"].endswith("google-quest-challenge")
    assert list(submission["qa_id"]) == list(expected["qa_id"])
