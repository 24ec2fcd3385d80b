"""Files of weights as other programs left them: found, seen to be whole, and read by name."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers.utils.hub import cached_file

from foldship_kernel.errors import FoldshipError, listed

# In the order in which `from_pretrained` looks for them.
NAMES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
ADAPTER_NAMES = ("adapter_model.safetensors", "adapter_model.bin")
ADAPTER_SETTINGS = "adapter_config.json"
# What scripts leave beside `config.json`, one file of it; and what a Trainer leaves that holds no weights.
OTHER_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
NO_WEIGHTS = ("optimizer", "scheduler", "scaler", "training_args", "rng_state")

COPY = "copy it again as a whole, from where it was saved"
_OBJECTS = re.compile(r"GLOBAL (\S+)")  # in torch's words about a pickle that it does not read
_LFS = b"version https://git-lfs"
_LENGTH = 8  # bytes that say how long the header of a safetensors file is


@dataclass(frozen=True)
class Checkpoint:
    """Weights by the names that they have in their files.

    Attributes:
        place: the file, or the folder of several, as a person knows it.
        state: the tensors, on the CPU, of whatever dtype they were saved in.
    """

    place: str
    state: dict[str, Tensor]


def find(source: str) -> Path | None:
    """The file that names or holds the weights of `source`, a folder or a name on the hub; None without one.

    Raises:
        FoldshipError: which of several files holds them is not clear.
    """
    for name in NAMES:
        found = cached_file(
            source,
            name,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if found is not None:
            return Path(found)
    folder = Path(source)
    others = (
        sorted(path for path in folder.iterdir() if may_hold_weights(path) and path.name not in ADAPTER_NAMES)
        if folder.is_dir()
        else []
    )
    if len(others) > 1:
        raise FoldshipError(
            f"{source}: which file holds the weights is not clear",
            expected=f"one of {listed(NAMES)}, or a single other one",
            found=listed([path.name for path in others]),
            fix="leave one of them in the folder; of parts that belong together, their index.json is missing",
        )
    return others[0] if others else None


def may_hold_weights(path: Path) -> bool:
    """Whether a file is one of weights by its name, or names such files."""
    if not path.is_file() or path.name.startswith(NO_WEIGHTS):
        return False
    return path.suffix in OTHER_ENDINGS or path.name in NAMES


def read(source: str) -> Checkpoint:
    """The weights of a folder, or of a name on the hub, all files of them.

    Raises:
        FoldshipError: there are none; a file is missing, cut short or damaged, or would run code.
    """
    path = find(source)
    if path is None:
        folder = Path(source)
        here = folder.is_dir()
        raise FoldshipError(
            f"{source}: there are no weights beside its config.json",
            expected=f"one of {listed(NAMES)}",
            found=listed(sorted(entry.name for entry in folder.iterdir()))
            if here
            else "none that can be had",
            fix=COPY if here else "check the name, or download it into weights/backbones/<name>",
        )
    if path.name.endswith(".index.json"):
        return Checkpoint(str(path.parent), _read_parts(path, source))
    return Checkpoint(str(path), read_file(path))


def read_file(path: Path) -> dict[str, Tensor]:
    """The tensors in a file, by name; told by what is in it whether it is safetensors or a pickle.

    Raises:
        FoldshipError: it is missing, cut short or damaged, or would run code.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        raise _damaged(path, str(error.strerror or error)) from error
    if not size:
        raise _damaged(path, "an empty file")
    if start.startswith(_LFS):
        raise FoldshipError(
            f"{path}: the weights themselves are not here",
            expected="a file of weights",
            found="a pointer of Git LFS",
            fix="fetch them: `git lfs pull` in the repository, or download the file from its page",
        )
    if start.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        raise _damaged(path, "a web page, as a download without leave gives it")
    try:
        if path.suffix == ".safetensors" or _has_header(start, size):
            _see_that_it_is_whole(path, start, size)
            return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, str(error)) from error
    return _read_pickle(path)


def _read_parts(index: Path, source: str) -> dict[str, Tensor]:
    try:
        places: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted(set(places.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(index, repr(error)) from error
    parts = {name: index.with_name(name) for name in names}
    if not Path(source).is_dir():
        for name in names:
            found = cached_file(source, name, _raise_exceptions_for_missing_entries=False)
            parts[name] = Path(found) if found else parts[name]
    lacking = [name for name, path in parts.items() if not path.is_file()]
    if lacking:
        raise FoldshipError(
            f"{index.parent}: parts of the weights are missing",
            expected=f"the {len(names)} files that {index.name} names",
            found=f"no {listed(lacking)}",
            fix="copy or download them too",
        )
    state: dict[str, Tensor] = {}
    for path in parts.values():
        state |= read_file(path)
    lost = sorted(set(places) - set(state))
    if lost:
        raise FoldshipError(
            f"{index}: names weights that its files do not hold",
            found=f"no {listed([f'{name} in {places[name]}' for name in lost])}",
            fix="copy index and files again, all from the same place",
        )
    return state


def _has_header(start: bytes, size: int) -> bool:
    return start[_LENGTH : _LENGTH + 1] == b"{" and int.from_bytes(start[:_LENGTH], "little") < size


def _see_that_it_is_whole(path: Path, start: bytes, size: int) -> None:
    """Refuse a file that is shorter than its header says, and say by how much."""
    length = int.from_bytes(start[:_LENGTH], "little")
    if size < _LENGTH or size < _LENGTH + length:
        raise _damaged(path, f"cut off, or no such file: {size} bytes, which do not hold its header")
    with path.open("rb") as stream:
        stream.seek(_LENGTH)
        try:
            header = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise _damaged(path, f"a header that cannot be read: {error}") from error
    whole = _LENGTH + length + max(ends, default=0)
    if size < whole:
        raise _damaged(path, f"cut off: {size} of {whole} bytes")


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if zipfile.is_zipfile(path):
            raise FoldshipError(
                f"{path}: holds more than weights, and reading it could run code",
                expected="tensors by name",
                found=listed(sorted(set(_OBJECTS.findall(str(error))))) or "objects that are no tensors",
                fix="where it was made: model.save_pretrained(folder), or torch.save(model.state_dict(), "
                "file); of a Lightning checkpoint, torch.save(checkpoint['state_dict'], file)",
            ) from error
        raise _damaged(path, "no file of weights, or one that is cut off") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise _damaged(path, str(error).partition("\n")[0] or repr(error)) from error
    return _tensors(value, path)


def _tensors(value: Any, path: Path) -> dict[str, Tensor]:
    """The weights in what was saved: a state dict, or the one among what Lightning or a script keeps."""
    if _is_state(value):
        return {name: tensor for name, tensor in value.items() if isinstance(tensor, Tensor)}
    within = {key: part for key, part in value.items() if _is_state(part)} if isinstance(value, dict) else {}
    if len(within) != 1:
        raise FoldshipError(
            f"{path}: which of its entries holds the weights is not clear",
            expected="tensors by name, or one entry that has them, such as state_dict",
            found=listed([str(key) for key in within or value])
            if isinstance(value, dict)
            else repr(type(value)),
            fix="save the weights alone: torch.save(model.state_dict(), file)",
        )
    (state,) = within.values()
    return _tensors(state, path)


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and any(isinstance(part, Tensor) for part in value.values())
        and all(isinstance(name, str) for name in value)
    )


def _damaged(path: Path, found: str) -> FoldshipError:
    return FoldshipError(
        f"{path}: the weights cannot be read", expected="a whole file of weights", found=found, fix=COPY
    )
