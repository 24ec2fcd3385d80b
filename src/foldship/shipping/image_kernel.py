"""The inspection kernel: says what is in the image that the kernel will run in. It needs no bundle."""

from __future__ import annotations

from pathlib import Path

from foldship.shipping import entry, side_kernel
from foldship.shipping.settings import KernelConfig
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

TITLE = " Image"
# It reads no data; and so no rules need to be accepted first.
NO_COMPETITION: dict[str, list[str]] = {"competition_sources": []}


def write(script: Path, kernel_config: KernelConfig, out: Path) -> None:
    """Write `kernel-metadata.json` and `main.py` into folder `out`, as a whole.

    Args:
        script: the kernel's whole code.
        kernel_config: of the kernel proper; the machine asked for is the same.
        out: the folder to make.

    Raises:
        FoldshipError: the script is missing.
    """

    def write_main(folder: Path) -> None:
        try:
            text = script.read_text(encoding="utf-8")
        except OSError as error:
            raise FoldshipError(
                f"{script}: cannot be read", found=str(error), fix="restore it, it comes with the project"
            ) from error
        atomic.write_text(folder / entry.FILE_NAME, text)

    side_kernel.write(kernel_config, TITLE, write_main, out, changes=NO_COMPETITION)
