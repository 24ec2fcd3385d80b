"""Whether a backbone can be exported at all, asked before anything is trained."""

from __future__ import annotations

import tempfile
from pathlib import Path

from transformers import AutoConfig, AutoModel

from foldship.export.fusion import fuse
from foldship.export.trace import trace_encoder
from foldship.modelling.model import Encoder
from foldship_kernel.errors import FoldshipError

# Architectures that need no trial: the tests export each.
KNOWN = frozenset({"bert", "roberta", "xlm-roberta", "electra", "deberta-v2"})


def check(source: str) -> None:
    """Trace and fuse an untrained encoder of the backbone's architecture, unless that is known to work.

    Args:
        source: what `backbone.locate` returned. One that is not to be had passes: training says so.

    Raises:
        FoldshipError: its folds could be trained, but not exported.
    """
    try:
        config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError):
        return
    if config.model_type in KNOWN:
        return
    try:
        model = AutoModel.from_config(config, attn_implementation="eager")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "encoder.onnx"
            trace_encoder(Encoder(model, ("cls",)), path, segment_ids=False)
            fuse(path, config)
    except Exception as error:  # whatever the model, the exporter or the optimiser raises
        raise FoldshipError(
            f"backbone {source!r}: folds of a {config.model_type} encoder could be trained, but not exported",
            found=error.what if isinstance(error, FoldshipError) else repr(error),
            fix=f"choose a backbone of another architecture: {', '.join(sorted(KNOWN))}",
        ) from error
