"""LoRA adapters folded into the weights they adapt."""

from __future__ import annotations

from peft import PeftModel

from foldship.modelling.model import RowModel
from foldship_kernel.errors import FoldshipError


def merge_adapters(model: RowModel) -> bool:
    """Merge the encoder's adapters in place; returns whether it had any.

    Args:
        model: loaded anew in full precision: merging into weights held in 4 bits corrupts them.

    Raises:
        FoldshipError: a weight is not held in full precision, or merging gives numbers that are not finite.
    """
    backbone = model.encoder.backbone
    if not isinstance(backbone, PeftModel):
        return False
    quantised = [name for name, tensor in backbone.named_parameters() if not tensor.is_floating_point()]
    if quantised:
        raise FoldshipError(
            "adapters can only be merged into full-precision weights",
            found=f"{quantised[0]} is quantised",
            fix="load the fold with `store.load_fold`, which reads the base in full precision",
        )
    merged = backbone.merge_and_unload()
    broken = [name for name, tensor in merged.named_parameters() if not tensor.isfinite().all()]
    if broken:
        raise FoldshipError(
            "merging the adapters gave numbers that are not finite",
            found=", ".join(broken[:3]),
            fix="train the fold again with a lower learning rate",
        )
    model.encoder.backbone = merged
    return True
