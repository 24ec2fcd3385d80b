from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from foldship.images import profile
from foldship.images.profile import Image
from foldship.rehearsal import image as rehearsal_image
from foldship_kernel.errors import FoldshipError

PLAIN = {
    "description": "some",
    "source": "made up",
    "date": "2026-01-02",
    "pythons": ["3.12"],
    "machine": "x86_64",
    "glibc": "2.31",
}


@pytest.mark.parametrize("name", ["kaggle-gpu", "kaggle-cpu", "local"])
def test_images_come_along_and_name_their_source(name: str, tmp_path: Path) -> None:
    found = profile.find(name, tmp_path)
    assert len(found.source) > 40
    assert found.machine == "x86_64" and found.c_library >= (2, 28)
    assert {"numpy", "pandas", "scipy", "tokenizers"} <= found.packages.keys()
    assert not {"onnxruntime", "onnxruntime-gpu", "openvino"} & found.packages.keys()


def test_kaggles_images_differ_in_cuda(tmp_path: Path) -> None:
    gpu, cpu = profile.find("kaggle-gpu", tmp_path), profile.find("kaggle-cpu", tmp_path)
    assert (gpu.cuda, cpu.cuda) == (12, None)
    assert [(device.name, device.count) for device in gpu.accelerators] == [("Tesla T4", 2)]
    assert not cpu.accelerators
    assert gpu.packages["torch"].endswith("+cu128") and cpu.packages["torch"].endswith("+cpu")
    libraries = {name for name in gpu.packages if name.startswith("nvidia-") and name.endswith("-cu12")}
    assert {f"nvidia-{what}-cu12" for what in ("cublas", "cudnn", "cufft", "curand")} <= libraries
    assert not any(name.startswith("nvidia-") for name in cpu.packages)


def test_an_image_that_was_kept_with_a_longest_run_is_read_without(tmp_path: Path) -> None:
    """It is the competition's to say."""
    value = profile.find("kaggle-gpu", tmp_path).model_dump(mode="json")
    value["limits"] = {**value["limits"], "hours": {"cpu": 9, "gpu": 2}}
    (tmp_path / "kaggle-gpu.yaml").write_text(yaml.safe_dump(value))
    assert profile.find("kaggle-gpu", tmp_path) == profile.find("kaggle-gpu", tmp_path / "none")


def test_the_local_image_is_the_one_that_rehearses(tmp_path: Path) -> None:
    lines = rehearsal_image.REQUIREMENTS.read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    found = profile.find("local", tmp_path)
    assert found.packages == pins
    assert found.pythons == tuple(
        f"{major}.{minor}" for major, minor in (rehearsal_image.OLDEST, rehearsal_image.WANTED)
    )
    assert found.cuda is None


def test_a_users_own_image_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "local.yaml").write_text(yaml.safe_dump(PLAIN))
    assert profile.find("local", tmp_path) == Image.model_validate(PLAIN)


def test_an_unknown_image_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(FoldshipError, match="no image 'theirs'") as error:
        profile.find("theirs", tmp_path)
    assert error.value.expected == "one of: kaggle-cpu, kaggle-gpu, local, mine"
    assert "make image" in error.value.fix


def test_packages_are_known_by_any_spelling() -> None:
    found = Image.model_validate({**PLAIN, "packages": {"Jinja2": "3", "a.b_C": "1"}})
    assert found.packages == {"a-b-c": "1", "jinja2": "3"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pythons": []}, "pythons: "),
        ({"pythons": ["3"]}, r"pythons\.0: .*\(found '3'\)"),
        ({"glibc": "2"}, r"glibc: .*\(found '2'\)"),
        ({"cuda": 0}, r"cuda: .*\(found 0\)"),
        ({"source": ""}, "source: "),
        ({"implementation": "pypy"}, "implementation: .*pypy"),
        ({"packages": {"numpy": 2.0}}, r"packages\.numpy: .*\(found 2\.0\)"),
        ({"limits": {"days": 3}}, r"limits\.days"),
        ({"speed": 3}, r"speed: there is no such key \(found 3\)"),
    ],
)
def test_a_malformed_image_is_refused_with_path_and_value(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**PLAIN, **change}))
    with pytest.raises(FoldshipError, match=message) as error:
        profile.find("mine", tmp_path)
    assert str(tmp_path / "mine.yaml") in error.value.what and error.value.fix


@pytest.mark.parametrize(
    ("content", "message"), [(b"a: [", "no valid YAML"), (b"", "cannot be used"), (b"\xff", "cannot be read")]
)
def test_what_is_no_image_at_all_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(FoldshipError, match=message):
        profile.read(tmp_path / "x.yaml")
    with pytest.raises(FoldshipError, match="cannot be read"):
        profile.read(tmp_path / "missing.yaml")
