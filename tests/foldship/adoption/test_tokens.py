"""Tokens are those of the tokenizer's own call, and what its files say about length is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import elsewhere
import pytest
from transformers import AutoTokenizer

from foldship import adoption
from foldship.adoption import Given
from foldship.config.adopting import Adopted
from foldship.modelling import adopted, reading, store
from foldship_kernel.errors import FoldshipError


def sequences(here: Given, name: str) -> list[list[int]]:
    folder = here.weights / name
    card = adopted.load_card(folder)
    encoded, _ = reading.read_rows(
        here.rows, here.task, folder / store.TOKENIZER, card.encoding, card.features
    )
    return [encoded.sequence(number).tolist() for number in encoded.index[:, 0]]


@pytest.fixture
def source(tiny_backbone: Path, tmp_path: Path) -> Path:
    elsewhere.classifier(tmp_path / "m", tiny_backbone)
    return tmp_path / "m"


@pytest.mark.parametrize("texts", [("title", "body"), ("body", "title"), ("body",)])
@pytest.mark.parametrize("longest", [9, 16, 48])
def test_texts_are_cut_and_joined_as_by_the_tokenizer(
    texts: tuple[str, ...], longest: int, source: Path, given: Callable[..., Given]
) -> None:
    here = given()
    adoption.run("theirs", Adopted(folds=("m",), texts=texts, max_tokens=longest), here)
    columns = [list(here.rows[name]) for name in texts]
    wanted = AutoTokenizer.from_pretrained(source)(*columns, truncation=True, max_length=longest)["input_ids"]
    assert sequences(here, "theirs") == wanted


def test_texts_stay_as_they_came_unless_cleaning_is_asked_for(
    source: Path, given: Callable[..., Given]
) -> None:
    here = given()
    words = AutoTokenizer.from_pretrained(source)
    for name, cleaning in (("raw", {"raw": True}), ("clean", {})):
        settings = Adopted(folds=("m",), texts=("body",), max_tokens=16, cleaning=cleaning)
        adoption.run(name, settings, here)
    raw, clean = (words.decode(sequences(here, name)[0]) for name in ("raw", "clean"))
    assert raw == "[CLS] two spaces & amp ; a line [SEP]"
    assert clean == "[CLS] two spaces & a line [SEP]"


def test_token_types_mark_the_second_text_where_the_model_knows_them(
    source: Path, tiny_backbone: Path, tmp_path: Path, given: Callable[..., Given]
) -> None:
    here = given()
    elsewhere.classifier(tmp_path / "r", tiny_backbone, kind="roberta")
    for name, folder, texts, wanted in (
        ("pair", "m", ("title", "body"), True),
        ("one", "m", ("title",), False),
        ("other", "r", ("title", "body"), False),
    ):
        adoption.run(name, Adopted(folds=(folder,), texts=texts), here)
        assert adopted.load_card(here.weights / name).encoding.segment_ids == wanted


@pytest.mark.parametrize(
    ("cut", "named", "length", "why"),
    [
        (20, 40, 20, "its tokenizer.json cuts there"),
        (None, 40, 40, "model_max_length of its tokenizer"),
        (None, 10**30, 64, "its number of positions"),
        (None, 512, 64, "model_max_length of its tokenizer"),
    ],
)
def test_the_length_is_what_the_files_say(
    cut: int | None, named: int, length: int, why: str, source: Path, given: Callable[..., Given]
) -> None:
    change(source / "tokenizer_config.json", model_max_length=named)
    change(source / "tokenizer.json", truncation=None)
    if cut is not None:
        rule = {"direction": "Right", "max_length": cut, "strategy": "LongestFirst", "stride": 0}
        change(source / "tokenizer.json", truncation=rule)
    notes = adoption.run("theirs", Adopted(folds=("m",)), given())
    assert any(f"one sequence of at most {length} tokens ({why}" in note for note in notes), notes


def test_what_is_not_known_has_to_be_stated(source: Path, given: Callable[..., Given]) -> None:
    here = given(texts={"title": "{title}", "body": "{body}", "both": "{title} {body}"})
    for settings, message in (
        ({}, r"in which order, is not known(.|\n)*title, body, both"),
        ({"texts": ("title", "head")}, r"has no text 'head'"),
        ({"texts": ("both",), "max_tokens": 65}, r"longer than the model takes(.|\n)*at most 64"),
    ):
        with pytest.raises(FoldshipError, match=message):
            adoption.run("theirs", Adopted(folds=("m",), **settings), here)


def test_a_tokenizer_can_lie_elsewhere_even_as_a_single_file(
    source: Path, tmp_path: Path, given: Callable[..., Given]
) -> None:
    here = given()
    adoption.run("whole", Adopted(folds=("m",), max_tokens=16), here)
    (tmp_path / "alone").mkdir()
    shutil.move(source / "tokenizer.json", tmp_path / "alone")
    for path in source.glob("*token*"):
        path.unlink()
    (source / "vocab.txt").unlink()
    with pytest.raises(FoldshipError, match="no tokenizer beside the model"):
        adoption.run("lacking", Adopted(folds=("m",), max_tokens=16), here)
    adoption.run("alone", Adopted(folds=("m",), max_tokens=16, tokenizer="alone/tokenizer.json"), here)
    assert sequences(here, "alone") == sequences(here, "whole")


def test_folds_with_different_words_are_refused(
    source: Path, tiny_backbone: Path, tmp_path: Path, given: Callable[..., Given]
) -> None:
    shutil.copytree(source, tmp_path / "n")
    change(tmp_path / "n" / "tokenizer.json", padding=None)
    adoption.run("same", Adopted(folds=("m", "n")), given())
    change(tmp_path / "n" / "tokenizer.json", normalizer=None)
    with pytest.raises(FoldshipError, match="another tokenizer"):
        adoption.run("other", Adopted(folds=("m", "n")), given())


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
