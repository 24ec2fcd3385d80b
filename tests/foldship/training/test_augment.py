from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fold_runner
import numpy as np
import pandas as pd
import pytest
from declared import KERNELS, quest

from foldship import competitions
from foldship.config.inputs import Augmentation, Split
from foldship.modelling import reading
from foldship.modelling.backbone import load_tokenizer
from foldship.modelling.store import ModelCard
from foldship.training import augment
from foldship.training.data import RowData
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec


def test_without_a_function_there_is_no_digest_of_one() -> None:
    assert augment.hook_digest(Augmentation()) == ""


class Fold:
    """Training rows of a fold, and what is made of them by a function of this module."""

    def __init__(self, backbone: Path) -> None:
        self.rows = fold_runner.rows(6).iloc[[1, 2, 5]]
        config = fold_runner.experiment(backbone, "full").models["tiny"]
        encoding = reading.encoding_spec(config, load_tokenizer(str(backbone)), quest, 128)
        self.card = ModelCard("tiny", quest, str(backbone), config, encoding, FeatureSpec(), "", "")
        self.tokenizer = backbone / "tokenizer.json"
        encoded, features = reading.read_rows(self.rows, quest, self.tokenizer, encoding, FeatureSpec())
        targets = self.rows[list(quest.targets)].to_numpy(np.float32)
        self.data = RowData(encoded, features, targets, np.array([10, 11, 12]))

    def grown(self, function: str, seed: int = 0) -> RowData:
        return self.with_rows(Augmentation(rows=f"further_rows:{function}"), seed)

    def with_rows(self, augmentation: Augmentation, seed: int = 0) -> RowData:
        config = self.card.config.model_copy(update={"augmentation": augmentation})
        card = replace(self.card, config=config)
        return augment.with_further_rows(self.data, self.rows, card, quest, self.tokenizer, seed)


@pytest.fixture(scope="module")
def fold(tiny_backbone: Path) -> Fold:
    return Fold(tiny_backbone)


def test_further_rows_are_learned_from_in_the_group_of_their_source(fold: Fold) -> None:
    grown = fold.grown("swapped")
    assert len(grown.targets) == 5
    assert grown.groups.tolist() == [10, 11, 12, 12, 10]
    np.testing.assert_array_equal(grown.targets[:3], fold.data.targets)
    np.testing.assert_allclose(grown.targets[3:], 0.5)
    before = len(fold.data.encoded.index)  # readings, of which a row may have several
    np.testing.assert_array_equal(grown.encoded.index[:before], fold.data.encoded.index)
    question, answer = grown.encoded.index[np.searchsorted(grown.encoded.owner, np.arange(5))].T
    assert question[3] == question[2] and question[4] == question[0]  # read once, as before
    assert answer[3] not in grown.encoded.index[:before, 1]


def test_the_generator_is_the_folds_own(fold: Fold) -> None:
    assert fold.grown("noisy", 1).targets[3, 0] == fold.grown("noisy", 1).targets[3, 0]
    assert fold.grown("noisy", 1).targets[3, 0] != fold.grown("noisy", 2).targets[3, 0]


