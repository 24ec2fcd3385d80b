"""A folder that is either wholly there or as it was before."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldship import folders


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out` that takes its place if the block ends well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-new-", dir=out.parent))
    try:
        yield staged
        staged.chmod(0o755)
        folders.replace({out: staged})
    finally:
        shutil.rmtree(staged, ignore_errors=True)
