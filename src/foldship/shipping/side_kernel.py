"""A kernel beside the kernel proper, on the same machine, for a purpose of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foldship import folders, naming
from foldship.shipping import metadata
from foldship.shipping.settings import KernelConfig
from foldship_kernel import atomic


def write(
    kernel_config: KernelConfig,
    suffix: str,
    write_main: Callable[[Path], None],
    out: Path,
    *,
    datasets: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write `kernel-metadata.json` and `main.py` into folder `out`, as a whole.

    Args:
        kernel_config: of the kernel proper; owner and machine are the same.
        suffix: what its title ends with.
        write_main: writes `main.py` into the folder that it is given.
        out: the folder to make.
        datasets: "<owner>/<slug>" of those that are attached.
        changes: to the metadata.

    Raises:
        FoldshipError: the owner cannot be one.
    """
    name = title(kernel_config.title, suffix)
    value = metadata.kernel(
        owner=metadata.checked_owner(kernel_config.owner),
        title=name,
        datasets=datasets,
        competition=kernel_config.competition,
        gpu=kernel_config.accelerator == "gpu",
        machine_shape=kernel_config.machine_shape,
    )
    staged = out.with_name(f".{out.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        write_main(staged)
        atomic.write_json(staged / metadata.KERNEL, {**value, **(changes or {})})
        folders.replace({out: staged})
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def title(kernel: str, suffix: str) -> str:
    """Such a kernel's title, made of the kernel's own and as long as Kaggle takes."""
    for length in range(min(len(kernel), naming.LONGEST - len(suffix)), 0, -1):
        whole = kernel[:length].rstrip() + suffix
        try:
            naming.slug(whole)
        except ValueError:  # in ASCII it may have more characters
            continue
        return whole
    return suffix.strip()