def test_no_further_rows_leave_all_as_it_is(fold: Fold) -> None:
    assert fold.grown("nothing") is fold.data


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("absent", r"no function 'further_rows:absent'"),
        ("of_another_fold", r"made from none of its own[\s\S]*3#x"),
        ("without_mark", r"made from none of its own[\s\S]*'?1'?"),
        ("twice", r"returns an id twice[\s\S]*1#x"),
        ("other_columns", r"other columns[\s\S]*answer"),
        ("out_of_range", r"targets out of range[\s\S]*2\.0"),
        ("missing_target", r"targets out of range"),
        ("no_table", r"returns no table[\s\S]*list"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(fold: Fold, function: str, message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        fold.grown(function)


def test_another_function_makes_another_fold() -> None:
    digest = augment.hook_digest(Augmentation(rows="further_rows:swapped"))
    assert len(digest) == 64
    assert digest != augment.hook_digest(Augmentation(rows="fold_runner:rows"))


def test_a_helper_beside_the_function_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "home_made"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "rows.py").write_text("def make(rows, random): return rows")
    (package / "helper.py").write_text("SHARE = 1")
    monkeypatch.syspath_prepend(tmp_path)
    settings = Augmentation(rows="home_made.rows:make")
    before = augment.hook_digest(settings)
    (package / "helper.py").write_text("SHARE = 2")
    assert augment.hook_digest(settings) != before


def test_the_table_given_is_a_copy(fold: Fold) -> None:
    before = fold.rows.copy()
    fold.grown("spoiling")
    pd.testing.assert_frame_equal(fold.rows, before)


def test_two_columns_are_swapped_but_for_the_targets_that_are_spared(fold: Fold) -> None:
    swap = ("question_title", "answer")
    first = fold.data.targets[0, 0]
    assert (fold.data.targets[1:] != first).all()
    every, some = (
        fold.with_rows(Augmentation(swap=swap, swap_except=spared)) for spared in ((), (float(first),))
    )
    assert every.groups.tolist() == [10, 11, 12, 10, 11, 12]
    assert some.groups.tolist() == [10, 11, 12, 11, 12]
    np.testing.assert_array_equal(every.targets[3:], fold.data.targets)
    card = replace(
        fold.card, config=fold.card.config.model_copy(update={"augmentation": Augmentation(swap=swap)})
    )
    made = augment.swapped(fold.rows, card.config.augmentation, quest)
    assert list(made["question_title"]) == list(fold.rows["answer"])
    assert list(made["answer"]) == list(fold.rows["question_title"])
    assert [str(value).endswith("#swapped") for value in made["qa_id"]] == [True] * 3


def test_columns_to_swap_must_be_read() -> None:
    augment.check(Augmentation(swap=("question_title", "host")), quest)
    with pytest.raises(FoldshipError, match="has no 'url'"):
        augment.check(Augmentation(swap=("question_title", "url")), quest)
    with pytest.raises(ValueError, match="names answer twice"):
        Augmentation(swap=("answer", "answer"))
    with pytest.raises(ValueError, match="swap is not set"):
        Augmentation(swap_except=(0.0,))


bioasq = competitions.get(KERNELS, "bioasq").task


def yes_no_rows() -> pd.DataFrame:
    rows = {
        "id": ["1", "2", "3", "4"],
        "question": ["a?", "b?", "c?", "d?"],
        "snippets": ["one", "two", None, "four"],
        "retrieved": ["ein", "zwei", "drei", None],
        "yes": [1.0, 0.0, 0.0, 0.0],
        "no": [0.0, 1.0, 1.0, 1.0],
    }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in rows.items()}).astype(
        {"yes": float, "no": float}
    )


def test_rows_of_the_rarer_class_are_split_by_their_sources() -> None:
    made = augment.split(yes_no_rows(), Split(columns=("snippets", "retrieved"), classes=("no",)), bioasq)
    assert list(made["id"]) == ["2#snippets", "2#retrieved"]  # of 3 and 4 there is one source only
    assert made[["snippets", "retrieved"]].fillna("").to_numpy().tolist() == [["two", ""], ["", "zwei"]]
    assert made["no"].tolist() == [1.0, 1.0]
    every = augment.split(yes_no_rows(), Split(columns=("snippets", "retrieved")), bioasq)
    assert set(every["id"]) == {"1#snippets", "1#retrieved", "2#snippets", "2#retrieved"}


@pytest.mark.parametrize(
    "split, named",
    [
        (Split(columns=("snippets", "abstracts")), "split.columns: the competition has no 'abstracts'"),
        (Split(columns=("snippets", "retrieved"), classes=("maybe",)), "split.classes"),
    ],
)
def test_columns_and_classes_to_split_by_that_there_are_not(split: Split, named: str) -> None:
    with pytest.raises(FoldshipError) as caught:
        augment.check(Augmentation(split=split), bioasq)
    assert named in str(caught.value)
