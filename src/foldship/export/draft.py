"""A fold on its way: its graphs in a scratch folder, before what is shipped of them is stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foldship.export.candidates import ENCODER, ENCODER_INT8, Candidate
from foldship.export.parity import Ladder, Outputs
from foldship.export.quantise import quantise
from foldship.modelling import graph_files
from foldship_kernel.fold import Fold

FP32, HALF, HEAD = "encoder_fp32", "encoder", "head"
FILES = {
    FP32: "encoder-fold{}.fp32.onnx",  # never shipped
    HALF: "encoder-fold{}.onnx",
    ENCODER: "encoder-fold{}.cpu.onnx",
    ENCODER_INT8: "encoder-fold{}.int8.onnx",
    HEAD: "head-fold{}.onnx",
}


@dataclass
class Draft:
    """One fold.

    Attributes:
        fold: its number.
        scratch: where its graphs lie, weights beside them.
        ladder: its parity ladder.
        fused: (rows, targets) outputs of the fused fp32 graphs on the ladder's rows.
        largest: largest absolute value of each intermediate.
        attentions: number of fused attentions.
    """

    fold: int
    scratch: Path
    ladder: Ladder
    fused: Outputs
    largest: dict[str, float]
    attentions: int

    def path(self, form: str) -> Path:
        """Where a graph lies; the encoder in int8 is made when it is first asked for."""
        path = self.scratch / name(self.fold, form)
        if form == ENCODER_INT8 and not path.exists():
            quantise(self.path(FP32), graph_files.load(self.path(HALF)), path)
        return path

    def open(self, candidate: Candidate) -> Fold:
        """The graphs that a candidate runs, opened as in the kernel."""
        encoder = self.path(candidate.form)
        return Fold(encoder, encoder, self.path(HEAD), gpus=0, cpu_engine=candidate.engine)


def name(fold: int, form: str) -> str:
    """File name of one of a fold's graphs."""
    return FILES[form].format(fold)


def shipped(fold: int, engine: Candidate) -> dict[str, str]:
    """Names of the files that are shipped of a fold, by their key in the manifest."""
    forms = {"encoder": HALF, "encoder_cpu": engine.form, "head": HEAD}
    return {key: name(fold, form) for key, form in forms.items()}
