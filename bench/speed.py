"""Sentence vectors of ragged texts on the CPU: our engines against what else one would run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from transformers import AutoConfig

from bench import contest, flops, models, ours, texts
from bench.contest import Contestant
from bench.options import Options
from bench.peers import batches, ctranslate, openvino_plain, optimum_ort, pytorch, trainer
from bench.report import Report
from foldship.modelling import backbone

PADDED_TO = 512


def run(options: Options, made: models.Models, folder: Path) -> Report:
    """Hold the contest.

    Args:
        options: of the bench.
        made: the bench's models.
        folder: for the peers' own files.
    """
    size = options.size
    source = backbone.locate(backbone.EMBEDDED, folder)
    rows = texts.sequences(size.texts)
    reference = pytorch.build(source, "eager")(rows)
    outcome = contest.hold(
        contestants(source, made, folder, options.threads),
        rows,
        reference,
        rounds=size.rounds,
        padded_rows=size.padded_texts,
        flops=flops.of_encoder(AutoConfig.from_pretrained(source), rows.lengths.tolist()),
        peaks={
            "fp32": flops.peak(size.peak_sizes, torch.float32),
            "bf16": flops.peak(size.peak_sizes, torch.bfloat16),
        },
        describe="speed",
    )
    lengths = rows.lengths
    peaks = ", ".join(f"{peak / 1e9:,.0f} GFLOP/s in {name}" for name, peak in outcome.peaks.items())
    return Report(
        "speed",
        "Speed on a CPU",
        outcome.ratios,
        (outcome.table(),),
        (
            f"{len(lengths)} distinct generated texts of {lengths.min()} to {lengths.max()} tokens, mean "
            f"{lengths.mean():.0f}; all-MiniLM-L6-v2, mean-pooled; {options.threads} threads. Tokens in, "
            "vectors out; models are loaded and warmed up before.",
            f"Medians of {size.rounds} rounds; rounds of one engine differ by up to {outcome.spread:.0%}.",
            f"Trainer.predict runs batches of {trainer.BATCH}, all padded to {PADDED_TO} tokens. That takes "
            f"long, so it gets a fixed random sample of {min(size.padded_texts, len(lengths))} texts; its "
            "seconds are scaled to the padded tokens of all.",
            f"The other peers get sorted batches of {batches.SIZE}, padded to their longest text. OpenVINO "
            "runs Optimum's graph.",
            "Errors are differences to eager attention in fp32, the largest of all rounds. An engine too far "
            "off is left out. Our graph in fp32 has the full weights; in bf16 it is the shipped one, with "
            "weights in fp16.",
            f"Of peak: FLOPs of the real tokens' matrix products, over the best square matrix product of "
            f"PyTorch in the same rounds ({peaks}).",
        ),
    )


def contestants(source: str, made: models.Models, folder: Path, threads: int) -> list[Contestant]:
    """All who run; the write-ups' way first, ours last."""
    graph, converted = folder / "optimum", folder / "ctranslate2"

    def openvino(precision: str) -> contest.Run:
        return openvino_plain.build(optimum_ort.export(source, graph), precision)

    def padded(attention: str) -> Contestant:
        return Contestant(
            f"trainer_{attention}_padded",
            f"Trainer.predict, {attention}, padded",
            "fp32",
            partial(trainer.build, source, attention, PADDED_TO),
            padded_to=PADDED_TO,
        )

    def peer(name: str, label: str, precision: str, build: partial[contest.Run]) -> Contestant:
        return Contestant(name, label, precision, build)

    return [
        padded("eager"),
        padded("sdpa"),
        peer("pytorch_sdpa", "PyTorch, sdpa", "fp32", partial(pytorch.build, source, "sdpa")),
        peer("pytorch_bf16", "PyTorch, sdpa", "bf16", partial(pytorch.build, source, "sdpa", "bf16")),
        peer("optimum", "Optimum, ONNX Runtime", "fp32", partial(optimum_ort.build, source, graph, threads)),
        peer(
            "ctranslate2",
            "CTranslate2",
            "fp32",
            partial(ctranslate.build, source, converted, "float32", threads),
        ),
        peer(
            "ctranslate2_int8",
            "CTranslate2",
            "int8",
            partial(ctranslate.build, source, converted, "int8", threads),
        ),
        peer("openvino", "OpenVINO", "fp32", partial(openvino, "f32")),
        peer("openvino_bf16", "OpenVINO", "bf16", partial(openvino, "bf16")),
        *(
            Contestant(
                engine.name,
                engine.label,
                engine.precision,
                partial(ours.predictor, made.sentences, engine),
                ours=True,
            )
            for engine in ours.CPU_ENGINES
        ),
    ]
