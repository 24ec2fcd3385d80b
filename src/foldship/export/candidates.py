"""What can run an encoder on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from foldship.export.parity import HALF_CPU, Rung
from foldship_kernel import engines
from foldship_kernel.errors import BundleError, FoldshipError

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


# Of outputs in [0, 1]. A model of six layers is off by 0.003 in bf16 and by 0.07 in int8, and a graph that
# computes something else by far more. Whether the ranks survive is asked on rows held out.
_TOLERANCE_BF16, _TOLERANCE_INT8 = 0.05, 0.15
REFERENCE = Candidate("onnxruntime", "onnxruntime", ENCODER, HALF_CPU)
OPENVINO_FP32 = Candidate(
    "openvino-fp32", "openvino-fp32", ENCODER, Rung("OpenVINO in fp32 on CPU", HALF_CPU.tolerance, _FIX)
)
OPENVINO = Candidate("openvino", "openvino", ENCODER, Rung("OpenVINO on CPU", _TOLERANCE_BF16, _FIX))
INT8 = Candidate("onnxruntime-int8", "onnxruntime", ENCODER_INT8, Rung("int8 on CPU", _TOLERANCE_INT8, _FIX))
INSTEAD = "set cpu_engine: auto in kernel.yaml: it takes the fastest engine that can be used"
CANDIDATES = (REFERENCE, OPENVINO_FP32, OPENVINO, INT8)  # the most exact first


def check(name: str) -> None:
    """Refuse an engine, as kernel.yaml names it, that cannot be tried on this machine.

    Raises:
        FoldshipError: it cannot.
    """
    fault = next((obstacle(candidate) for candidate in CANDIDATES if candidate.name == name), "")
    if fault:
        raise FoldshipError(f"cpu_engine: {name} cannot be used", found=fault, fix=INSTEAD)


def obstacle(candidate: Candidate) -> str:
    """Why a candidate cannot be tried here; empty if it can.

    Unless it is told not to, OpenVINO computes in bf16 wherever a processor can, so where this one cannot,
    nothing can be told of it.
    """
    try:
        engines.get(candidate.engine)
    except BundleError as error:
        return f"cannot be used here: {error.found}"
    if candidate is not OPENVINO:
        return ""
    from foldship_kernel.engines import open_vino

    return "" if open_vino.precision() == open_vino.BF16 else "this processor has no bf16 to try it with"
