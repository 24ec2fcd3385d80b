"""Which kinds of file may travel. A file must be what its name says: nothing in it can run when it is read.

A pickle runs code when it is loaded, whatever its name: https://docs.python.org/3/library/pickle.html.
"""

from __future__ import annotations

import ast
import json
import pickletools
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import yaml

from foldship.shipping import graphs
from foldship.shipping.inspection.finding import KIND, Finding
from foldship_kernel.errors import FoldshipError
from foldship_kernel.retrieval import arrays as retrieval_arrays

HEAD = 64  # bytes that tell most kinds
OPCODES = 16  # that many in a row are no accident
OLD_BEGINNINGS = tuple(b"%c" % byte for byte in b"(cIFLVS]}")  # of pickles without a header
REMEDY = "take it out, or convert it to safetensors, JSON or ONNX"
WHEEL = ".whl"
WEIGHTS = (".bin", ".data")
# Beginnings of files that are, or may wrap, a pickle.
MAGIC = MappingProxyType(
    {
        b"\x93NUMPY": "a NumPy array, which may hold pickled objects",
        b"\x1f\x8b": "a gzip archive, as joblib writes pickles",
        b"BZh": "a bzip2 archive, as joblib writes pickles",
        b"\xfd7zXZ\x00": "an xz archive, as joblib writes pickles",
        b"\x89HDF": "an HDF5 file, which may hold pickled objects",
    }
)


def check(folder: Path, files: Sequence[Path]) -> Iterator[Finding]:
    """What of some files is of no kind that may travel; wheels are archives of their own."""
    referenced = _referenced(files)
    for path in files:
        name = path.relative_to(folder).as_posix()
        what = _link(path) or _stranger(path, referenced)
        if what:
            yield Finding(name, what, REMEDY, KIND)


def _link(path: Path) -> str:
    return "is a link, and would not be uploaded" if path.is_symlink() else ""


def _stranger(path: Path, referenced: frozenset[Path]) -> str:
    """What the file is that it must not be; "" when it may travel."""
    suffix = path.suffix.lower()
    if suffix == WHEEL:
        return ""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    wrapped = pickle_in(path, head)
    if wrapped:
        return f"is {wrapped}"
    if suffix in WEIGHTS:
        return "" if path in referenced else "is weights that neither a graph nor an index beside it names"
    reader = READERS.get(suffix)
    if reader is None:
        return f"is of a kind that does not travel ({', '.join(sorted({*READERS, *WEIGHTS, WHEEL}))} do)"
    try:
        reader(path)
    except (FoldshipError, ValueError, SyntaxError, yaml.YAMLError):
        return f"is not what its name says: cannot be read as {suffix}"
    return ""


def pickle_in(path: Path, head: bytes) -> str:
    """What kind of pickle a file is or may wrap, by its content alone; "" for none.

    Args:
        path: the file.
        head: its first bytes.
    """
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    for magic, what in MAGIC.items():
        if head.startswith(magic):
            return what
    return "a pickle" if _is_pickle(path, head) else ""


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return "a damaged zip archive"
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return "a PyTorch checkpoint, which is a zip archive with a pickle"
    return "a zip archive"


def _is_pickle(path: Path, head: bytes) -> bool:
    """Whether a file is a pickle: a header and many operations, or operations up to its very end."""
    binary = len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5
    if not (binary or head[:1] in OLD_BEGINNINGS):
        return False
    with path.open("rb") as stream, warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")  # about escapes in what turns out to be no pickle
        for count, (operation, _, _) in enumerate(pickletools.genops(stream), start=1):
            if binary and count >= OPCODES:
                return True
            if operation.name == "STOP":
                return (binary or count > 2) and not stream.read(1)
    return False  # something odd stood between the operations


def _referenced(files: Sequence[Path]) -> frozenset[Path]:
    """Files that graphs read weights from, in the graph's own folder or below, and arrays of an index."""
    found: set[Path] = set()
    arrays = {path for path in files if path.suffix in WEIGHTS}
    for path in files:
        if path.suffix == ".json" and any(array.parent == path.parent for array in arrays):
            found.update(_arrays(path))
        if path.suffix == ".onnx":
            try:
                tensors = graphs.external(graphs.load(path))
            except FoldshipError:  # reported when the file itself is looked at
                continue
            found.update(path.parent / tensor.location for tensor in tensors)
    return frozenset(found)


def _arrays(path: Path) -> Iterator[Path]:
    """Files beside a JSON file that are just the arrays that it describes."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for name, described in json.loads(path.read_text(encoding="utf-8"))["arrays"].items():
            array = path.with_name(f"{name}.bin")
            retrieval_arrays.read(array, described)
            yield array


def _read_json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _read_python(path: Path) -> None:
    ast.parse(path.read_bytes())


def _read_text(path: Path) -> None:
    if "\0" in path.read_text(encoding="utf-8"):
        raise ValueError("binary")


def _read_yaml(path: Path) -> None:
    # Composed and not loaded: tags that would make objects are not followed.
    yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)


def _read_safetensors(path: Path) -> None:
    """Source of the layout: https://huggingface.co/docs/safetensors/index#format."""
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        if not 2 <= size <= path.stat().st_size - 8:
            raise ValueError("no header")
        if not isinstance(json.loads(stream.read(size)), dict):
            raise ValueError("no header")


def _read_graph(path: Path) -> None:
    graphs.load(path)


READERS: Mapping[str, Callable[[Path], None]] = MappingProxyType(
    {
        ".json": _read_json,
        ".onnx": _read_graph,
        ".py": _read_python,
        ".safetensors": _read_safetensors,
        ".txt": _read_text,
        ".yaml": _read_yaml,
        ".yml": _read_yaml,
    }
)
