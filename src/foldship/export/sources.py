"""What an export is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import foldship_kernel
from foldship import modelling, receipts
from foldship.modelling import backbone, store
from foldship.modelling.store import ModelCard
from foldship_kernel import engines
from foldship_kernel.encode import EncodedRows
from foldship_kernel.errors import FoldshipError

# What the exported graphs and their proof come from: the network's own code, and the engine that runs it.
CODE = (Path(__file__).parent, Path(modelling.__file__).parent, Path(engines.__file__).parent)
CODE_ABOARD = tuple(
    Path(foldship_kernel.__file__).with_name(name) for name in ("batching.py", "encode.py", "fold.py")
)


def fingerprint(
    card: ModelCard,
    model_dir: Path,
    folds: Sequence[int],
    encoded: EncodedRows,
    features: NDArray[np.float32],
) -> str:
    """Digest of all that the export depends on, its own code included."""
    rows = hashlib.sha256()
    arrays: list[NDArray[Any]] = [
        encoded.tokens,
        encoded.offsets,
        encoded.boundaries,
        encoded.index,
        features,
    ]
    for array in arrays:
        rows.update(array.tobytes() + b"|")
    weights = [model_dir / f"fold{fold}" / store.WEIGHTS for fold in folds]
    files = [
        model_dir / store.CARD,
        model_dir / store.TOKENIZER,
        *(path for path in weights if path.is_file()),
    ]
    return receipts.digest(
        {
            "model": [receipts.digest_files(file) for file in files],  # folds' files have the same names
            "backbone": backbone.fingerprint(card.source),
            "folds": list(folds),
            "rows": rows.hexdigest(),
            "code": [receipts.digest_files(path) for path in code()],
            "versions": receipts.versions(),
        }
    )


def code() -> list[Path]:
    """Modules that an export's bytes or its proof depend on."""
    return [*(path for folder in CODE for path in sorted(folder.glob("*.py"))), *CODE_ABOARD]


def refuse_left_padding(tokenizer: Path) -> None:
    padding = json.loads(tokenizer.read_text(encoding="utf-8")).get("padding") or {}
    if padding.get("direction", "Right") != "Right":
        raise FoldshipError(
            f"{tokenizer}: the tokenizer pads on the left, which fused attention masks do not understand",
            expected="padding on the right",
            found=padding["direction"],
            fix="choose a backbone whose tokenizer pads on the right",
        )
