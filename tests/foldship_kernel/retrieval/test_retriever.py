from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clock import Clock
from numpy.typing import NDArray

from foldship_kernel.errors import BundleError
from foldship_kernel.retrieval import RETRIEVED, RetrievalSpec, index
from foldship_kernel.retrieval.index import Index
from foldship_kernel.retrieval.retriever import Retriever

PASSAGES = [
    ("a/1", "Fentanyl deaths rose sharply."),
    ("a/2", "Chest wall rigidity was seen after fentanyl."),
    ("b/1", "Cats and dogs were studied."),
]
ROWS = pd.DataFrame(
    {
        "id": ["1", "2", "3"],
        "question": ["Does fentanyl &amp; rigidity kill?", None, "Are cats studied?"],
        "documents": ["a/1\nx/9", None, "b/1"],
    },
    dtype=object,
    index=[10, 11, 12],
)


@pytest.fixture
def opened(tmp_path: Path) -> Index:
    index.write(tmp_path, PASSAGES, None)
    return Index(tmp_path.joinpath)


def spec(**settings: object) -> RetrievalSpec:
    return RetrievalSpec(**{"query": "{question}", "documents": "documents", "dense": 0.0} | settings)  # type: ignore[arg-type]


def refuse(what: str) -> None:
    raise AssertionError(what)


def test_rows_get_their_passages(opened: Index) -> None:
    found = Retriever(opened, spec(own=True), refuse).add(ROWS)
    assert list(found.index) == [10, 11, 12] and list(found.columns) == [*ROWS.columns, RETRIEVED]
    assert found[RETRIEVED].tolist() == [f"{PASSAGES[1][1]}\n{PASSAGES[0][1]}", None, PASSAGES[2][1]]


def test_not_from_their_own_documents(opened: Index) -> None:
    found = Retriever(opened, spec(), refuse).add(ROWS)
    assert found[RETRIEVED].tolist() == [PASSAGES[1][1], None, None]


def test_an_index_without_vectors_is_asked_by_words_and_says_so(opened: Index) -> None:
    said: list[str] = []
    retriever = Retriever(opened, spec(dense=0.5), said.append)
    assert retriever.add(ROWS)[RETRIEVED].notna().sum() == 1
    assert len(said) == 1 and "by words only" in said[0]
    assert (retriever.rows, retriever.by_meaning) == (3, 0)


class Embeds:
    """An encoder to whom every question means the third passage, and each takes a second."""

    def __init__(self, clock: Clock, fails: bool = False) -> None:
        self.clock, self.fails = clock, fails

    def __call__(
        self, texts: Sequence[str], progress: Callable[[int], None], goes_on: Callable[[], bool]
    ) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), 3), dtype=np.float32)
        for place in range(len(texts)):
            if self.fails:
                raise RuntimeError("out of memory")
            if goes_on():
                vectors[place, 2] = 1.0
                self.clock.now += 1
        return vectors


def with_meaning(opened: Index, monkeypatch: pytest.MonkeyPatch, embeds: Embeds) -> Index:
    monkeypatch.setattr(opened, "embedder", lambda: embeds)
    monkeypatch.setattr(opened, "_vectors", np.eye(3, dtype=np.float16), raising=False)
    return opened


def test_when_time_is_up_the_rest_is_sought_by_words(opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    asked = with_meaning(opened, monkeypatch, Embeds(clock))
    retriever = Retriever(asked, spec(dense=1.0, passages=1, own=True), refuse, 2.0, clock)
    found = retriever.add(ROWS)
    assert found[RETRIEVED].tolist() == [PASSAGES[2][1]] * 3  # the last one by its words
    assert (retriever.rows, retriever.by_meaning, retriever.spent_s) == (3, 2, 2.0)
    assert retriever.add(ROWS)[RETRIEVED].tolist()[0] == PASSAGES[1][1]
    assert (retriever.by_meaning, retriever.late) == (2, 0)


def test_when_that_takes_too_long_the_rest_has_none(opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    search = opened.search

    def slow(*arguments: object, **options: object) -> list[index.Found]:
        clock.now += 1.5
        return search(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(opened, "search", slow)
    retriever = Retriever(opened, spec(own=True), refuse, 1.0, clock)
    found = retriever.add(ROWS)
    assert found[RETRIEVED].notna().tolist() == [True, False, False]
    assert (retriever.rows, retriever.late) == (2, 1)
    assert retriever.add(ROWS)[RETRIEVED].isna().all() and retriever.late == 4


def test_an_encoder_that_fails_is_not_asked_again(opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    asked = with_meaning(opened, monkeypatch, Embeds(Clock(), fails=True))
    retriever = Retriever(asked, spec(dense=0.5, own=True), said.append)
    for _ in range(2):
        assert retriever.add(ROWS)[RETRIEVED].notna().tolist() == [True, False, True]
    assert len(said) == 1 and "out of memory" in said[0]


def test_an_index_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        Index(tmp_path.joinpath)
