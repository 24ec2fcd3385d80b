"""Questions that stand under several answers: encoded once, against once for every row."""

from __future__ import annotations

from functools import partial

import numpy as np

from bench import contest, ours, texts, timing
from bench.models import ROW_TOKENS, Models
from bench.options import Options
from bench.report import Report, ratio
from foldship.reporting.tables import Table
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError

WORDS = 25, 60
WARM_UP_ROWS = 8
ONCE, EVERY_ROW = "encode_once", "encode_every_row"


def run(options: Options, made: Models) -> Report:
    """Time both ways."""
    size = options.size
    table = texts.rows(size.repeated_rows, words=WORDS, repeated=True)
    once = made.encode(made.rows.card, table)
    ways = {ONCE: once, EVERY_ROW: unshared(once)}
    predict = ours.predictor(made.rows, ours.ONNX_RUNTIME)
    timed = timing.interleave(
        {name: partial(predict, rows) for name, rows in ways.items()},
        size.rounds,
        warm_up=dict.fromkeys(ways, partial(predict, once.take(np.arange(WARM_UP_ROWS)))),
        describe="repeats",
    )
    if timed.failures:
        raise FoldshipError("repeats: our own engine failed", found="; ".join(timed.failures.values()))
    seconds = {name: timed.median_s(name) for name in ways}
    difference = contest.relative_error(timed.outputs[ONCE][0], timed.outputs[EVERY_ROW][0])
    questions = table["question_title"].nunique()
    return Report(
        "repeats",
        "Repeated questions",
        ratio(ONCE, EVERY_ROW, ours=seconds[ONCE], theirs=seconds[EVERY_ROW]),
        (
            Table(
                f"{len(table)} rows of {questions} questions",
                ("way", "sequences", "tokens", "seconds"),
                tuple(
                    (
                        name.replace("_", " "),
                        f"{len(rows.boundaries):,}",
                        f"{rows.lengths.sum():,}",
                        f"{seconds[name]:.2f}",
                    )
                    for name, rows in ways.items()
                ),
            ),
        ),
        (
            "Two towers a row, title with question and title with answer, at most "
            f"{ROW_TOKENS} tokens each; all-MiniLM-L6-v2 in fp32. Same engine and weights both ways.",
            f"Questions repeat as often as in QUEST, where 6079 rows hold 3583: here {len(table)} hold "
            f"{questions}. Medians of {size.rounds} rounds.",
            f"Largest difference of the logits, as a share of their root mean square: {difference:.1e}.",
        ),
    )


def unshared(rows: EncodedRows) -> EncodedRows:
    """The same rows with a sequence of its own for every tower of every row."""
    flat = rows.index.ravel()
    offsets = np.concatenate([[0], np.cumsum(rows.lengths[flat])])
    tokens = np.concatenate([rows.sequence(int(place)) for place in flat])
    return EncodedRows(tokens, offsets, rows.boundaries[flat], np.arange(len(flat)).reshape(rows.index.shape))
