"""What must not be in a bundle: pickles and other strangers, secrets, paths of the machine it was made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from foldship.shipping.inspection import kinds, secrets
from foldship.shipping.inspection.finding import KIND, SECRET, Finding
from foldship_kernel.errors import FoldshipError, listed

__all__ = ["KIND", "SECRET", "Finding", "inspect", "refuse"]


def inspect(folder: Path, machine: secrets.Machine) -> list[Finding]:
    """Look at every file of a bundle's folder.

    Args:
        folder: a part of the dataset, or the kernel's.
        machine: whose values and paths must not be in it.

    Returns:
        What is wrong, sorted by file; paths are relative to `folder`.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    found = [*kinds.check(folder, files), *secrets.check(folder, files, machine)]
    return sorted(found, key=lambda finding: (finding.file, finding.line or 0))


def refuse(folders: Mapping[str, Path], machine: secrets.Machine) -> None:
    """Refuse folders with anything wrong in them.

    Args:
        folders: by the name to show.
        machine: whose values and paths must not be in them.

    Raises:
        FoldshipError: with where, what and the remedy of each finding.
    """
    found: Sequence[tuple[str, Finding]] = [
        (name, finding) for name, folder in folders.items() for finding in inspect(folder, machine)
    ]
    if found:
        raise FoldshipError(
            "the bundle holds what must not travel; an earlier bundle is still there",
            expected="graphs, weights, tokenizers, wheels and plain source, without secrets or home folders",
            found=listed([f"{name}/{finding}" for name, finding in found]),
            fix="; ".join(dict.fromkeys(finding.fix for _, finding in found)),
        )
