"""What the inspection kernel printed about its image, in any form that Kaggle hands it back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from foldship.images import profile
from foldship.images.profile import NAME, SUFFIX, Image
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

# The marker lines that `kernels/inspection.py` prints around its JSON.
BEGIN, END = "----- BEGIN FOLDSHIP IMAGE -----", "----- END FOLDSHIP IMAGE -----"
GPU, CPU = "kaggle-gpu", "kaggle-cpu"
LOCAL = "local"  # what every bundle must run on is not for anyone to change


def read(path: Path) -> Image:
    """Take an image's profile from `image.json`, the kernel's log, or the log as Kaggle's client stores it.

    Raises:
        FoldshipError: it cannot be read, holds no print-out, or one that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _no_printout(path, str(error)) from error
    value = _json(text)
    if _is_log(value):
        text = "".join(entry["data"] for entry in value if entry.get("stream_name", "stdout") == "stdout")
        value = None
    if value is None:
        between = re.search(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", text, re.DOTALL)
        if between is None:
            raise _no_printout(path, "no such lines")
        value = _json(between[1])
    if not isinstance(value, dict):
        raise _no_printout(path, "no JSON object")
    return profile.validate(value, str(path))


def default_name(image: Image) -> str:
    """The built-in image that a print-out stands for."""
    return GPU if image.cuda else CPU


def keep(print_out: Path, name: str | None, own: Path) -> Path:
    """Check a print-out, and store it in folder `own` by name; returns its path.

    Args:
        print_out: a file as of `read`.
        name: to keep it by; None for the built-in image's that it stands for.
        own: the folder of the user's own images.

    Raises:
        FoldshipError: it cannot be used, the name cannot be one, or is a GPU image's and there is no CUDA.
    """
    found = read(print_out)
    if name is None:
        name = default_name(found)
    if not re.fullmatch(NAME, name) or name == LOCAL:
        raise FoldshipError(
            f"an image cannot be named {name!r}",
            expected=f"lower-case letters, digits, '.', '-' and '_'; not '{LOCAL}'",
            fix="choose another name with IMAGE=...",
        )
    if name == GPU and found.cuda is None:
        raise FoldshipError(
            f"{print_out}: this image has no CUDA",
            expected=f"CUDA's libraries in the image {GPU}",
            found=found.description,
            fix="ask for a GPU in kernel.yaml, and make the kernel anew; or keep it by another IMAGE=",
        )
    own.mkdir(parents=True, exist_ok=True)
    path = own / f"{name}{SUFFIX}"
    lines = yaml.safe_dump(found.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    atomic.write_text(path, lines)
    return path


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_log(value: Any) -> bool:
    """Whether this is a log as `kaggle kernels output` stores it: pieces of text, with stream and time."""
    return isinstance(value, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("data"), str) for entry in value
    )


def _no_printout(path: Path, found: str) -> FoldshipError:
    return FoldshipError(
        f"{path}: holds no print-out of an image",
        expected=f"image.json, or a log with the lines {BEGIN!r} and {END!r}",
        found=found,
        fix="make the inspection kernel with `make image`, push it, and take its image.json or its log",
    )
