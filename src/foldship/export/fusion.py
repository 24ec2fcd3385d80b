"""Attention, layer norms and GELU of a traced encoder as single operators."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from transformers import PretrainedConfig

from foldship.modelling import graph_files
from foldship_kernel.errors import FoldshipError

# Their relative positions enter between the two products of attention, where no fused operator takes them.
UNFUSED = ("deberta", "deberta-v2")
WHOLE = 1 << 30  # bytes; the weights of graphs up to this size are held in memory
ATTENTION = ("Attention", "MultiHeadAttention")


def fuse(path: Path, config: PretrainedConfig) -> onnx.ModelProto:
    """Return the optimised fp32 graph of a traced encoder; large embedding tables stay in the file's folder.

    The fused masks are one length a sequence, so padding must be on the right.

    Raises:
        FoldshipError: attention of some layers did not fuse; the graph would be several times slower.
    """
    options = FusionOptions("bert")
    # Fused with its look-ups, the first layer norm is computed in fp16 as a whole, epsilon included.
    options.enable_embed_layer_norm = False
    tables: dict[str, onnx.TensorProto] = {}
    optimised = optimize_model(
        _without_tables(path, tables),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=options,
        opt_level=0,  # only patterns that hold for every device; the session does the rest where it runs
    )
    model = optimised.model
    found = fused_attentions(model)
    if config.model_type not in UNFUSED and found != config.num_hidden_layers:
        raise FoldshipError(
            f"attention of a {config.model_type} encoder did not fuse",
            expected=f"{config.num_hidden_layers} fused attentions, one a layer",
            found=str(found),
            fix="check the versions of torch, transformers and onnxruntime against requirements.lock; an "
            "architecture that never fuses needs an entry in foldship.export.fusion.UNFUSED",
        )
    _put_back(model, tables)
    if graph_files.size(model) <= WHOLE:
        for tensor in model.graph.initializer:
            graph_files.take_in(tensor, path.parent)
    return tidy(model)


def _without_tables(path: Path, tables: dict[str, onnx.TensorProto]) -> onnx.ModelProto:
    """The graph with its weights; what is only looked up, most of all, is an input and kept in `tables`."""
    model = graph_files.load(path)
    multiplied = {
        name
        for node in model.graph.node
        for place, name in enumerate(node.input)
        if node.op_type != "Gather" or place > 0
    }
    for place in reversed(range(len(model.graph.initializer))):
        tensor = model.graph.initializer[place]
        if tensor.name in multiplied or not graph_files.is_large(tensor):
            graph_files.take_in(tensor, path.parent)
            continue
        tables[tensor.name] = onnx.TensorProto()
        tables[tensor.name].CopyFrom(tensor)
        del model.graph.initializer[place]
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        model.graph.input.append(value)
    return model


def _put_back(model: onnx.ModelProto, tables: dict[str, onnx.TensorProto]) -> None:
    inputs = [value for value in model.graph.input if value.name not in tables]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    read = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(tables[name] for name in sorted(read.intersection(tables)))


def fused_attentions(model: onnx.ModelProto) -> int:
    """Number of fused attention operators."""
    return sum(node.op_type in ATTENTION for node in model.graph.node)


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what a session does not need: notes on where nodes came from and inferred shapes.

    Constants that are numbers become weights like any other, and every node gets a name.
    """
    for part in (model, model.graph, *model.graph.node):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    _lift_constants(model)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}.{number}"
    return model


def _lift_constants(model: onnx.ModelProto) -> None:
    nodes = []
    for node in model.graph.node:
        value = node.attribute[0] if node.op_type == "Constant" and len(node.attribute) == 1 else None
        if value is None or value.name != "value" or value.t.data_type != TensorProto.FLOAT:
            nodes.append(node)
            continue
        tensor = model.graph.initializer.add()
        tensor.CopyFrom(value.t)
        tensor.name = node.output[0]
        tensor.ClearField("doc_string")
    del model.graph.node[:]
    model.graph.node.extend(nodes)
