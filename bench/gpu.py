"""Sentence vectors on a CUDA device: our fp16 graph against PyTorch's fp16."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig

from bench import contest, flops, ours, texts
from bench.contest import Contestant
from bench.models import Models
from bench.options import Options
from bench.peers.batches import padded
from bench.peers.pytorch import encoder
from bench.report import Report
from foldship.modelling import backbone
from foldship_kernel import batching
from foldship_kernel.encoded import EncodedRows

PEAK_SIZES = 4096, 8192
TOKENS = 32_768  # padded, per batch of PyTorch
TITLE = "Speed on a GPU"


def run(options: Options, made: Models, folder: Path) -> Report:
    """Hold the contest, or say why there can be none."""
    if not torch.cuda.is_available():
        return Report("gpu", TITLE, {}, skipped="there is no CUDA device")
    if not ours.cuda_devices():
        return Report("gpu", TITLE, {}, skipped="this ONNX Runtime has no CUDA provider; see onnxruntime-gpu")
    size = options.size
    source = backbone.locate(backbone.EMBEDDED, folder)
    rows = texts.sequences(size.gpu_texts)
    outcome = contest.hold(
        [
            Contestant(
                "pytorch_fp16_sdpa", "PyTorch, sdpa", "fp16", partial(_pytorch, source, "sdpa", torch.float16)
            ),
            Contestant(
                ours.FP16_GPU.name,
                ours.FP16_GPU.label,
                ours.FP16_GPU.precision,
                partial(ours.predictor, made.sentences, ours.FP16_GPU),
                ours=True,
            ),
        ],
        rows,
        _pytorch(source, "eager", torch.float32)(rows),
        rounds=size.rounds,
        padded_rows=len(rows.index),
        flops=flops.of_encoder(AutoConfig.from_pretrained(source), rows.lengths.tolist()),
        peaks={"fp16": flops.peak(PEAK_SIZES, torch.float16, "cuda")},
        describe="gpu",
    )
    return Report(
        "gpu",
        TITLE,
        outcome.ratios,
        (outcome.table(),),
        (
            f"{len(rows.index):,} generated texts of {texts.SHORTEST} to {texts.LONGEST} tokens, mean "
            f"{rows.lengths.mean():.0f}; one GPU; tokens in, vectors out.",
            f"PyTorch gets sorted batches of {TOKENS:,} padded tokens; ours finds its own size.",
            "Errors are differences to eager attention in fp32 on the same GPU.",
            "Of peak: FLOPs of the real tokens' matrix products, over the best square matrix product of "
            "PyTorch in the same rounds.",
        ),
    )


def _pytorch(source: str, attention: str, dtype: torch.dtype) -> Callable[[EncodedRows], NDArray[np.float32]]:
    model = encoder(source, attention).to("cuda", dtype)

    def predict(rows: EncodedRows) -> NDArray[np.float32]:
        vectors = np.zeros((len(rows.boundaries), model.width), dtype=np.float32)
        with torch.inference_mode():
            for batch in batching.plan(rows.lengths, TOKENS):
                inputs = padded(rows, batch)
                tensors = {name: torch.from_numpy(value).to("cuda") for name, value in inputs.items()}
                vectors[batch] = model(**tensors).float().cpu().numpy()
        return vectors[rows.index[:, 0]]

    return predict
