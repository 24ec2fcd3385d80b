from __future__ import annotations

import json
from pathlib import Path

import pytest

from foldship import naming
from foldship.shipping import metadata
from foldship_kernel.errors import FoldshipError


def test_the_owner_is_looked_up_in_order(tmp_path: Path) -> None:
    environment = {"KAGGLE_CONFIG_DIR": str(tmp_path)}

    def owner(configured: str | None = None) -> str:
        return metadata.find_owner(configured, environment, tmp_path)

    assert owner() == naming.UNKNOWN_OWNER
    (tmp_path / "kaggle.json").write_text("not JSON")
    assert owner() == naming.UNKNOWN_OWNER
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/credentials.json").write_text(json.dumps({"username": "by-login"}))
    assert owner() == "by-login"
    (tmp_path / "kaggle.json").write_text(json.dumps({"username": "from-file\n"}))
    assert owner() == "from-file"
    environment["KAGGLE_USERNAME"] = "from-variable\n"
    assert owner() == "from-variable"
    assert owner("configured") == "configured"


@pytest.mark.parametrize("gpu", [True, False])
def test_the_kernel_never_has_internet(gpu: bool) -> None:
    value = metadata.kernel(
        owner="me",
        title="Some Title",
        datasets=["me/some-data", "me/some-data-2"],
        competition="some-competition",
        gpu=gpu,
        machine_shape="NvidiaTeslaT4",
    )
    assert value["enable_internet"] is False
    assert value["is_private"] is True
    assert value["enable_gpu"] is gpu
    assert ("machine_shape" in value) is gpu
    assert value["id"] == "me/some-title"
    assert value["dataset_sources"] == ["me/some-data", "me/some-data-2"]


@pytest.mark.parametrize("name", ["some one", "someone/else", "-dash", ""])
def test_an_owner_that_cannot_be_one_names_the_remedy(name: str) -> None:
    environment = {"KAGGLE_USERNAME": name, "KAGGLE_CONFIG_DIR": "nowhere"}
    if name:
        with pytest.raises(FoldshipError, match="owner") as caught:
            metadata.checked_owner(None, environment, Path("nowhere"))
        assert "KAGGLE_USERNAME" in caught.value.fix
    else:  # not set at all
        assert metadata.checked_owner(None, environment, Path("nowhere")) == naming.UNKNOWN_OWNER
