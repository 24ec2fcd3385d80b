"""A graph on a few sequences: whether it runs on any batch, and whether padding is padding to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from foldship_kernel.errors import FoldshipError

TOKENS, SEGMENTS = ("input_ids", "attention_mask"), "token_type_ids"
EXPORT = (
    "export it again in fp32 with dynamic axes, as `optimum-cli export onnx --task text-classification` does"
)
_PADDING = 1e-3  # largest difference that padding may make


def outputs(graph: Path, path: Path, segments: bool) -> int:
    """Run a few sequences, alone and padded; returns the number of outputs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    ids = np.arange(2, 9, dtype=np.int64)[None]
    longer = np.zeros((3, 11), dtype=np.int64)
    longer[0, :7], longer[1:] = ids[0], 3
    mask = np.ones_like(longer)
    mask[0, 7:] = 0
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        alone, together = (
            _run(session, *batch, segments) for batch in ((ids, np.ones_like(ids)), (longer, mask))
        )
    except Exception as error:  # ONNX Runtime's errors share no narrower base class
        raise FoldshipError(
            f"{path}: ONNX Runtime cannot run it on batches of any size and length",
            found=str(error).splitlines()[0],
            fix=EXPORT,
        ) from error
    if alone.ndim != 2 or alone.shape[0] != 1 or together.shape != (3, alone.shape[1]):
        raise FoldshipError(
            f"{path}: the output is no table of sequences and logits",
            expected="(sequences, outputs)",
            found=f"{alone.shape} for one sequence, {together.shape} for three",
            fix="export the classifier's logits, before any squeeze",
        )
    difference = float(np.abs(alone[0] - together[0]).max())
    if not difference <= _PADDING:
        raise FoldshipError(
            f"{path}: what a sequence is padded with changes its logits",
            expected=f"a difference of {_PADDING:g} at most, whatever the batch",
            found=f"{difference:.3g}",
            fix="export the model so that attention_mask counts, and without dropout (model.eval())",
        )
    return int(alone.shape[1])


def _run(
    session: Any, ids: NDArray[np.int64], mask: NDArray[np.int64], segments: bool
) -> NDArray[np.float32]:
    feed = {
        **dict(zip(TOKENS, (ids, mask), strict=True)),
        **({SEGMENTS: np.zeros_like(ids)} if segments else {}),
    }
    return np.asarray(session.run(None, feed)[0])
