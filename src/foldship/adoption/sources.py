"""Where the folds are, and what they are: told by looking at their files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foldship.modelling import checkpoint
from foldship.modelling.checkpoint import ADAPTER_NAMES, ADAPTER_SETTINGS
from foldship_kernel import manifest
from foldship_kernel.errors import FoldshipError, listed

SAVED, ADAPTER, SENTENCES, ONNX = "saved model", "adapter", "sentence-transformers model", "ONNX graph"
KNOWN = (
    "a folder saved by save_pretrained, one with adapter_config.json or modules.json, or an .onnx file; or a "
    "folder with one of these for each fold"
)
READ_BESIDE = ("config", "tokenizer", "special_tokens", "vocab")  # beginnings of names, of a graph
READ = (".json", ".txt", ".model")  # endings of files that are read, beside those of weights
CHECKPOINTS = "checkpoint-*"  # where the Trainer of transformers leaves its models


@dataclass(frozen=True)
class Source:
    """One fold: its kind and its folder, or its file where it is a graph."""

    kind: str
    path: Path

    @property
    def folder(self) -> Path:
        """Where files beside the weights are."""
        return self.path.parent if self.kind == ONNX else self.path

    @property
    def name(self) -> str:
        """By which a person knows it."""
        return f"{self.path.parent.name}/{self.path.name}" if self.kind == ONNX else self.path.name

    def digest(self) -> list[list[str]]:
        """Names and SHA-256 of all files that it may be read from; not of an optimizer's or a log."""
        if self.kind == ONNX:
            names = (self.path.stem, *READ_BESIDE)
            beside = [path for path in self.folder.iterdir() if path.name.startswith(names)]
        else:
            beside = [path for suffix in READ for path in self.path.rglob(f"*{suffix}")]
            beside += [path for path in self.path.rglob("*") if checkpoint.may_hold_weights(path)]
        files = sorted({path for path in beside if path.is_file()})
        return [[path.relative_to(self.folder).as_posix(), manifest.sha256(path)] for path in files]


def find(folds: Sequence[str], root: Path) -> list[Source]:
    """The folds that a model's settings name, in order; folds 2 and 10 of a folder or pattern in this order.

    Args:
        folds: one path a fold; or a single pattern, or a single folder that holds the folds.
        root: where relative paths begin.

    Raises:
        FoldshipError: there is nothing there, or nothing that is known.
    """
    paths = [path for name in folds for path in _expanded(name, root)]
    if len(paths) == 1 and paths[0].is_dir() and _kind(paths[0]) is None:
        # Checkpoints are states of one training, not folds.
        inner = [path for path in paths[0].iterdir() if not path.match(CHECKPOINTS)]
        within = [path for path in _in_order(inner) if _kind(path) is not None]
        paths = within or paths
    found = [_recognised(path) for path in paths]
    kinds = list(dict.fromkeys(source.kind for source in found))
    if len(kinds) > 1:
        raise FoldshipError(
            "the folds of a model are of different kinds",
            expected="the same network in every fold",
            found=listed([f"{source.name}: {source.kind}" for source in found]),
            fix="adopt each kind as a model of its own: it takes part in the blend like any other",
        )
    twice = [source.name for place, source in enumerate(found) if source in found[:place]]
    if twice:
        raise FoldshipError(
            f"{twice[0]} is named twice", expected="each fold once", fix="name each fold once"
        )
    return found


def _expanded(name: str, root: Path) -> list[Path]:
    path = root / Path(name).expanduser()
    if path.exists():
        return [path]
    whole = path.absolute()
    paths = _in_order(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
    if not paths:
        near = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
        raise FoldshipError(
            f"{path}: there is no such model",
            expected=KNOWN,
            found=f"in {path.parent}: {listed(near) or 'nothing'}" if near else f"no folder {path.parent}",
            fix="correct the path; relative ones begin at the project's root",
        )
    return paths


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(
        paths, key=lambda path: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", path.name)]
    )


def _kind(path: Path) -> tuple[str, Path] | None:
    """What is there, and where exactly; None where that is not known."""
    if path.is_file():
        return (ONNX, path) if path.suffix == ".onnx" else None
    if not path.is_dir():
        return None
    whole = (path / "config.json").is_file() and any(map(checkpoint.may_hold_weights, path.iterdir()))
    if (path / ADAPTER_SETTINGS).is_file() and not (whole and not _has_adapter(path)):
        return ADAPTER, path
    if (path / "modules.json").is_file():
        return SENTENCES, path
    if whole:
        return SAVED, path
    for within in (sorted(path.glob("*.onnx")), sorted(path.glob(CHECKPOINTS))):
        if len(within) == 1:
            return _kind(within[0])
    return None


def _has_adapter(path: Path) -> bool:
    """Whether an adapter's own weights are there: its settings stay behind where it was merged."""
    return any((path / name).is_file() for name in ADAPTER_NAMES)


def _recognised(path: Path) -> Source:
    found = _kind(path)
    if found is None:
        several = [entry.name for pattern in ("*.onnx", CHECKPOINTS) for entry in sorted(path.glob(pattern))]
        raise FoldshipError(
            f"{path}: holds no model that is known",
            expected=KNOWN,
            found=listed(sorted(entry.name for entry in path.iterdir())) if path.is_dir() else "another file",
            fix=f"name one of them: {listed(several)}"
            if several
            else "name the folder that the model was saved to, weights and config.json in it",
        )
    return Source(*found)
