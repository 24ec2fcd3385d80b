"""What two graphs have in common when only their weights differ."""

from __future__ import annotations

import hashlib

import onnx
from onnx import TensorProto

from foldship.modelling.graph_files import WEIGHT_TYPES


def digest(model: onnx.ModelProto) -> str:
    """SHA-256 in hex of the graph without the values of its weights.

    Names, types and shapes of weights count, and so do the values of integers, which steer shapes.
    """
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for tensor in bare.graph.initializer:
        if tensor.data_type in WEIGHT_TYPES:
            kept = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            tensor.CopyFrom(kept)
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()
