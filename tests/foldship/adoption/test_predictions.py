"""Out-of-fold files in the layouts that people leave them in, found, explained, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import task_of

from foldship.adoption import predictions
from foldship_kernel.errors import DataError
from foldship_kernel.tasks import CLASSES, NUMBERS

IDS = [f"r{number}" for number in (3, 1, 2, 0, 5, 4)]
FOLDS = [0, 1, 0, 1, 0, 1]
RATING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
TRUTH = [0.0, 1.0, 0.0, 1.0, 0.5, 0.5]
SPLIT = pd.DataFrame({"id": IDS, "group": list("abcdef"), "fold": [1, 1, 1, 0, 0, 0]})
Layout = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def plain() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "rating": RATING, "fold": FOLDS})


def read(path: Path, count: int = 2) -> predictions.Predictions:
    truth = pd.DataFrame({"id": IDS, "rating": TRUTH})
    return predictions.read(path, task_of(NUMBERS, "rating"), truth, ["rating"], count, SPLIT)


def written(path: Path, table: pd.DataFrame, *, index: bool = False) -> Path:
    table.to_csv(path, index=index)
    return path


@pytest.mark.parametrize(
    ("layout", "note"),
    [
        (lambda t: t, "folds: 0 to 1"),
        (lambda t: t.sample(frac=1, random_state=0), "folds: 0 to 1"),
        (lambda t: t[["fold", "rating", "id"]], "folds: 0 to 1"),
        (lambda t: t.rename(columns={"id": "qa_id"}), "ids: column 'qa_id' holds them"),
        (lambda t: t.rename(columns={"rating": "pred_rating"}), "columns: pred_rating for rating"),
        (lambda t: t.rename(columns={"rating": "Rating_OOF"}), "columns: Rating_OOF for rating"),
        (lambda t: t.rename(columns={"rating": "yhat"}), "columns: yhat for rating, the only numbers"),
        (lambda t: t.assign(oof_rating=t["rating"], rating=TRUTH), "column 'rating' holds the truth"),
        (lambda t: t.assign(fold=t["fold"] + 1).rename(columns={"fold": "KFold"}), "folds: 1 to 2"),
        (lambda t: t.drop(columns="id"), "taken in the order of the 6 training rows"),
        (lambda t: t.rename(columns={"id": ""}), "a column without a name holds them"),
    ],
)
def test_layouts_are_found_out_and_explained(
    layout: Layout, note: str, plain: pd.DataFrame, tmp_path: Path
) -> None:
    found = read(written(tmp_path / "oof.csv", layout(plain)))
    pd.testing.assert_frame_equal(found.table, plain, check_dtype=False)
    assert found.numbered
    assert any(note in said for said in found.notes), found.notes


def test_a_byte_order_mark_an_index_and_other_line_ends_do_no_harm(
    plain: pd.DataFrame, tmp_path: Path
) -> None:
    text = plain.to_csv(index=True, lineterminator="\r\n")
    (tmp_path / "oof.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    pd.testing.assert_frame_equal(read(tmp_path / "oof.csv").table, plain, check_dtype=False)
    by_position = plain.drop(columns="id").to_csv(index=True)
    (tmp_path / "oof.csv").write_text(by_position)
    pd.testing.assert_frame_equal(read(tmp_path / "oof.csv").table, plain, check_dtype=False)


@pytest.mark.parametrize(
    ("layout", "count", "note"),
    [
        (lambda t: t.drop(columns="fold"), 2, "the file does not name them"),
        (lambda t: t.assign(fold=0), 1, "the file names one only"),
    ],
)
def test_without_folds_the_experiments_own_serve(
    layout: Layout, count: int, note: str, plain: pd.DataFrame, tmp_path: Path
) -> None:
    found = read(written(tmp_path / "oof.csv", layout(plain)), count)
    assert list(found.table["fold"]) == list(SPLIT["fold"])
    assert not found.numbered and any(note in said for said in found.notes)


def test_folds_that_are_not_the_models_only_say_what_belongs_together(
    plain: pd.DataFrame, tmp_path: Path
) -> None:
    found = read(written(tmp_path / "oof.csv", plain.assign(fold=[7, 9, 7, 9, 8, 8])), 1)
    assert list(found.table["fold"]) == [0, 2, 0, 2, 1, 1]
    assert not found.numbered and "the file has 3, and 1 models are adopted" in found.notes[-1]


def test_folds_that_cut_a_group_are_named(plain: pd.DataFrame, tmp_path: Path) -> None:
    truth = pd.DataFrame({"id": IDS, "rating": TRUTH})
    split = SPLIT.assign(group=list("aabbcc"))
    path = written(tmp_path / "oof.csv", plain)
    found = predictions.read(path, task_of(NUMBERS, "rating"), truth, ["rating"], 2, split)
    assert "3 groups of rows are cut, so scores may be too good" in found.notes[-1]


def test_values_a_little_outside_are_moved_as_the_kernel_moves_them(
    plain: pd.DataFrame, tmp_path: Path
) -> None:
    found = read(written(tmp_path / "oof.csv", plain.assign(rating=[-0.1, 1.2, 0.3, 0.4, 0.5, 0.6])))
    assert list(found.table["rating"])[:2] == [0.0, 1.0]
    assert any(note.startswith("2 predictions are moved into 0 to 1") for note in found.notes)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (lambda t: t[:5], r"1 training rows are not in it(.|\n)*r4"),
        (lambda t: t.drop(columns="id")[:5], r"not as many(.|\n)*6 rows(.|\n)*5 rows"),
        (lambda t: pd.concat([t, t[:1]]), r"1 ids stand there more than once(.|\n)*r3"),
        (
            lambda t: t.assign(id=[*IDS[:5], "stranger"]),
            r"1 ids are none of the training rows(.|\n)*stranger",
        ),
        (lambda t: t.rename(columns={"id": "key"}).assign(key=[*IDS[:5], "x"]), r"1 ids are none(.|\n)*x"),
        (
            lambda t: t.assign(rating=[np.nan, *RATING[1:]]),
            r"1 predictions are no finite(.|\n)*'' for rating in row 1",
        ),
        (lambda t: t.assign(rating=["?", *RATING[1:]]), r"'\?' for rating in row 1 \(id r3\)"),
        (lambda t: t.assign(rating=[np.inf, *RATING[1:]]), "no finite numbers"),
        (lambda t: t.assign(rating=[-3.0, *RATING[1:]]), r"far outside(.|\n)*-3 for rating(.|\n)*not logits"),
        (
            lambda t: t.rename(columns={"rating": "one"}).assign(two=0.5),
            r"no column could hold(.|\n)*one, two",
        ),
        (
            lambda t: t.assign(pred_rating=0.5, rating_oof=0.5),
            r"several columns could hold(.|\n)*pred_rating, rating_oof",
        ),
        (lambda t: t.assign(rating=TRUTH), r"no column could hold(.|\n)*repeat the truth"),
        (lambda t: t.assign(fold=[0, 1, 0, 1, 0, 0.5]), r"no number of a fold in row 6"),
        (lambda t: t[:0], "no rows"),
    ],
)
def test_what_can_be_no_prediction_of_these_rows_is_refused(
    layout: Layout, message: str, plain: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read(written(tmp_path / "oof.csv", layout(plain)))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n"1,2\n', b"a,a\n1,2\n"])
def test_a_file_that_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "oof.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"oof\.csv"):
        read(tmp_path / "oof.csv")


CLASS_NAMES = ["no", "yes", "maybe"]
LIKELY = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [1, 0, 0], [0, 1, 0], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4]])


def read_classes(path: Path, labels: list[str]) -> predictions.Predictions:
    hot = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    truth = pd.DataFrame(hot, columns=CLASS_NAMES)
    truth.insert(0, "id", IDS)
    return predictions.read(path, task_of(CLASSES, *CLASS_NAMES), truth, labels, 2, SPLIT)


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (["no", "yes", "maybe"], CLASS_NAMES),
        (["prob_no", "prob_yes", "prob_maybe"], CLASS_NAMES),
        (["p_0", "p_1", "p_2"], CLASS_NAMES),
        (["oof_pred_1", "oof_pred_2", "oof_pred_0"], ["maybe", "no", "yes"]),
    ],
)
def test_probabilities_of_classes_are_found_by_name_or_number(
    columns: list[str], labels: list[str], tmp_path: Path
) -> None:
    table = pd.DataFrame(LIKELY, columns=columns).assign(id=IDS, fold=FOLDS, answer="no")
    found = read_classes(written(tmp_path / "oof.csv", table), labels)
    np.testing.assert_allclose(found.table[CLASS_NAMES], LIKELY)


@pytest.mark.parametrize("table", [np.log(LIKELY + 0.1), LIKELY * 0.5, LIKELY * 2])
def test_what_does_not_sum_to_one_is_no_probability(table: np.ndarray, tmp_path: Path) -> None:
    frame = pd.DataFrame(table, columns=CLASS_NAMES).assign(id=IDS, fold=FOLDS)
    with pytest.raises(DataError, match=r"6 rows hold no probabilities(.|\n)*softmax"):
        read_classes(written(tmp_path / "oof.csv", frame), CLASS_NAMES)


def test_parquet_needs_a_library_or_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "oof.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match=r"oof\.parquet: (no library for Parquet|cannot be read)"):
        read(tmp_path / "oof.parquet")
