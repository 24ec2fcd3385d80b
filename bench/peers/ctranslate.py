"""CTranslate2's converter and encoder, with sorted batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.peers.batches import Inputs, in_sorted_batches, mean_pool
from foldship_kernel.encoded import EncodedRows


def build(
    source: str, folder: Path, compute_type: str, threads: int
) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """`ctranslate2.Encoder` on the CPU.

    Args:
        source: folder of the backbone.
        folder: where the converted model goes.
        compute_type: `float32` or `int8`.
        threads: of one batch.
    """
    import ctranslate2
    from ctranslate2.converters import TransformersConverter

    if not (folder / "model.bin").is_file():
        TransformersConverter(source).convert(str(folder))
    model = ctranslate2.Encoder(str(folder), compute_type=compute_type, intra_threads=threads)

    def encode(inputs: Inputs) -> NDArray[np.float32]:
        mask = inputs["attention_mask"]
        lengths = mask.sum(axis=1).tolist()
        ids = [row[:length].tolist() for row, length in zip(inputs["input_ids"], lengths, strict=True)]
        return mean_pool(np.array(model.forward_batch(ids).last_hidden_state), mask)

    return lambda rows: in_sorted_batches(rows, encode)
