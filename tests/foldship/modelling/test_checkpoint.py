from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file

from foldship.modelling import checkpoint
from foldship_kernel.errors import FoldshipError

STATE = {"a.weight": torch.randn(3, 2), "a.bias": torch.randn(3)}


class Code:
    """What a pickle of it would run."""

    def __reduce__(self) -> Any:
        return (print, ("run",))


@pytest.mark.parametrize("name", [*checkpoint.NAMES[::2], "best.ckpt", "fold0.pth", "weights.pt"])
@pytest.mark.parametrize("within", [None, "state_dict", "model", "module"])
def test_weights_are_found_by_any_usual_name(name: str, within: str | None, tmp_path: Path) -> None:
    if name.endswith(".safetensors"):
        save_file(STATE, tmp_path / name)
    else:
        torch.save(STATE if within is None else {within: STATE, "epoch": 3}, tmp_path / name)
    torch.save({"state": {}}, tmp_path / "optimizer.pt")
    (tmp_path / "training_args.bin").write_bytes(b"x")
    found = checkpoint.read(str(tmp_path))
    assert found.place == str(tmp_path / name) and set(found.state) == set(STATE)


def test_a_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(save(STATE))
    assert set(checkpoint.read(str(tmp_path)).state) == set(STATE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS(.|\n)*git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"abc", "cut off, or no such file"),
        (save(STATE)[:-1], r"cut off: 175 of 176 bytes|cut off: \d+ of \d+ bytes"),
        (save(STATE)[:40], "do not hold its header"),
        (b"\x05\0\0\0\0\0\0\0{nono" + b"0" * 9, "a header that cannot be read"),
    ],
)
def test_files_that_are_none_are_refused_with_what_they_are(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(FoldshipError, match=rf"model\.safetensors(.|\n)*{message}"):
        checkpoint.read(str(tmp_path))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"state_dict": STATE, "hparams": Code()}, "could run code(.|\n)*state_dict"),
        (torch.nn.Linear(2, 2), r"could run code(.|\n)*found: +torch.nn.modules.linear.Linear\n"),
        ({"model": STATE, "ema": STATE}, "not clear(.|\n)*model, ema"),
        ([1, 2], "not clear(.|\n)*list"),
    ],
)
def test_pickles_of_more_than_weights_are_refused(value: Any, message: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "pytorch_model.bin")
    with pytest.raises(FoldshipError, match=message):
        checkpoint.read(str(tmp_path))


def test_folders_without_weights_or_with_several_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"no weights beside(.|\n)*model\.safetensors"):
        checkpoint.read(str(tmp_path))
    for name in ("one.pt", "two.pt"):
        torch.save(STATE, tmp_path / name)
    with pytest.raises(FoldshipError, match=r"not clear(.|\n)*one\.pt, two\.pt"):
        checkpoint.read(str(tmp_path))


def test_parts_that_do_not_belong_to_their_index_are_refused(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    save_file(STATE, tmp_path / "part.safetensors")
    index.write_text(json.dumps({"weight_map": dict.fromkeys([*STATE, "b"], "part.safetensors")}))
    with pytest.raises(FoldshipError, match=r"no b in part\.safetensors"):
        checkpoint.read(str(tmp_path))
    index.write_text("{")
    with pytest.raises(FoldshipError, match=r"index\.json(.|\n)*cannot be read"):
        checkpoint.read(str(tmp_path))
