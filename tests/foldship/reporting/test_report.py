from __future__ import annotations

import json
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
    assert "21 training rows, real, from a folder called data" in html and "/some/data" not in html
    assert "two &lt;folds&gt; are missing" in html
    assert html.count("data:image/svg+xml;base64,") == 3
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert "not there yet" not in html


def heading(build: Path) -> dict[str, str]:
    run = {"run": "0123456789", "finished": "2026-11-28T20:43:04+00:00"}
    html = report.write(build, run).read_text()
    assert html.index("<dl>") < html.index("<h2>")
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html))


def test_the_page_opens_with_what_it_is_about(build: Path) -> None:
    found = heading(build)
    assert found["Competition"] == build.name
    assert (found["Run"], found["Finished"]) == ("0123456789", "2026-11-28 20:43:04 UTC")
    assert found["Rehearsal"] == "FAILED, 1 of 2" and found["Recipe"] == "full"
    shutil.rmtree(build / "simulation")
    assert heading(build)["Rehearsal"].startswith("not asked")


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        ({"generated": True, "data": "/home/jane/copy"}, "GENERATED"),
        ({"generated": False, "data": "/home/jane/quest"}, "real, from a folder called quest"),
        ({"generated": False, "data": str(Path.home())}, "real"),
        ({}, "real or generated is not known"),
    ],
)
def test_the_page_says_whether_the_data_are_real(build: Path, receipt: dict[str, object], said: str) -> None:
    (build / "selection" / "receipt.json").write_text(json.dumps(receipt))
    assert said in heading(build)["Data"]


def test_the_data_of_an_earlier_version_are_known_by_their_place(build: Path) -> None:
    (build / "selection" / "receipt.json").write_text(json.dumps({"data": str(build / "sample")}))
    assert "GENERATED" in heading(build)["Data"]


def test_a_verdict_on_another_bundle_is_said_to_be_so(build: Path) -> None:
    path = build / "simulation" / "verdict.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"bundle": {"sha256": "0" * 64}}))
    assert "of another bundle" in heading(build)["Rehearsal"]


def test_the_page_shows_no_folder_of_the_machine(build: Path, tmp_path: Path) -> None:
    places = [
        f"{Path.home()}/projects/x/model.json",
        "/home/jane/quest/train.csv",
        "/root/.cache/huggingface",
        "/tmp/foldship-1/x",
        f"{tmp_path}/weights",
        "~/data/quest",
        "/mnt/my-disk/a/b.txt",
    ]
    selection = build / "selection" / "selection.json"
    verdict = build / "simulation" / "verdict.json"
    checks = {
        str(number): {"passed": False, "seen": f"({place}: bad)", "remedy": f"see {place}"}
        for number, place in enumerate(places)
    }
    for path, change in ((selection, {"notes": places}), (verdict, {"checks": checks})):
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    html = report.write(build).read_text()
    text = re.sub(r"data:image[^\"]*", "", html)
    for place in (str(Path.home()), "/home", "jane", "/root", "/tmp", str(tmp_path), "~/", "/mnt"):
        assert place not in text, place
    assert ".../model.json: bad" in text


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
