"""What is known of a fold's network once it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from foldship.modelling import sketch
from foldship.modelling.foreign import Dense
from foldship_kernel.errors import FoldshipError

# Of a configuration, what says nothing about the network.
_PRIVATE = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures")
UNLIMITED = 8192  # tokens; what a tokenizer without a limit names is far above


@dataclass(frozen=True)
class Network:
    """One fold's network, its weights apart.

    Attributes:
        kind: of `foldship.modelling.adopted`.
        width: number of outputs.
        config: its configuration without what differs between copies; empty where there is none.
        labels: names of the outputs; None where nobody gave them any.
        problem: what it was trained for, in the words of transformers; "" where that is not known.
        segments: whether it tells texts apart by token type ids.
        longest: most tokens that it takes or was meant for; None where it does not say.
        backbone: name of its pretrained encoder on the hub; "" where that is not known.
        pooling, dense, shape: see `AdoptedCard`.
        words: a folder or name on the hub whose tokenizer serves where there is none beside the weights.
        notes: what was done to the weights, one line each.
    """

    kind: str
    width: int
    config: dict[str, Any]
    labels: tuple[str, ...] | None
    problem: str
    segments: bool
    longest: int | None
    backbone: str = ""
    pooling: tuple[str, ...] = ()
    dense: tuple[Dense, ...] = ()
    shape: tuple[int, int, int] | None = None
    words: str = ""
    notes: tuple[str, ...] = ()


# What may differ between the folds of a model.
_OF_A_COPY = frozenset({"backbone", "words", "notes"})


def common(networks: Sequence[Network], names: Sequence[str]) -> Network:
    """The network that all folds have.

    Raises:
        FoldshipError: two folds have different ones.
    """
    first = networks[0]
    for network, name in zip(networks[1:], names[1:], strict=True):
        for field in fields(Network):
            one, other = getattr(first, field.name), getattr(network, field.name)
            if one != other and field.name not in _OF_A_COPY:
                raise FoldshipError(
                    f"{name} is another network than {names[0]}",
                    expected=f"{field.name} {_difference(one, other)}",
                    found=f"{field.name} {_difference(other, one)}",
                    fix="adopt them as models of their own: each takes part in the blend like any other",
                )
    return first


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return str({key: value for key, value in one.items() if other.get(key) != value})
    return str(one)


def plain(config: PretrainedConfig) -> dict[str, Any]:
    """A configuration without what differs between copies of the same network."""
    return {key: value for key, value in config.to_diff_dict().items() if key not in _PRIVATE}


def labels_of(config: PretrainedConfig) -> tuple[str, ...] | None:
    """Names of the outputs; None where they are the numbers that transformers gives them."""
    named = config.id2label or {}
    names = tuple(str(named.get(number, f"LABEL_{number}")) for number in range(config.num_labels))
    return None if names == tuple(f"LABEL_{number}" for number in range(len(names))) else names


def origin(name: str) -> str:
    """A pretrained encoder's name on the hub; "" for a folder."""
    is_folder = Path(name).is_absolute() or name.startswith((".", "~")) or Path(name).exists()
    return "" if is_folder or name.count("/") > 1 else name


def longest(config: PretrainedConfig) -> int | None:
    """The longest sequence that an encoder has positions for; None where any length is possible."""
    return sketch.longest(config)


def reads_segments(config: PretrainedConfig) -> bool:
    """Whether token type ids make a difference."""
    return getattr(config, "type_vocab_size", 0) > 1
