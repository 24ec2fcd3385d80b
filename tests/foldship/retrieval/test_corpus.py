from __future__ import annotations

import pandas as pd
import pytest

from foldship.config.competition import Retrieval
from foldship.retrieval import corpus
from foldship_kernel.errors import DataError

SPEC = Retrieval(query="{question}", snippets="snippets", sources="sources")


def rows(*cells: tuple[str | None, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [(str(place), *pair) for place, pair in enumerate(cells)],
        columns=["id", "snippets", "sources"],
        dtype=object,
    )


def test_passages_come_with_their_documents() -> None:
    found = corpus.of_rows(rows(("One &lt; two.\nThree.", "b\na"), (None, None), ("Four.", "b")), SPEC)
    assert found == [("b", "One < two."), ("a", "Three."), ("b", "Four.")]


def test_an_index_holds_each_once_by_document() -> None:
    found = corpus.together([("b", "x"), ("a", "y"), ("b", ""), ("b", "w"), ("b", "x")])
    assert found == [("a", "y"), ("b", "x"), ("b", "w")]


def test_a_passage_without_a_document_is_named() -> None:
    with pytest.raises(DataError) as caught:
        corpus.of_rows(rows(("fine", "a"), ("One.\nTwo.", "a")), SPEC)
    assert "row 1" in str(caught.value) and "2, one for each" in str(caught.value)


def test_documents_that_rows_name() -> None:
    assert corpus.read_documents(rows(("", "b\na"), ("", None), ("", "a\nc\n")), "sources") == ["b", "a", "c"]
