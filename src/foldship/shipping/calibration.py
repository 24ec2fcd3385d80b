"""The calibration kernel: a second kernel on the same dataset, which measures the machine it runs on."""

from __future__ import annotations

from pathlib import Path

from foldship import naming
from foldship.shipping import entry, metadata, side_kernel
from foldship.shipping.settings import KernelConfig
from foldship_kernel import manifest
from foldship_kernel.errors import FoldshipError

MODULE = "calibrate"
TITLE = " Calibration"


def write(dataset: Path, kernel_config: KernelConfig, template: Path, out: Path) -> None:
    """Write `kernel-metadata.json` and `main.py` into folder `out`, as a whole.

    Args:
        dataset: the bundle that it will measure with.
        kernel_config: of the kernel proper; the machine asked for is the same.
        template: the kernel's entry script.
        out: the folder to make.

    Raises:
        FoldshipError: there is no bundle, or its code cannot measure.
    """
    code = dataset / "code"
    if not (dataset / manifest.FILE_NAME).is_file() or not (code / f"foldship_kernel/{MODULE}.py").is_file():
        raise FoldshipError(
            f"{dataset}: there is no bundle to measure with",
            expected=f"{manifest.FILE_NAME}, and code that can measure",
            fix="make it with `make bundle`",
        )

    def write_main(folder: Path) -> None:
        sha256 = entry.digest(template, code)
        entry.write(folder, template, sha256, hand_over=f"foldship_kernel.{MODULE}")

    owner = metadata.checked_owner(kernel_config.owner)
    datasets = _datasets(dataset, owner, kernel_config.dataset_title)
    side_kernel.write(kernel_config, TITLE, write_main, out, datasets=datasets)


def _datasets(dataset: Path, owner: str, title: str) -> list[str]:
    parts = range(1, len(manifest.load(dataset / manifest.FILE_NAME).parts.datasets or [title]) + 1)
    return [metadata.dataset_id(owner, naming.part_title(title, part)) for part in parts]
