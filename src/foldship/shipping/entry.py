"""The kernel's entry script, bound to the code it will find in the dataset."""

from __future__ import annotations

import runpy
from pathlib import Path

from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

FILE_NAME = "main.py"
PLACEHOLDER = "@CODE_SHA256@"


def write(folder: Path, template: Path, code_sha256: str) -> None:
    """Write `main.py` with the code's SHA-256 filled in.

    Raises:
        FoldshipError: the template does not hold the placeholder just once.
    """
    text = template.read_text(encoding="utf-8")
    if text.count(PLACEHOLDER) != 1:
        raise FoldshipError(
            f"{template}: the code's SHA-256 has no place to go",
            expected=f"{PLACEHOLDER} once",
            found=f"{text.count(PLACEHOLDER)} times",
            fix="restore the line that sets CODE_SHA256",
        )
    atomic.write_text(folder / FILE_NAME, text.replace(PLACEHOLDER, code_sha256))


def digest(template: Path, code: Path) -> str:
    """SHA-256 of the code in folder `code`, by the very function that the kernel will check it with."""
    return str(runpy.run_path(str(template))["digest"](code))
