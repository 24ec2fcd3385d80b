from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import doctor_stage
import push_stage
import pytest
import tiny_bundle
from kaggle_site import Site


@pytest.fixture(scope="session")
def cpu_bundle(tmp_path_factory: pytest.TempPathFactory) -> tiny_bundle.TinyBundle:
    """A bundle that no test changes."""
    return doctor_stage.build(tmp_path_factory.mktemp("cpu"))


@pytest.fixture(scope="session")
def gpu_bundle(tmp_path_factory: pytest.TempPathFactory) -> tiny_bundle.TinyBundle:
    """The same for a GPU."""
    return doctor_stage.build(tmp_path_factory.mktemp("gpu"), accelerator="gpu")


@pytest.fixture
def stage(cpu_bundle: tiny_bundle.TinyBundle, tmp_path: Path) -> doctor_stage.DoctorStage:
    return doctor_stage.DoctorStage(cpu_bundle, tmp_path / "project")


@pytest.fixture
def gpu_stage(gpu_bundle: tiny_bundle.TinyBundle, tmp_path: Path) -> doctor_stage.DoctorStage:
    return doctor_stage.DoctorStage(gpu_bundle, tmp_path / "gpu-project")


@pytest.fixture
def open_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Opens a site, and leads this process there; nothing may go elsewhere."""
    sites: list[Site] = []
    (tmp_path / "competition").mkdir()

    def open_(**options: Any) -> Site:
        options = {"competitions": {push_stage.COMPETITION: tmp_path / "competition"}, **options}
        site = Site(tmp_path / f"site{len(sites)}", **options)
        site.__enter__()
        sites.append(site)
        push_stage.lead_to(site, monkeypatch)
        return site

    yield open_
    for site in sites:
        site.__exit__(None, None, None)
        assert not site.escapes
