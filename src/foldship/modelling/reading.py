"""From an experiment's settings to the fitted description of how rows are read."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from foldship.config.inputs import Features
from foldship.config.network import reads_spans
from foldship.config.schema import Model
from foldship_kernel import features
from foldship_kernel.cleaning import Cleaning
from foldship_kernel.encode import EncodingSpec, TowerSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec
from foldship_kernel.intake import Intake, Reading, texts_of
from foldship_kernel.rows import FrameRows
from foldship_kernel.tasks import Task


def encoding_spec(
    config: Model, tokenizer: PreTrainedTokenizerFast, task: Task, positions: int
) -> EncodingSpec:
    """The encoding that `config` asks for, with the tokenizer's own special tokens.

    Args:
        config: towers and truncation.
        tokenizer: of the backbone.
        task: which texts there are.
        positions: longest sequence the backbone takes.

    Raises:
        FoldshipError: a tower names an unknown text, or is longer than the backbone takes.
    """
    for number, tower in enumerate(config.towers):
        unknown = [name for name in tower.segments if name not in task.texts]
        if unknown:
            raise FoldshipError(
                f"towers.{number}.segments: the competition has no text {unknown[0]!r}",
                expected=f"names among {', '.join(task.texts)}",
                fix="correct the name in kernels/<competition>/",
            )
        check_length(number, tower.max_tokens, positions, "the backbone")
    special = special_tokens(tokenizer, f"backbone {config.backbone!r}")
    return EncodingSpec(
        towers=tuple(
            TowerSpec(
                tower.segments,
                tower.max_tokens,
                tower.budgets or (None,) * len(tower.segments),
                tower.chunks,
                tower.stride,
            )
            for tower in config.towers
        ),
        head_fraction=config.head_fraction,
        **special,
        segment_ids=config.segment_ids,
        cleaning=Cleaning(**config.cleaning.model_dump()),
        spans=reads_spans(config.pooling),
    )


def text_encoding(
    tokenizer: PreTrainedTokenizerFast, backbone: str, segment: str, tokens: int
) -> EncodingSpec:
    """The encoding of a single text, as the embedder of retrieval reads it.

    Args:
        tokenizer: of the backbone.
        backbone: its name, for errors.
        segment: what the text is called.
        tokens: longest sequence; of a longer text the beginning is read.

    Raises:
        FoldshipError: the tokenizer has no special tokens, or none to pad with.
    """
    special = special_tokens(tokenizer, f"backbone {backbone!r}")
    return EncodingSpec((TowerSpec((segment,), tokens, (None,)),), 1.0, **special, segment_ids=False)


def special_tokens(tokenizer: PreTrainedTokenizerFast, whose: str) -> dict[str, Any]:
    """The tokens that a tokenizer puts around a pair and fills up with, by their names in `EncodingSpec`.

    Raises:
        FoldshipError: it has none; `whose` it is begins the message.
    """
    # Without the padding and truncation that some tokenizers bring along: padding is not a special token.
    words = copy.deepcopy(tokenizer.backend_tokenizer)
    words.no_padding()
    words.no_truncation()
    pair = words.encode("a", "b")
    first, second = (_span(pair.sequence_ids, number) for number in (0, 1))
    prefix, suffix = pair.ids[: first[0]], pair.ids[second[1] :]
    if not (prefix or suffix) or tokenizer.pad_token_id is None:
        raise FoldshipError(
            f"{whose}: its tokenizer has no special tokens around a pair, or none to pad with",
            expected="tokens like [CLS], [SEP] and [PAD]",
            found=str(tokenizer.convert_ids_to_tokens(pair.ids)),
            fix="set the post-processor and pad_token in its tokenizer files, or choose another backbone",
        )
    return {
        "prefix_ids": tuple(prefix),
        "between_ids": tuple(pair.ids[first[1] : second[0]]),
        "suffix_ids": tuple(suffix),
        "pad_id": tokenizer.pad_token_id,
    }


def feature_spec(config: Features, rows: pd.DataFrame, task: Task) -> FeatureSpec:
    """Fit the features that `config` asks for on training rows.

    Raises:
        FoldshipError: a column or text is named that the competition does not have.
    """
    known = {
        "categories": (config.categories, task.categories + task.common),
        "common": (config.common, task.categories + task.common),
        "counted": (config.counted, task.texts),
        "overlaps": (tuple(name for pair in config.overlaps for name in pair), task.texts),
        "similar": (tuple(name for pair in config.similar for name in pair), task.texts),
    }
    for key, (names, allowed) in known.items():
        for name in names:
            if name not in allowed:
                raise FoldshipError(
                    f"features.{key}: the competition has no {name!r}",
                    expected=f"names among {', '.join(allowed)}",
                    fix="correct the name in kernels/<competition>/",
                )
    return features.fit(
        rows,
        texts_of(task, rows),
        categories=config.categories,
        common=config.common,
        counted=config.counted,
        overlaps=config.overlaps,
        kind=config.counts,
        similar=config.similar,
    )


def _span(sequence_ids: Sequence[int | None], number: int) -> tuple[int, int]:
    """Where the tokens of a text begin and end."""
    places = [place for place, owner in enumerate(sequence_ids) if owner == number]
    return places[0], places[-1] + 1


def read_rows(
    rows: pd.DataFrame, task: Task, tokenizer: Path, encoding: EncodingSpec, spec: FeatureSpec
) -> tuple[EncodedRows, NDArray[np.float32]]:
    """Token sequences and features (rows, F) of `rows`, as the kernel makes them."""
    reading = Reading(tokenizer, encoding, spec)
    intake = Intake(task, FrameRows(rows, task.id), [reading])
    return intake.encode(reading), intake.features(reading)


def of_all_lengths(encoded: EncodedRows, count: int) -> NDArray[np.int64]:
    """At most `count` row numbers, from the shortest to the longest in even steps."""
    order = np.argsort(encoded.row_lengths().sum(axis=1), kind="stable")
    return np.unique(order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.int64)])


def check_length(number: int, max_tokens: int, positions: int, backbone: str) -> None:
    """Check that a backbone has positions for all that a tower reads.

    Args:
        number: of the tower.
        max_tokens: its longest sequence.
        positions: tokens that the backbone takes.
        backbone: what to call it.

    Raises:
        FoldshipError: it has not.
    """
    if max_tokens > positions:
        raise FoldshipError(
            f"towers.{number}.max_tokens: longer than {backbone} takes",
            expected=f"at most {positions}",
            found=str(max_tokens),
            fix="lower max_tokens, or choose a backbone with more positions",
        )
