from __future__ import annotations

from pathlib import Path

import pytest

from foldship.export import decided
from foldship.export.engine_trial import Trial

TRIALS = [Trial("onnxruntime", "slower than openvino", 1000.0), Trial("openvino", "chosen", 2000.0, 1e-3)]


def test_a_choice_is_read_back_for_the_same_export_only(tmp_path: Path) -> None:
    assert decided.read(tmp_path, "inputs") == []
    decided.keep(tmp_path, "inputs", TRIALS)
    assert decided.read(tmp_path, "inputs") == TRIALS
    assert decided.read(tmp_path, "other inputs") == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"inputs": "inputs", "trials": [{"speed": 1}]}'])
def test_a_damaged_file_is_no_choice(tmp_path: Path, content: str) -> None:
    (tmp_path / decided.FILE_NAME).write_text(content)
    assert decided.read(tmp_path, "inputs") == []


def test_a_list_without_a_choice_is_none(tmp_path: Path) -> None:
    decided.keep(tmp_path, "inputs", TRIALS[:1])
    assert decided.read(tmp_path, "inputs") == []


def test_weights_that_cannot_be_written_to_are_no_error(tmp_path: Path) -> None:
    decided.keep(tmp_path / "missing" / "folder", "inputs", TRIALS)
