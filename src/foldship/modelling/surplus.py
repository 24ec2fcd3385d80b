"""Weights in a checkpoint that a network has no place for though it should: it is another network's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from foldship.modelling.weight_names import Match
from foldship_kernel.errors import FoldshipError, listed

# Tables that are computed and may be saved or not.
_COMPUTED = ("inv_freq", "masked_bias", "position_ids", "token_type_ids")


def refuse(skeleton: nn.Module, match: Match, state: Mapping[str, Tensor], place: str) -> None:
    """Refuse layers above the last one of config.json, and parts of layers that it knows as simple ones.

    Other heads than the network's, which pretraining leaves, are of no interest.

    Args:
        skeleton: the network, its weights apart.
        match: of its names with those of the checkpoint.
        state: the checkpoint's tensors by their names there.
        place: of the checkpoint.

    Raises:
        FoldshipError: there is something of the kind.
    """
    ignored = getattr(skeleton, "_keys_to_ignore_on_load_unexpected", None) or ()
    base, modules = getattr(skeleton, "base_model_prefix", ""), dict(skeleton.named_modules())
    found = []
    for key, name in match.left.items():
        if not state[key].is_floating_point() or name.endswith(_COMPUTED) or _matches(name, ignored):
            continue
        for parent in (name, f"{base}.{name}"):
            while parent and parent not in modules:
                parent = parent.rpartition(".")[0]
            at = modules[parent]
            if isinstance(at, nn.ModuleList) or (parent and at._parameters):
                found.append(key)
                break
    if found:
        raise FoldshipError(
            f"{place}: holds more than the network that config.json describes",
            expected="layers and weights of just this network",
            found=listed(found),
            fix="put the config.json beside it that it was saved with; an adapter has to be merged first, "
            "model.merge_and_unload()",
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(re.search(pattern, name) for pattern in patterns)
