"""Generated texts: sentences of the project's own sample data, put together anew. No data is needed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bench.competition import quest
from foldship.competitions import quest_sample
from foldship.modelling import backbone
from foldship_kernel.encoded import EncodedRows

SHORTEST, LONGEST, MEAN = 30, 512, 178  # tokens a text
SPREAD = 0.75  # of the logarithm of the lengths
QUESTIONS_A_ROW = 3583 / 6079  # in QUEST


def lengths(count: int, seed: int = 0) -> NDArray[np.int64]:
    """Token counts of ragged texts, log-normal between `SHORTEST` and `LONGEST`: (count,) int64."""
    drawn = np.exp(np.random.default_rng(seed).normal(scale=SPREAD, size=count))
    scale = MEAN / drawn.mean()
    for _ in range(50):  # what is clipped moves the mean
        scale *= MEAN / np.clip(scale * drawn, SHORTEST, LONGEST).mean()
    return np.asarray(np.clip(scale * drawn, SHORTEST, LONGEST).round(), dtype=np.int64)


def sequences(count: int, seed: int = 0) -> EncodedRows:
    """Distinct ragged texts as token sequences with their special tokens, one tower a row."""
    random = np.random.default_rng(seed)
    tokenizer = Tokenizer.from_file(str(Path(backbone.locate(backbone.EMBEDDED, Path())) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    known = [item.ids for item in tokenizer.encode_batch(list(sentences()), add_special_tokens=False)]
    first, last = tokenizer.encode("", add_special_tokens=True).ids
    made = []
    for length in lengths(count, seed):
        ids: list[int] = []
        while len(ids) < length - 2:
            ids += known[random.integers(len(known))]
        made.append(np.array([first, *ids[: length - 2], last], dtype=np.int32))
    return gather(made)


def gather(made: Sequence[NDArray[np.int32]]) -> EncodedRows:
    """Token sequences as rows of one tower and one segment."""
    ends = np.array([len(sequence) for sequence in made], dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(ends, dtype=np.int64)])
    return EncodedRows(np.concatenate(made), offsets, ends, np.arange(len(made))[:, None])


def rows(count: int, *, words: tuple[int, int], repeated: bool, seed: int = 0) -> pd.DataFrame:
    """Rows of a QUEST `test.csv`.

    Args:
        count: how many.
        words: fewest and most words of a body and of an answer.
        repeated: whether questions stand under several answers, as often as in QUEST.
        seed: of all that is drawn.
    """
    random = np.random.default_rng(seed)
    distinct = round(QUESTIONS_A_ROW * count) if repeated else count
    questions = [
        (f"Case {number}: {_prose(random, 6)}", _prose(random, *words)) for number in range(distinct)
    ]
    asked = sorted([*range(distinct), *random.integers(distinct, size=count - distinct)])
    titles, bodies = zip(*(questions[number] for number in asked), strict=True)
    return pd.DataFrame(
        {
            quest.id: np.arange(count).astype(str),
            "question_title": titles,
            "question_body": bodies,
            "question_user_name": "asker",
            "question_user_page": "https://example.org/users/1",
            "answer": [f"Answer {row}: {_prose(random, *words)}" for row in range(count)],
            "answer_user_name": "helper",
            "answer_user_page": "https://example.org/users/2",
            "url": "https://example.org/questions/1",
            "category": "TECHNOLOGY",
            "host": "example.org",
        }
    )


@cache
def sentences() -> tuple[str, ...]:
    """The distinct sentences of the generated sample data."""
    with tempfile.TemporaryDirectory() as folder:
        quest_sample.write(Path(folder), quest)
        table = pd.read_csv(Path(folder) / "train.csv")
    parts = (re.split(r"(?<=[.!?])\s+", text) for text in [*table["question_body"], *table["answer"]])
    return tuple(dict.fromkeys(sentence for part in parts for sentence in part if sentence))


def _prose(random: np.random.Generator, fewest: int, most: int | None = None) -> str:
    length = fewest if most is None else int(random.integers(fewest, most + 1))
    known, words = sentences(), list[str]()
    while len(words) < length:
        words += known[random.integers(len(known))].split()
    return " ".join(words[:length])
