from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import tiny_bundle
from onnx import helper, numpy_helper

from foldship.shipping import sizes
from foldship_kernel import manifest


def graph(folder: Path, name: str, **tensors: np.ndarray) -> str:
    """A graph whose tensors all lie in files of their own."""
    for key in tensors:
        (folder / key).unlink(missing_ok=True)  # onnx would append to it
    kept = [numpy_helper.from_array(value, key) for key, value in tensors.items()]
    model = helper.make_model(helper.make_graph([], "g", [], [], kept))
    onnx.save(
        model,
        folder / name,
        save_as_external_data=True,
        all_tensors_to_one_file=False,
        size_threshold=0,
        convert_attribute=False,
    )
    return name


def test_the_figures_add_up_to_the_weights_that_ship(tmp_path: Path) -> None:
    half, other = np.ones((10, 10), np.float16), np.zeros((10, 10), np.float16)
    head, small = np.ones(7, np.float32), np.ones((10, 10), np.int8)
    folds = []
    for fold, own in enumerate((half, other)):
        folds.append(
            {
                "encoder": graph(tmp_path, f"e{fold}", shared=half, **{f"own{fold}": own}),
                "encoder_cpu": graph(tmp_path, f"c{fold}", shared=half, small=small),
                "head": graph(tmp_path, f"h{fold}", **{f"head{fold}": head}),
            }
        )
    found = sizes.saved(tmp_path, [{"folds": folds}])
    assert found == {
        "folds": 2,
        "fp32_checkpoints": 2 * 4 * (100 + 100 + 7),
        "saved_by_fp16": 2 * 2 * (100 + 100),
        "saved_by_sharing": 200,
        "added_for_cpu": 100,
    }


def test_a_bundles_figures_match_its_files(tmp_path: Path) -> None:
    built = tiny_bundle.build(tmp_path, models={"a": 2, "b": 1}, width=64)
    contents = json.loads((built.dataset / manifest.FILE_NAME).read_text())
    found = contents["sizes"]
    weights = sum(file["size"] for file in contents["files"] if file["path"].endswith(".bin"))
    shipped = found["fp32_checkpoints"] - found["saved_by_fp16"] - found["saved_by_sharing"]
    assert shipped == weights and found["added_for_cpu"] == 0
    assert found["saved_by_fp16"] == 0  # these are stored in fp32
    assert found["saved_by_sharing"] == 4 * 30522 * 64  # two folds, one encoder
