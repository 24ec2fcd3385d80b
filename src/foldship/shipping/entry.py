"""The kernel's entry script, bound to the code it will find in the dataset and to a module of it."""

from __future__ import annotations

import runpy
from pathlib import Path

from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

FILE_NAME = "main.py"
PLACES = ("CODE_SHA256", "HAND_OVER")
SUBMISSION = "foldship_kernel.supervise"  # makes the submission


def write(folder: Path, template: Path, code_sha256: str, *, hand_over: str = SUBMISSION) -> None:
    """Write `main.py` with the code's SHA-256 and the module to hand over to filled in.

    Args:
        folder: to write into.
        template: the entry script with places for both.
        code_sha256: of the code to look for, see `digest`.
        hand_over: name of the module whose `main(bundle, inputs, working, start)` does the work.

    Raises:
        FoldshipError: see `check`.
    """
    text = check(template)
    for name, value in (("CODE_SHA256", code_sha256), ("HAND_OVER", hand_over)):
        text = text.replace(f"@{name}@", value)
    atomic.write_text(folder / FILE_NAME, text)


def check(template: Path) -> str:
    """The entry script as it is before anything is filled in.

    Raises:
        FoldshipError: it cannot be read, or does not hold each placeholder just once.
    """
    try:
        text = template.read_text(encoding="utf-8")
    except OSError as error:
        raise FoldshipError(
            f"{template}: cannot be read", found=str(error), fix="restore it, it comes with the project"
        ) from error
    for name in PLACES:
        if text.count(f"@{name}@") != 1:
            raise FoldshipError(
                f"{template}: {name} has no place to go",
                expected=f"@{name}@ once",
                found=f"{text.count(f'@{name}@')} times",
                fix=f"restore the line that sets {name}",
            )
    return text


def digest(template: Path, code: Path) -> str:
    """SHA-256 of the code in folder `code`, by the very function that the kernel will check it with."""
    return str(runpy.run_path(str(template))["digest"](code))
