"""What can run an encoder on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from foldship.export.parity import HALF_CPU, Rung
from foldship_kernel import engines
from foldship_kernel.errors import BundleError

AUTO = "auto"
ENCODER, ENCODER_INT8 = "encoder_cpu", "encoder_int8"
_FIX = "set cpu_engine: onnxruntime in kernel.yaml"


@dataclass(frozen=True)
class Candidate:
    """A way to run the encoder on a CPU.

    Attributes:
        name: as in kernel.yaml.
        engine: the engine aboard.
        form: which form of the encoder's graph it runs.
        rung: what the parity ladder asks of its outputs.
    """

    name: str
    engine: str
    form: str
    rung: Rung


# Of outputs in [0, 1]: ten times what bf16 does to them, and far below what a graph does that computes
# something else. Whether the ranks survive is asked on rows held out.
_TOLERANCE = 0.05
REFERENCE = Candidate("onnxruntime", "onnxruntime", ENCODER, HALF_CPU)
OPENVINO = Candidate("openvino", "openvino", ENCODER, Rung("OpenVINO on CPU", _TOLERANCE, _FIX))
INT8 = Candidate("onnxruntime-int8", "onnxruntime", ENCODER_INT8, Rung("int8 on CPU", _TOLERANCE, _FIX))
CANDIDATES = (REFERENCE, OPENVINO, INT8)  # the most exact first


def obstacle(candidate: Candidate) -> str:
    """Why a candidate cannot be tried here; empty if it can.

    OpenVINO computes in bf16 wherever a processor can, so where this one cannot, nothing can be told of it.
    """
    if candidate is not OPENVINO:
        return ""
    try:
        engines.get(candidate.engine)
    except BundleError as error:
        return f"cannot be used here: {error.found}"
    from foldship_kernel.engines import open_vino

    return "" if open_vino.precision() == open_vino.BF16 else "this processor has no bf16 to try it with"
