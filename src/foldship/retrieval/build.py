"""Passages to an index on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foldship.retrieval.corpus import Passage
from foldship.terminals import bar as progress_bar
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.errors import DataError
from foldship_kernel.retrieval import index
from foldship_kernel.retrieval.meaning import Embedder

PIECE = 4096  # passages whose vectors are made at once


def build(folder: Path, passages: Sequence[Passage], encoding: EncodingSpec | None) -> None:
    """Write the index into a folder; vectors, too, where it holds an encoder.

    Args:
        folder: where to; with the files of an encoder (`export.embedder`) for a search by meaning.
        passages: as `corpus.together` gives them.
        encoding: how that encoder reads a text; None for a search by words alone.

    Raises:
        DataError: there are no passages.
    """
    if not passages:
        raise DataError(
            "retrieval: there are no passages to search in",
            expected="rows with passages, or documents fetched by `foldship documents`",
            fix="name the right columns in retrieval, in competition.yaml, or fetch the documents",
        )
    index.write(folder, passages, encoding)
    if encoding is None:
        return
    embed = Embedder(folder / index.ENCODER, folder / index.TOKENIZER, encoding)
    texts = [text for _, text in passages]
    parts = []
    with progress_bar(total=len(texts), desc="passages", unit="passage") as bar:
        for start in range(0, len(texts), PIECE):
            parts.append(embed(texts[start : start + PIECE]).astype(np.float16))
            bar.update(len(parts[-1]))
    index.write_vectors(folder, np.concatenate(parts))
