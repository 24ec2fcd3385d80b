"""The kernel's entry: find the attached bundle, prove that its code is whole, and hand over to it.

Needs the standard library only. Searches /kaggle/input, so that no mount path is assumed, and writes to
/kaggle/working; FOLDSHIP_INPUT and FOLDSHIP_WORKING name other folders.
"""

import hashlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

START = time.monotonic()
# Filled in by `make bundle` and `make calibrate`: the code to look for, and its module to hand over to.
CODE_SHA256 = "@CODE_SHA256@"
HAND_OVER = "@HAND_OVER@"
INPUT = Path(os.environ.get("FOLDSHIP_INPUT", "/kaggle/input"))
WORKING = Path(os.environ.get("FOLDSHIP_WORKING", "/kaggle/working"))
DEPTH = 6


def folders(root: Path) -> Iterator[Path]:
    """Yield root and the folders below it, shallow ones first."""
    level = [root]
    for _ in range(DEPTH + 1):
        yield from level
        level = [child for folder in level for child in sorted(children(folder))]


def children(folder: Path) -> list[Path]:
    """Folders in `folder`, none where we must not look. No file is asked about: there may be a million."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if allowed(entry.is_dir)]
    except OSError:
        return []


def allowed(question: Callable[[], bool]) -> bool:
    """The answer about a path, False where we must not look."""
    try:
        return question()
    except OSError:
        return False


def digest(code: Path) -> str:
    """SHA-256 over the names and contents of all Python files below `code`, sorted by name."""
    total = hashlib.sha256()
    for path in sorted(code.rglob("*.py"), key=lambda path: path.relative_to(code).as_posix()):
        total.update(path.relative_to(code).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def find_bundle() -> Path:
    """The bundle.json that this kernel was built with, or an end with an error that names the fix."""
    rejected = []
    for folder in folders(INPUT):
        if allowed((folder / "bundle.json").is_file):
            try:
                found = digest(folder / "code")
            except OSError as error:
                rejected.append(f"{folder / 'code'} cannot be read: {error}")
                continue
            if found == CODE_SHA256:
                return folder / "bundle.json"
            rejected.append(f"{folder / 'code'} has SHA-256 {found[:12]}..., not {CODE_SHA256[:12]}...")
    if rejected:
        sys.exit(
            "error: the bundle's code is damaged, or belongs to another kernel\n  found:    "
            + "\n            ".join(rejected)
            + "\n  fix:      run `make bundle`, then upload the dataset and push the kernel together"
        )
    seen = [str(folder.relative_to(INPUT)) for folder in folders(INPUT) if folder != INPUT][:20]
    sys.exit(
        f"error: no bundle.json below {INPUT}\n  expected: the bundle's dataset, attached to this kernel\n"
        f"  found:    {', '.join(seen) or 'nothing'}\n"
        "  fix:      name the dataset in dataset_sources of kernel-metadata.json, and push again"
    )


def main() -> int:
    bundle = find_bundle()
    print(f"bundle: {bundle.parent}", flush=True)
    sys.path.insert(0, str(bundle.parent / "code"))
    sys.dont_write_bytecode = True  # inputs are read-only
    from foldship_kernel.errors import FoldshipError

    try:
        return int(import_module(HAND_OVER).main(bundle, INPUT, WORKING, START))
    except FoldshipError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        print(f"error: the kernel ended for what nobody foresaw: {type(error).__name__}: {error}")
        print(f"  fix:      report it with this log\nDetails:\n{traceback.format_exc()}", flush=True)
        return 1


if __name__ == "__main__":
    status = main()
    if status:  # where scripts run as notebooks, any SystemExit counts as a failure
        sys.exit(status)
