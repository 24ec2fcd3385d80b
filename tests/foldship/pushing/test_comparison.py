from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship.pushing.comparison import Comparison, compare
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import NUMBERS, Task

TARGETS = ("first", "second")
TASK = Task("some", "id", {"text": "{text}"}, TARGETS, NUMBERS, {name: name for name in TARGETS})


@pytest.fixture
def frame() -> pd.DataFrame:
    values = np.random.default_rng(0).uniform(size=(500, 2))
    table = pd.DataFrame(values, columns=list(TARGETS))
    table.insert(0, "id", [f"row {number}" for number in range(500)])
    return table


def against(tmp_path: Path, one: pd.DataFrame, other: pd.DataFrame) -> Comparison:
    paths = tmp_path / "one.csv", tmp_path / "other.csv"
    for path, table in zip(paths, (one, other), strict=True):
        table.to_csv(path, index=False)
    return compare(*paths, TASK)


def test_rounding_and_the_order_of_rows_do_not_matter(tmp_path: Path, frame: pd.DataFrame) -> None:
    other = frame.copy()
    other["first"] += 1e-3
    found = against(tmp_path, frame, other.iloc[::-1])
    assert found.equal and found.rows == 500
    assert found.largest == pytest.approx(1e-3) and found.apart == 0


def test_a_few_values_on_the_other_side_of_a_threshold_do_not_matter(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    frame["first"] = (frame["first"] > 0.5) * 1.0
    other = frame.copy()
    other.loc[0, "first"] = 1 - other.loc[0, "first"]
    found = against(tmp_path, frame, other)
    assert found.equal and found.largest == 1 and found.apart == pytest.approx(1 / 1000)


def shuffled(column: pd.Series) -> pd.Series:
    return column.sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.mark.parametrize("change", [shuffled, lambda column: column * 0 + 0.5, lambda column: column + 0.1])
def test_other_numbers_are_noticed(
    tmp_path: Path, frame: pd.DataFrame, change: Callable[[pd.Series], pd.Series]
) -> None:
    other = frame.copy()
    other["second"] = change(other["second"])
    assert not against(tmp_path, frame, other).equal


def test_columns_constant_in_both_are_equal(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame["second"] = 0.5
    found = against(tmp_path, frame, frame)
    assert found.equal and list(found.correlations) == ["first"]


def test_other_rows_cannot_be_compared(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(FoldshipError, match=r"other rows(.|\n)*499 of them in both(.|\n)*INPUT="):
        against(tmp_path, frame, frame.replace({"id": {"row 3": "row x"}}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="second"), "second"),
        (lambda table: table.assign(id="the same"), "repeated"),
        (lambda table: table.mask(table == "row 1").fillna({"id": "row 1"}).assign(first=np.nan), "empty"),
        (lambda table: table.assign(first="words"), "words"),
    ],
)
def test_a_file_that_is_no_submission_is_named(
    tmp_path: Path, frame: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(FoldshipError, match=rf"other\.csv(.|\n)*{message}"):
        against(tmp_path, frame, change(frame))
