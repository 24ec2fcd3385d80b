from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from foldship_kernel.errors import BundleError
from foldship_kernel.retrieval import index, meaning
from foldship_kernel.retrieval.index import Index

PASSAGES = [
    ("a/1", "Fentanyl deaths rose sharply."),
    ("a/1", "Chest wall rigidity was seen after fentanyl."),
    ("b/2", "Cats and dogs were studied."),
    ("c/3", "긴 밤의 고양이"),
    ("c/3", "Rigidity of pay scales."),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index.write(tmp_path, PASSAGES, None)
    return tmp_path


def numbers(found: Sequence[index.Found]) -> list[int]:
    return [passage.number for passage in found]


def test_passages_are_found_by_their_words(folder: Path) -> None:
    opened = Index(folder.joinpath)
    assert opened.count == 5 and [opened.text(n) for n in range(5)] == [text for _, text in PASSAGES]
    found = opened.search("Does fentanyl cause chest rigidity?", None, most=2, dense=0.5)
    assert numbers(found) == [1, 0] or numbers(found) == [1, 4]
    assert found[0] == index.Found(1, PASSAGES[1][1], "a/1")
    assert numbers(opened.search("고양이", None, most=3, dense=0.5)) == [3]
    assert opened.search("nothing alike", None, most=3, dense=0.5) == []


def test_a_documents_passages_can_be_left_out(folder: Path) -> None:
    opened = Index(folder.joinpath)
    found = opened.search("fentanyl rigidity", None, most=5, dense=0.0, without=["a/1", "of no kind"])
    assert [passage.document for passage in found] == ["c/3"]


def test_words_and_meaning_are_fused_by_rank(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.eye(5, dtype=np.float16)
    index.write_vectors(folder, vectors)
    facts = json.loads((folder / index.INDEX).read_text())
    facts["encoding"] = {
        "towers": [{"segments": ["text"], "max_tokens": 8, "budgets": [None], "chunks": 1, "stride": None}],
        "head_fraction": 1.0,
        "prefix_ids": [1],
        "between_ids": [2],
        "suffix_ids": [2],
        "pad_id": 0,
        "segment_ids": False,
    }
    (folder / index.INDEX).write_text(json.dumps(facts))
    monkeypatch.setattr(meaning, "Embedder", lambda *files: None)
    opened = Index(folder.joinpath)
    opened.embedder()
    near_cats = np.array([0.1, 0.0, 0.9, 0.2, 0.3], dtype=np.float32)

    def found(dense: float, **more: Sequence[str]) -> list[int]:
        near = opened.nearness(near_cats[None])[0]
        return numbers(opened.search("fentanyl", near, most=5, dense=dense, **more))

    assert found(1.0) == [2, 4, 3, 0, 1]
    assert found(0.0) == [0, 1]
    assert set(found(0.5)[:2]) <= {0, 1} and set(found(0.5)) == {0, 1, 2, 3, 4}
    assert found(1.0, without=["b/2"]) == [4, 3, 0, 1]
    assert found(0.5, without=["a/1"]) == [2, 4, 3]
    # With a share of 0.9, the nearest of all comes before what only a word speaks for.
    assert found(0.9)[0] in (2, 0)


def test_equal_passages_come_in_the_order_of_the_index(tmp_path: Path) -> None:
    index.write(tmp_path, [(f"d{number:03}", "the same words") for number in range(300)], None)
    found = Index(tmp_path.joinpath).search("same words", None, most=4, dense=0.5)
    assert numbers(found) == [0, 1, 2, 3]


def test_the_files_are_the_same_each_time(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    again = tmp_path_factory.mktemp("again")
    index.write(again, PASSAGES, None)
    assert sorted(path.name for path in again.iterdir()) == sorted(index.WORDS)
    for name in index.WORDS:
        assert (again / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", index.WORDS)
def test_a_missing_or_broken_file_is_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match="index of passages cannot be read"):
        Index(folder.joinpath)
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        Index(folder.joinpath)


def test_an_index_of_words_has_no_vectors(folder: Path) -> None:
    with pytest.raises(BundleError, match="built without vectors"):
        Index(folder.joinpath).embedder()


def test_similarities_are_exact_beyond_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "_BLOCK", 7)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 6)).astype(np.float16)
    queries = random.normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_allclose(
        meaning.similarities(vectors, queries), queries @ vectors.astype(np.float32).T, rtol=1e-5
    )
