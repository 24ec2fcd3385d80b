"""KLUE relation extraction: texts in which the two entities are marked, from the competition's own columns.

Entities come as Python dictionaries, with the first and the last character. Markers are the typed ones in
punctuation form of https://arxiv.org/abs/2102.01373: `@ * type * subject @` and `# ^ type ^ object #`. They
may be nested or overlap, as the entities may. Both, markers included, are spans: models can read them by
themselves, and they are never cut.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from foldship_kernel import spans
from foldship_kernel.errors import DataError

SENTENCE, ENTITIES = "sentence", ("subject_entity", "object_entity")
READ = (SENTENCE, *ENTITIES)
SPANS = ("subject", "object")
KINDS = {"PER": "사람", "ORG": "단체", "LOC": "장소", "DAT": "날짜", "POH": "기타", "NOH": "수량"}
# Outer and inner mark of subject and object.
_SIGNS = (("@", "*"), ("#", "^"))
ADDED = (
    "subject",
    "object",
    "subject_type",
    "object_type",
    "subject_kind",
    "object_kind",
    "types",
    "plain",
    "marked",
    "typed",
    "typed_en",
)


@dataclass(frozen=True)
class Entity:
    """One entity: its words, its type, and where it stands in the sentence, `start` to before `stop`."""

    word: str
    type: str
    start: int
    stop: int


NOTHING = Entity("", "", 0, 0)


def derive(rows: pd.DataFrame, *, strict: bool) -> pd.DataFrame:
    """The rows with the columns `ADDED`, all of them text.

    Args:
        rows: with the columns `READ`.
        strict: whether a malformed row is an error; else it is read without the entity that is at fault.

    Raises:
        DataError: an entity is no dictionary with word, start_idx, end_idx and type, or does not stand in its
            sentence.
    """
    records = []
    names = list(rows.columns)
    for number, row in enumerate(rows.to_dict("records")):
        try:
            sentence, pair = read(row)
        except ValueError as error:
            if strict:
                raise DataError(
                    f"row {number + 1} ({names[0]} {row[names[0]]}): {error}",
                    expected="{'word': ..., 'start_idx': ..., 'end_idx': ..., 'type': ...}, and the word "
                    "there in the sentence",
                    fix="mend or remove the row",
                ) from error
            value = row[SENTENCE]
            sentence, pair = (spans.clear(value) if isinstance(value, str) else ""), (NOTHING, NOTHING)
        records.append(_columns(sentence, pair))
    made = pd.DataFrame(records, columns=list(ADDED), index=rows.index, dtype=object)
    return pd.concat([rows.drop(columns=[name for name in ADDED if name in rows.columns]), made], axis=1)


def read(row: Mapping[Any, object]) -> tuple[str, tuple[Entity, Entity]]:
    """Sentence and entities of a row; ValueError says what is wrong with it."""
    sentence = row[SENTENCE]
    if not isinstance(sentence, str) or not sentence.strip():
        raise ValueError(f"column '{SENTENCE}' is empty")
    sentence = spans.clear(sentence)
    one, other = (_entity(name, row[name], sentence) for name in ENTITIES)
    return sentence, (one, other)


def _entity(column: str, value: object, sentence: str) -> Entity:
    try:
        found = ast.literal_eval(str(value))
        word, kind = str(found["word"]), str(found["type"])
        start, stop = int(found["start_idx"]), int(found["end_idx"]) + 1
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise ValueError(f"column '{column}' holds no entity: {str(value)[:60]!r}") from error
    word = spans.clear(word)
    if not word:
        raise ValueError(f"column '{column}' holds an entity without a word")
    if sentence[start:stop] != word or start < 0:
        # Other people's files have sentences that were cleaned, and places that were not.
        start = min(_places(sentence, word), key=lambda place: abs(place - start), default=-1)
        if start < 0:
            raise ValueError(f"column '{column}': {word!r} does not stand in the sentence")
        stop = start + len(word)
    return Entity(word, kind, start, stop)


def _places(sentence: str, word: str) -> list[int]:
    places, place = [], sentence.find(word)
    while place >= 0:
        places.append(place)
        place = sentence.find(word, place + 1)
    return places


def _columns(sentence: str, pair: tuple[Entity, Entity]) -> dict[str, str]:
    kinds = [KINDS.get(entity.type, entity.type) for entity in pair]
    return {
        "subject": pair[0].word,
        "object": pair[1].word,
        "subject_type": pair[0].type,
        "object_type": pair[1].type,
        "subject_kind": kinds[0],
        "object_kind": kinds[1],
        "types": " ".join(entity.type for entity in pair),
        "plain": mark(sentence, pair, [("", ""), ("", "")]),
        "marked": mark(sentence, pair, [(f"{outer} ", f" {outer}") for outer, _ in _SIGNS]),
        "typed": mark(sentence, pair, _typed(kinds)),
        "typed_en": mark(sentence, pair, _typed([entity.type for entity in pair])),
    }


def _typed(kinds: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (f"{outer} {inner} {kind} {inner} ", f" {outer}")
        for (outer, inner), kind in zip(_SIGNS, kinds, strict=True)
    ]


def mark(sentence: str, pair: Sequence[Entity], markers: Sequence[tuple[str, str]]) -> str:
    """The sentence with markers around both entities, each with its markers a span.

    Args:
        sentence: without marks of spans.
        pair: subject and object; one without a word is left out.
        markers: what comes before and after each.
    """
    inserted = []
    for number, (entity, (before, after)) in enumerate(zip(pair, markers, strict=True)):
        if entity.word:
            opened, closed = spans.mark(number, "|").split("|")
            # At one place what ends comes before what begins; what begins first ends last.
            inserted.append((entity.start, 1, -entity.stop, number, opened + before))
            inserted.append((entity.stop, 0, -entity.start, -number, after + closed))
    parts, last = [], 0
    for place, *_, text in sorted(inserted):
        parts += [sentence[last:place], text]
        last = place
    return "".join([*parts, sentence[last:]])
