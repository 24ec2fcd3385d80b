"""From an experiment's settings to the fitted description of how rows are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from foldship.config.schema import Features, Model
from foldship_kernel import features
from foldship_kernel.encode import EncodedRows, EncodingSpec, RowEncoder, TowerSpec
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec
from foldship_kernel.tasks.base import Task

_FIRST, _SECOND = -1, -2  # stand for segments while the special tokens around them are found


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
        unknown = [name for name in tower.segments if name not in task.TEXTS]
        if unknown:
            raise FoldshipError(
                f"towers.{number}.segments: the competition has no text {unknown[0]!r}",
                expected=f"names among {', '.join(task.TEXTS)}",
                fix="correct the name in kernels/<competition>/",
            )
        if tower.max_tokens > positions:
            raise FoldshipError(
                f"towers.{number}.max_tokens: longer than the backbone takes",
                expected=f"at most {positions}",
                found=str(tower.max_tokens),
                fix="lower max_tokens, or choose a backbone with more positions",
            )
    around = tokenizer.build_inputs_with_special_tokens([_FIRST], [_SECOND])
    first, second = around.index(_FIRST), around.index(_SECOND)
    return EncodingSpec(
        towers=tuple(
            TowerSpec(tower.segments, tower.max_tokens, tower.budgets or (None,) * len(tower.segments))
            for tower in config.towers
        ),
        head_fraction=config.head_fraction,
        prefix_ids=tuple(around[:first]),
        between_ids=tuple(around[first + 1 : second]),
        suffix_ids=tuple(around[second + 1 :]),
        pad_id=tokenizer.pad_token_id or 0,
        segment_ids=config.segment_ids,
    )


def feature_spec(
    config: Features, rows: pd.DataFrame, texts: Mapping[str, Sequence[str]], task: Task
) -> FeatureSpec:
    """Fit the features that `config` asks for on training rows.

    Raises:
        FoldshipError: a column or text is named that the competition does not have.
    """
    known = {
        "categories": (config.categories, task.CATEGORIES + task.COMMON),
        "common": (config.common, task.CATEGORIES + task.COMMON),
        "counted": (config.counted, task.TEXTS),
        "overlaps": (tuple(name for pair in config.overlaps for name in pair), task.TEXTS),
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
        texts,
        categories=config.categories,
        common=config.common,
        counted=config.counted,
        overlaps=config.overlaps,
    )


def read_rows(
    rows: pd.DataFrame, task: Task, tokenizer: Path, encoding: EncodingSpec, spec: FeatureSpec
) -> tuple[EncodedRows, NDArray[np.float32]]:
    """Token sequences and features (rows, F) of `rows`, as the kernel makes them."""
    texts = task.texts(rows)
    encoder = RowEncoder(Tokenizer.from_file(str(tokenizer)), encoding)
    return encoder.encode(texts), features.compute(rows, texts, spec)


def of_all_lengths(encoded: EncodedRows, count: int) -> NDArray[np.int64]:
    """At most `count` row numbers, from the shortest to the longest in even steps."""
    order = np.argsort(encoded.lengths[encoded.index].sum(axis=1), kind="stable")
    return np.unique(order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.int64)])
