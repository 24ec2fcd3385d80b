"""YAML as people write names in it: what it reads as a number is still known as it was written.

Its truth values are `true` and `false` alone, as YAML 1.2 has it, and it knows no dates: `yes`, `off` and
`2024-01-01` are texts.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"


class SpeltInt(int):
    """A whole number, and how it was written."""

    text: str = ""


class SpeltFloat(float):
    """A number, and how it was written."""

    text: str = ""


class Loader(yaml.SafeLoader):
    """The safe loader, with numbers that know how they were written."""

    def spelt_int(self, node: yaml.ScalarNode) -> SpeltInt:
        """A whole number."""
        value = SpeltInt(self.construct_yaml_int(node))
        value.text = node.value
        return value

    def spelt_float(self, node: yaml.ScalarNode) -> SpeltFloat:
        """A number."""
        value = SpeltFloat(self.construct_yaml_float(node))
        value.text = node.value
        return value


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in (f"{_TAG}bool", f"{_TAG}timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    f"{_TAG}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Loader.add_constructor(f"{_TAG}int", Loader.spelt_int)
Loader.add_constructor(f"{_TAG}float", Loader.spelt_float)


def _again(dumper: yaml.SafeDumper, value: Any) -> yaml.Node:
    kind = "int" if isinstance(value, int) else "float"
    return dumper.represent_scalar(f"{_TAG}{kind}", value.text)


yaml.SafeDumper.add_representer(SpeltInt, _again)
yaml.SafeDumper.add_representer(SpeltFloat, _again)


def text_of(value: object) -> object:
    """A name as a text, however YAML read it.

    Raises:
        ValueError: it was read as a truth value or as nothing, and how it was written is not known.
    """
    if isinstance(value, bool):
        raise ValueError(
            f"{str(value).lower()} is a truth value in YAML: write the name in quotes, as in the file"
        )
    if value is None:
        raise ValueError("null is nothing in YAML: write the name in quotes, as in the file")
    return getattr(value, "text", str(value)) if isinstance(value, int | float) else value


def class_of(value: object) -> object:
    """As `text_of`, for a class: of a truth value it does not matter how it was written."""
    return str(value).lower() if isinstance(value, bool) else text_of(value)


def several(value: object) -> object:
    """A list of names, of which one alone needs no brackets."""
    return value if isinstance(value, dict | list | tuple) or value is None else [value]
