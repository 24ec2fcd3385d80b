from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from foldship.reporting import report
from foldship_kernel.errors import FoldshipError


def test_the_page_shows_everything_and_needs_nothing_else(build: Path) -> None:
    page = report.write(build)
    assert page == build / "report.html"
    html = page.read_text()
    for text in (
        "Out-of-fold scores",
        "clip low 0.25",
        "fp16",
        "Score against time",
        "models/",
        "Rehearsal: FAILED, 1 of 2",
        "encode",
        "margin 19%",
    ):
        assert text in html
    assert "Recipe full, 21 training rows of /some/data" in html
    assert "two &lt;folds&gt; are missing" in html
    assert html.count("data:image/svg+xml;base64,") == 3
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert "not there yet" not in html


def test_the_page_is_the_same_each_time(build: Path) -> None:
    first = report.write(build).read_bytes()
    assert report.write(build).read_bytes() == first


def test_what_is_missing_is_named_with_its_command(build: Path) -> None:
    shutil.rmtree(build / "simulation")
    shutil.rmtree(build / "export")
    html = report.write(build).read_text()
    assert "simulation/verdict.json is not there yet: run `make simulate`." in html
    assert "export is not there yet: run `make bundle`." in html


def test_without_a_selection_there_is_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="make train"):
        report.write(tmp_path)


def test_a_broken_file_is_named_and_an_old_page_kept(build: Path) -> None:
    before = report.write(build).read_bytes()
    (build / "simulation" / "verdict.json").write_text("{")
    with pytest.raises(FoldshipError, match=r"verdict\.json: cannot be read"):
        report.write(build)
    (build / "simulation" / "verdict.json").write_text("{}")
    with pytest.raises(FoldshipError, match="'checks'"):
        report.write(build)
    assert (build / "report.html").read_bytes() == before
