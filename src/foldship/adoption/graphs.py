"""ONNX graphs of other makers: looked through, tried, and stored with the names that the kernel feeds."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto
from transformers import AutoConfig, PretrainedConfig

from foldship.adoption import graph_trial
from foldship.adoption.graph_trial import EXPORT, SEGMENTS, TOKENS
from foldship.adoption.network import Network, labels_of, longest, origin, plain
from foldship.modelling import graph_files
from foldship.modelling.adopted import GRAPH, ONNX
from foldship_kernel.errors import FoldshipError, listed

LOGITS, POOLED = "logits", "pooled"
OPSETS = range(17, 22)  # of older ones ONNX Runtime fails on the form with fp16 weights
NEWEST_IR = 10
DOMAINS = ("", "ai.onnx", "com.microsoft")
_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def take(path: Path, out: Path) -> Network:
    """Read a graph, and write it to `out` with its weights inside; beside it, where they are too large.

    Raises:
        FoldshipError: it cannot be read or run, or is not what the kernel could feed.
    """
    model = _load(path)
    _check_versions(model, path)
    _check_types(model, path)
    inputs = _inputs(model, path)
    _keep_one_output(model, path)
    model.ir_version = min(model.ir_version, NEWEST_IR)
    if graph_files.size(model) > graph_files.LARGEST:
        graph_files.store(model, out / GRAPH)
    else:
        onnx.save(model, out / GRAPH)
    width = graph_trial.outputs(out / GRAPH, path, SEGMENTS in inputs)
    config = _config(path.parent)
    return Network(
        kind=ONNX,
        width=width,
        config={} if config is None else plain(config),
        labels=None if config is None or config.num_labels != width else labels_of(config),
        problem="" if config is None else config.problem_type or "",
        segments=SEGMENTS in inputs,
        longest=None if config is None else longest(config),
        backbone="" if config is None else origin(config._name_or_path),
        shape=_shape(model) if config is None else None,
    )


def _load(path: Path) -> onnx.ModelProto:
    try:
        model: onnx.ModelProto = onnx.load(path)
    except DecodeError as error:
        raise FoldshipError(
            f"{path}: no ONNX graph", found=str(error), fix="copy it again, or export it again"
        ) from error
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise FoldshipError(
            f"{path}: its weights lie in another file that cannot be read",
            expected="the files of external data beside the graph",
            found=str(error).splitlines()[0],
            fix="copy them whole into the same folder, under the names that they had",
        ) from error
    if not model.graph.node:
        raise FoldshipError(
            f"{path}: no ONNX graph", found="an empty file", fix="copy it again, or export it again"
        )
    return model


def _check_versions(model: onnx.ModelProto, path: Path) -> None:
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    strange = [domain for domain in opsets if domain not in DOMAINS]
    used = {node.domain for node in model.graph.node}
    if strange and used.intersection(strange):
        raise FoldshipError(
            f"{path}: operators that ONNX Runtime does not have",
            expected=f"operators of {listed(list(DOMAINS[1:]))}",
            found=listed(strange),
            fix=EXPORT,
        )
    if opsets.get("ai.onnx") not in OPSETS:
        raise FoldshipError(
            f"{path}: an opset that the kernel cannot be relied on to run",
            expected=f"{OPSETS[0]} to {OPSETS[-1]}",
            found=str(opsets.get("ai.onnx")),
            fix="export it with opset 17, or let onnx.version_converter.convert_version(model, 17) do so",
        )


def _check_types(model: onnx.ModelProto, path: Path) -> None:
    """Refuse what was made smaller already: what half precision costs is measured here, fold by fold."""
    quantised = sorted(
        {n.op_type for n in model.graph.node if "Quantize" in n.op_type or "Integer" in n.op_type}
    )
    halves = [tensor.name for tensor in model.graph.initializer if tensor.data_type in _HALF]
    if quantised or halves:
        raise FoldshipError(
            f"{path}: the graph is {'quantised' if quantised else 'in half precision'} already",
            expected="weights in fp32: half precision and int8 are made and checked when it is bundled",
            found=listed(quantised or halves),
            fix=EXPORT,
        )


def _inputs(model: onnx.ModelProto, path: Path) -> list[str]:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value.type.tensor_type for value in model.graph.input if value.name not in weights}
    lacking = [name for name in TOKENS if name not in inputs]
    strange = [name for name in inputs if name not in (*TOKENS, SEGMENTS)]
    if lacking or strange:
        raise FoldshipError(
            f"{path}: inputs that the kernel does not feed",
            expected=f"{listed(list(TOKENS))}, and {SEGMENTS} or not",
            found=listed(list(inputs)),
            fix="export it again with these names",
        )
    for name, kind in inputs.items():
        if kind.elem_type != TensorProto.INT64:
            found = TensorProto.DataType.Name(kind.elem_type)
            raise FoldshipError(f"{path}: {name} is no int64", expected="INT64", found=found, fix=EXPORT)
        sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
        if len(sizes) != 2 or any(size is not None for size in sizes):
            raise FoldshipError(
                f"{path}: {name} has a fixed size",
                expected="two dynamic axes: sequences and tokens",
                found=str(sizes),
                fix=EXPORT,
            )
    return list(inputs)


def _keep_one_output(model: onnx.ModelProto, path: Path) -> None:
    """Leave one output, and call it as the kernel's encoders do."""
    outputs = list(model.graph.output)
    chosen = outputs if len(outputs) == 1 else [output for output in outputs if output.name == LOGITS]
    if len(chosen) != 1:
        raise FoldshipError(
            f"{path}: which output holds the logits is not clear",
            expected=f"one output, or one called {LOGITS}",
            found=listed([output.name for output in outputs]),
            fix="export it again with the logits alone",
        )
    if chosen[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise FoldshipError(f"{path}: the logits are no fp32 numbers", expected="FLOAT", fix=EXPORT)
    taken = chosen[0].name
    if POOLED in {name for node in model.graph.node for name in (*node.input, *node.output)} - {taken}:
        raise FoldshipError(f"{path}: an inner value is called {POOLED}", fix=EXPORT)
    del model.graph.output[:]
    model.graph.output.extend(chosen)
    model.graph.output[0].name = POOLED
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [POOLED if name == taken else name for name in names]


def _config(folder: Path) -> PretrainedConfig | None:
    if (folder / "config.json").is_file():
        with suppress(OSError, ValueError, KeyError, json.JSONDecodeError):
            config: PretrainedConfig = AutoConfig.from_pretrained(folder)
            return config
    return None


def _shape(model: onnx.ModelProto) -> tuple[int, int, int]:
    """About how many layers there are and how wide: the run-time follows from the size of the products.

    A layer of width w has 12 w^2 weights in products, where it is 4 w wide within.
    """
    multiplied = {
        name for node in model.graph.node if node.op_type in ("MatMul", "Gemm") for name in node.input
    }
    looked_up = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    tables, products = [(1, 1)], 0
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 2:
            products += tensor.dims[0] * tensor.dims[1] if tensor.name in multiplied else 0
            tables += [tuple(tensor.dims)] if tensor.name in looked_up else []
    width = int(max(tables)[1])
    return max(1, round(products / (12 * width**2))), width, 4 * width
