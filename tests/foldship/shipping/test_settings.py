from __future__ import annotations

from pathlib import Path

import pytest

from foldship.shipping import settings
from foldship_kernel.errors import FoldshipError

GOOD = "title: Some Title\ndataset_title: Some Data\ncompetition: some\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "kernel.yaml"
    path.write_text(text)
    return path


def test_every_competitions_file_can_be_read(root: Path) -> None:
    files = sorted((root / "kernels").glob(f"*/{settings.FILE_NAME}"))
    assert files
    for path in files:
        settings.load(path, {})


def test_the_largest_dataset_is_kaggles_unless_set(tmp_path: Path) -> None:
    assert (
        settings.load(write(tmp_path, GOOD), {}).dataset_limit <= 200 * 10**9
    )  # https://www.kaggle.com/docs/datasets
    assert settings.load(write(tmp_path, GOOD + "dataset_limit_gib: 0.5\n"), {}).dataset_limit == 1 << 29


def test_the_limit_is_the_competitions_or_else_a_usual_one(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, GOOD), {}).limit == 32400
    assert settings.load(write(tmp_path, GOOD + "accelerator: gpu\n"), {}).limit == 7200
    for limit in (900, 43200):  # twelve hours with a GPU, too
        for accelerator in ("cpu", "gpu"):
            lines = f"accelerator: {accelerator}\nlimit_s: {limit}\n"
            assert settings.load(write(tmp_path, GOOD + lines), {}).limit == limit


def test_the_gpu_is_kaggles_default(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, GOOD), {}).machine_shape == "NvidiaTeslaT4"


@pytest.mark.parametrize("name", ["quest", "klue_re", "sts", "bioasq"])
def test_the_competitions_ask_for_a_gpu_for_two_hours(name: str) -> None:
    folder = Path(__file__).parents[3] / "kernels" / name
    found = settings.load(folder / "kernel.yaml", {})
    assert (found.accelerator, found.limit, found.machine_shape) == ("gpu", 7200, "NvidiaTeslaT4")
    assert found.wanted_engine == "onnxruntime" and found.image_names == ("kaggle-gpu", "local")


def test_the_images_are_kaggles_and_the_bare_one_unless_set(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, GOOD), {}).image_names == ("kaggle-cpu", "local")
    assert settings.load(write(tmp_path, GOOD + "accelerator: gpu\n"), {}).image_names[0] == "kaggle-gpu"
    assert settings.load(write(tmp_path, GOOD + "images: [mine]\n"), {}).image_names == ("mine",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("acelerator: gpu", "acelerator"),
        ("accelerator: tpu", "tpu"),
        ("limit_s: 0", "limit_s"),
        ("limit_s: 43201", "43200"),
        ("machine_shape: NvidiaTeslaT4Highmem", "internal pool of Kaggle's that ordinary users do not get"),
        ("machine_shape: NvidiaTeslaP100", "retired"),
        ("cpu_engine: tensorrt", "cpu_engine"),
        ("images: []", "images"),
        ("images: kaggle-gpu", "images"),
        ("title: tiny", "title: Value error, title 'tiny' has 4 characters; Kaggle takes 6 to 50"),
        ("dataset_title: tiny", "dataset_title"),
        ("dataset_limit_gib: 0", "dataset_limit_gib"),
        ("competition: Some Where", "competition: Value error, 'Some Where' is no name"),
        ("owner: someone/else", "owner: Value error, 'someone/else' is no Kaggle user name"),
        ("title: [", "kernel.yaml"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(FoldshipError) as error:
        settings.load(write(tmp_path, GOOD.replace("title: Some Title\n", "") + line + "\n"), {})
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["", "- a list\n"])
def test_a_file_without_settings_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FoldshipError, match=r"kernel\.yaml"):
        settings.load(write(tmp_path, text), {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"kernel\.yaml"):
        settings.load(tmp_path / "kernel.yaml", {})


def test_a_recipes_settings_go_before_the_files(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, GOOD), {"accelerator": "gpu"}).accelerator == "gpu"
    with pytest.raises(FoldshipError, match="acelerator"):
        settings.load(write(tmp_path, GOOD), {"acelerator": "gpu"})


def test_a_kernel_with_a_gpu_keeps_onnx_runtime_for_the_cpu(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, GOOD), {}).wanted_engine == "auto"
    file = write(tmp_path, GOOD + "cpu_engine: openvino\n")
    assert settings.load(file, {}).wanted_engine == "openvino"
    assert settings.load(file, {"accelerator": "gpu"}).wanted_engine == "onnxruntime"
