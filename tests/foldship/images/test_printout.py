from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foldship.images import printout, profile
from foldship_kernel.errors import FoldshipError

PRINTED: dict[str, Any] = {
    "description": "Python 3.12.13 on 4 processors, 2 x Tesla T4",
    "source": "printed by the inspection kernel",
    "date": "2026-11-22",
    "pythons": ["3.12"],
    "implementation": "cpython",
    "abiflags": "",
    "machine": "x86_64",
    "glibc": "2.35",
    "cuda": 12,
    "packages": {"numpy": "2.0.2", "odd": "0.1-unknown"},
    "accelerators": [{"name": "Tesla T4", "count": 2, "memory_gib": 15.0}],
    "limits": {"ram_gib": 31.35, "working_gib": 19.5},
}
BARE = {**PRINTED, "cuda": None, "accelerators": []}


def log(value: object) -> str:
    return f"warming up\n{printout.BEGIN}\n{json.dumps(value, indent=1)}\n{printout.END}\ndone\n"


def stored(value: object) -> str:
    """A log as Kaggle's client stores it: cut into pieces anywhere, warnings in between."""
    text = log(value)
    pieces = [text[start : start + 37] for start in range(0, len(text), 37)]
    entries = [{"stream_name": "stdout", "time": 1.0, "data": piece} for piece in pieces]
    entries.insert(5, {"stream_name": "stderr", "time": 1.0, "data": "a warning\n"})
    return json.dumps(entries)


@pytest.mark.parametrize("form", [json.dumps, log, stored])
def test_a_print_out_becomes_an_image_whatever_form_it_comes_in(form: Any, tmp_path: Path) -> None:
    (tmp_path / "came").write_text(form(PRINTED))
    path = printout.keep(tmp_path / "came", None, tmp_path / "own")
    assert path == tmp_path / "own" / "kaggle-gpu.yaml"
    found = profile.find("kaggle-gpu", tmp_path / "own")
    assert found.model_dump(mode="json") == PRINTED


def test_without_gpu_and_cuda_it_is_the_other_image(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text(json.dumps(BARE))
    assert printout.keep(tmp_path / "image.json", None, tmp_path).name == "kaggle-cpu.yaml"
    assert printout.keep(tmp_path / "image.json", "mine", tmp_path).name == "mine.yaml"


def test_an_image_without_cuda_does_not_stand_for_the_gpu_image(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text(json.dumps(BARE))
    with pytest.raises(FoldshipError, match="has no CUDA"):
        printout.keep(tmp_path / "image.json", "kaggle-gpu", tmp_path / "own")
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("name", ["local", "Mine", "../up", ""])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "image.json").write_text(json.dumps(BARE))
    with pytest.raises(FoldshipError, match="cannot be named") as error:
        printout.keep(tmp_path / "image.json", name, tmp_path / "own")
    assert "IMAGE=" in error.value.fix
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"3",
        b"[1, 2]",
        b"\xff",
        f"{printout.BEGIN}\n{{}}".encode(),
        f"{printout.BEGIN}\n{{half\n{printout.END}".encode(),
    ],
)
def test_what_holds_no_print_out_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(FoldshipError, match="holds no print-out") as error:
        printout.keep(tmp_path / "log", None, tmp_path / "own")
    assert "make image" in error.value.fix


def test_a_missing_file_and_a_malformed_print_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="holds no print-out"):
        printout.read(tmp_path / "missing")
    (tmp_path / "image.json").write_text(json.dumps({**PRINTED, "glibc": "musl"}))
    with pytest.raises(FoldshipError, match=r"glibc: .*musl"):
        printout.read(tmp_path / "image.json")
