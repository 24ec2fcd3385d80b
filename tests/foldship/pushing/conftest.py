from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import push_stage
import pytest
import tiny_bundle
from kaggle_site import Site, runners


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tiny_bundle.TinyBundle:
    """A bundle that no test changes."""
    return tiny_bundle.build(tmp_path_factory.mktemp("pushed"))


@pytest.fixture
def stage(built: tiny_bundle.TinyBundle, tmp_path: Path) -> push_stage.Stage:
    """A bundle with its rehearsal."""
    rehearsal = tmp_path / "simulation"
    rehearsal.mkdir()
    (rehearsal / "submission.csv").write_text(push_stage.submission())
    return push_stage.Stage(built, rehearsal, tmp_path / "push")


@pytest.fixture
def open_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Opens a site whose runs leave nearly what the rehearsal left; nothing may go elsewhere."""
    sites: list[Site] = []
    (tmp_path / "competition").mkdir()

    def open_(**options: Any) -> Site:
        nearly = push_stage.output(push_stage.submission(nudge=1e-4))
        options = {
            "competitions": {push_stage.COMPETITION: tmp_path / "competition"},
            "runner": runners.writes(nearly),
            **options,
        }
        site = Site(tmp_path, **options)
        site.__enter__()
        sites.append(site)
        push_stage.lead_to(site, monkeypatch)
        return site

    yield open_
    for site in sites:
        site.__exit__(None, None, None)
        assert not site.escapes


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    """A site that takes its time."""
    return open_site(processing_polls=5, queue_polls=1, run_polls=2, score_polls=1)
