"""Which tensor of a checkpoint is which of a network's weights, whatever was put before its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from foldship_kernel.errors import FoldshipError

# What torch.compile and sharded training put within a name, wherever they wrapped a module.
WRAPPERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
# Parts of a norm as the first BERT called them.
_OLD = {"gamma": "weight", "beta": "bias"}
_CLOSE = 0.5  # share of the best match from which on another one is as likely meant


@dataclass(frozen=True)
class Match:
    """Names that found each other.

    Attributes:
        keys: name in the checkpoint, by name in the network.
        prefix: what the checkpoint's names begin with, and the network's do not.
        left: names in the checkpoint without that beginning that are nobody's, by name in the checkpoint.
    """

    keys: dict[str, str]
    prefix: str
    left: dict[str, str]


def match(names: Collection[str], base: str, keys: Iterable[str], place: str) -> Match:
    """Match a network's names with those of a checkpoint.

    Of a checkpoint of an encoder alone, a network with a head gets the encoder; of one with a head, an
    encoder gets its own part. Beginnings such as `module.` or `model.backbone.` are taken off, where they are
    the same for all.

    Args:
        names: of the network.
        base: by which a network with a head calls its encoder, as in transformers' `base_model_prefix`.
        keys: of the checkpoint.
        place: of the checkpoint, for errors.

    Raises:
        FoldshipError: names fit with more than one beginning.
    """
    old = {part: new for part, new in _OLD.items() if not any(name.endswith(f".{part}") for name in names)}
    plain: dict[str, str] = {}
    for key in keys:
        name = _plain(key, old)
        if plain.setdefault(name, key) != key:
            raise FoldshipError(
                f"{place}: two of its weights have the same name but for what wraps them",
                found=f"{plain[name]} and {key}",
                fix="save the model's own weights: model.save_pretrained(folder)",
            )
    own = f"{base}."
    best, prefix, forms = _best(plain, {name: name for name in names}, own, place)
    # An encoder within the network may stand in the checkpoint on its own.
    short = {name.removeprefix(own): name for name in names if base and name.startswith(own)}
    if best < len(short) < len(names):
        alone = _best(plain, short, own, place)
        if alone[0] > best:
            best, prefix, forms = alone
    found = {forms[form]: plain[prefix + form] for form in forms if prefix + form in plain}
    taken = set(found.values())
    left = {
        key: name.removeprefix(prefix) if name.startswith(prefix) else name
        for name, key in plain.items()
        if key not in taken
    }
    return Match(found, prefix, left)


def _best(
    plain: Collection[str], forms: dict[str, str], own: str, place: str
) -> tuple[int, str, dict[str, str]]:
    """How many names fit with the beginning that fits most, that beginning, and `forms`."""
    counts: Counter[str] = Counter()
    for key in plain:
        for start in (0, *(spot + 1 for spot, letter in enumerate(key) if letter == ".")):
            if key[start:] in forms:
                counts[key[:start]] += 1
    if not counts:
        return 0, "", forms
    most = max(counts.values())
    # What is as a library names it is meant, whatever else is there.
    usual = next((prefix for prefix in ("", own) if counts[prefix] == most), None)
    prefix = next(prefix for prefix, count in counts.items() if count == most) if usual is None else usual
    others = [other for other, count in counts.items() if other != prefix and count >= _CLOSE * most]
    if usual is None and others:
        raise FoldshipError(
            f"{place}: which of its weights are the network's is not clear",
            expected="one beginning of all names",
            found=" and ".join(f"{counts[name]} that begin with {name!r}" for name in (prefix, *others)),
            fix="save the one network that is meant: model.save_pretrained(folder)",
        )
    return most, prefix, forms


def _plain(key: str, old: Mapping[str, str]) -> str:
    parts = [part for part in key.split(".") if part not in WRAPPERS]
    return ".".join([*parts[:-1], old.get(parts[-1], parts[-1])]) if parts else key
