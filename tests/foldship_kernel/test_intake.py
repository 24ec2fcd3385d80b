from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
from declared import quest
from tokenizers import Tokenizer

from foldship_kernel import features, intake, rows, tokens
from foldship_kernel.cleaning import Cleaning
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.features import FeatureSpec
from foldship_kernel.intake import Intake, Reading
from foldship_kernel.sharding import Shards

READING = Reading(
    tiny_bundle.TOKENIZER,
    EncodingSpec.from_dict(tiny_bundle.ENCODING),
    FeatureSpec.from_dict(tiny_bundle.FEATURES),
)


def sequences(encoded: EncodedRows) -> list[list[list[int]]]:
    """Token ids of every tower of every row."""
    return [[encoded.sequence(place).tolist() for place in towers] for towers in encoded.index]


@pytest.fixture
def table(tmp_path: Path) -> rows.Rows:
    return quest.read_test(tiny_bundle.write_input(tmp_path / "input", 41))[0]


def test_pieces_make_no_difference(table: rows.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Intake(quest, table, [READING])
    monkeypatch.setattr(rows, "CHUNK_ROWS", 4)
    pieces = Intake(quest, table, [READING])
    assert len(whole) == len(pieces) == 41
    assert sequences(whole.encode(READING)) == sequences(pieces.encode(READING))
    np.testing.assert_array_equal(whole.features(READING), pieces.features(READING))
    np.testing.assert_array_equal(whole.groups, pieces.groups)
    frame = pd.concat(list(table.chunks()))
    expected = features.compute(frame, intake.texts_of(quest, frame), READING.features)
    np.testing.assert_array_equal(whole.features(READING), expected)


def test_models_with_one_tokenizer_share_its_work(table: rows.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Store(tokens.TokenStore):
        def add(self, texts):
            asked.extend(texts)
            return super().add(texts)

    monkeypatch.setattr(intake, "TokenStore", Store)
    short = dataclasses.replace(READING.encoding, towers=READING.encoding.towers[:1])
    other = dataclasses.replace(READING, encoding=short)
    both = Intake(quest, table, [READING, other])
    assert len(asked) == 3 * 41  # each text of each row is handed over once, for both models
    assert sequences(both.encode(other)) == [towers[:1] for towers in sequences(both.encode(READING))]


def test_models_that_clean_differently_read_different_tokens(tmp_path: Path) -> None:
    answers = ["See https://www.example.org/a/b?c=d", "it costs $x^2$"] * 2
    table = quest.read_test(tiny_bundle.write_input(tmp_path / "input", 4, answer=answers))[0]
    cleaning = Cleaning(links="host", math="mark")
    other = dataclasses.replace(READING, encoding=dataclasses.replace(READING.encoding, cleaning=cleaning))
    both = Intake(quest, table, [READING, other])
    tokenizer = Tokenizer.from_file(str(tiny_bundle.TOKENIZER))
    plain, cleaned = (
        [tokenizer.decode(towers[1]).split("?", 1)[1] for towers in sequences(both.encode(reading))]
        for reading in (READING, other)
    )
    assert plain[:2] == [" see https : / / www. example. org / a / b? c = d", " it costs $ x ^ 2 $"]
    assert cleaned[:2] == [" see example. org", " it costs formula"]
    alone = Intake(quest, table, [other])
    assert sequences(alone.encode(other)) == sequences(both.encode(other))
    np.testing.assert_array_equal(both.features(other), both.features(READING))


def test_shards_of_rows_with_several_readings(table: rows.Rows) -> None:
    towers = tuple(dataclasses.replace(tower, max_tokens=16, chunks=3) for tower in READING.encoding.towers)
    chunked = dataclasses.replace(READING, encoding=dataclasses.replace(READING.encoding, towers=towers))
    taken_in = Intake(quest, table, [chunked])
    everything = taken_in.encode(chunked)
    assert everything.readings.max() == 3
    shards = Shards(taken_in, chunked, 5)
    assert sorted(shards.lengths.tolist()) == sorted(everything.lengths.tolist())
    for number, chosen in enumerate(shards.rows):
        assert sequences(shards.encode(number)) == sequences(everything.take(chosen))


def test_some_rows_read_as_they_do_among_all(table: rows.Rows) -> None:
    taken_in = Intake(quest, table, [READING])
    everything = sequences(taken_in.encode(READING))
    chosen = np.array([30, 2, 3])
    assert sequences(taken_in.encode(READING, chosen)) == [everything[row] for row in chosen]


def test_shards_read_each_distinct_sequence_once(table: rows.Rows) -> None:
    taken_in = Intake(quest, table, [READING])
    everything = taken_in.encode(READING)
    shards = Shards(taken_in, READING, 5)
    assert len(shards.rows) > 3
    assert sorted(np.concatenate(shards.rows).tolist()) == list(range(41))
    assert sorted(shards.lengths.tolist()) == sorted(everything.lengths.tolist())
    expected = sequences(everything)
    for number, chosen in enumerate(shards.rows):
        assert sequences(shards.encode(number)) == [expected[row] for row in chosen]


def test_a_tokenizer_file_that_is_none_is_an_error(table: rows.Rows, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Exception, match=r"(?i)model|token"):
        Intake(quest, table, [dataclasses.replace(READING, tokenizer=tmp_path / "tokenizer.json")])


def test_what_the_tokenizer_pads_to_does_not_matter(table: rows.Rows, tmp_path: Path) -> None:
    """The embedded backbone's tokenizer pads to 128 tokens by itself."""
    padding = Tokenizer.from_file(str(tiny_bundle.TOKENIZER))
    padding.enable_padding(length=128)
    padding.save(str(tmp_path / "padding.json"))
    other = dataclasses.replace(READING, tokenizer=tmp_path / "padding.json")
    taken_in = Intake(quest, table, [READING, other])
    assert sequences(taken_in.encode(READING)) == sequences(taken_in.encode(other))


def test_answers_of_one_question_are_a_group_wherever_they_stand(tmp_path: Path) -> None:
    folder = tiny_bundle.write_input(tmp_path / "input", 9)
    frame = pd.read_csv(folder / "test.csv", dtype=str)
    frame["question_body"] = [f"question {row % 4}" for row in range(9)]
    frame.to_csv(folder / "test.csv", index=False)
    taken = Intake(quest, quest.read_test(folder)[0], [READING])
    assert taken.groups.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]
