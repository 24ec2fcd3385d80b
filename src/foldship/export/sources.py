"""What an export is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

import foldship_kernel
from foldship import metrics, modelling, receipts
from foldship.export.candidates import REFERENCE
from foldship.export.samples import HeldOut, Rows
from foldship.modelling import adopted, backbone, graph_files, store
from foldship.modelling.library import Card
from foldship_kernel import engines, tasks
from foldship_kernel.errors import FoldshipError

# What the exported graphs and their proof come from: the network's own code, and the engine that runs it.
CODE = (
    Path(__file__).parent,
    *(Path(package.__file__ or "").parent for package in (modelling, engines, metrics, tasks)),
)
CODE_ABOARD = tuple(
    Path(foldship_kernel.__file__).with_name(name)
    for name in ("batching.py", "budget.py", "encode.py", "encoded.py", "fold.py", "spans.py", "windows.py")
)


def fingerprint(
    card: Card,
    model_dir: Path,
    folds: Sequence[int],
    rows: Rows,
    cpu_engine: str = REFERENCE.name,
    held_out: Mapping[int, HeldOut] = MappingProxyType({}),
) -> str:
    """Digest of all that the export depends on, its own code included; arguments as of `pipeline.run`.

    Speeds are no part of it: an export stays what it is, with the engine that was chosen then.
    """
    names = (store.WEIGHTS, adopted.GRAPH, adopted.GRAPH + graph_files.DATA)
    weights = [model_dir / f"fold{fold}" / name for fold in folds for name in names]
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
            "rows": _digest(rows),
            "cpu_engine": cpu_engine,
            "held_out": {
                str(fold): [_digest(sample.rows), _digest_arrays(sample.truth, sample.trained)]
                for fold, sample in held_out.items()
            },
            "code": [receipts.digest_files(path) for path in code()],
            "versions": {**receipts.versions(), "openvino": _openvino_version()},
        }
    )


def _digest(rows: Rows) -> str:
    encoded = rows.encoded
    arrays = (encoded.tokens, encoded.offsets, encoded.boundaries, encoded.index, encoded.readings)
    marks = () if encoded.marks is None else (encoded.marks,)
    return _digest_arrays(*arrays, *marks, rows.features)


def _digest_arrays(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes() + b"|")
    return digest.hexdigest()


def _openvino_version() -> str:
    try:
        return metadata.version("openvino")
    except metadata.PackageNotFoundError:
        return ""


def code() -> list[Path]:
    """Modules that an export's bytes or its proof depend on."""
    return [
        *(path for folder in CODE for path in sorted(folder.glob("*.py"))),
        *CODE_ABOARD,
    ]


def refuse_left_padding(tokenizer: Path) -> None:
    padding = json.loads(tokenizer.read_text(encoding="utf-8")).get("padding") or {}
    if padding.get("direction", "Right") != "Right":
        raise FoldshipError(
            f"{tokenizer}: the tokenizer pads on the left, which fused attention masks do not understand",
            expected="padding on the right",
            found=padding["direction"],
            fix="choose a backbone whose tokenizer pads on the right",
        )
