"""Bundles that are verified where they lie, as built and as downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_bundle
from tiny_bundle import ONE_WIDE_GIB, WIDE, TinyBundle

from foldship import digests
from foldship.shipping import check, entry
from foldship_kernel.errors import FoldshipError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    return tiny_bundle.build(
        tmp_path_factory.mktemp("bundle"), models={"a": 1, "b": 1}, width=WIDE, dataset_limit_gib=ONE_WIDE_GIB
    )


@pytest.fixture
def downloaded(made: TinyBundle, tmp_path: Path) -> list[Path]:
    """Both parts as they come from Kaggle, in folders of any name, without the upload's metadata."""
    folders = []
    for dataset, name in zip(made.datasets, ("one", "two"), strict=True):
        folders.append(shutil.copytree(dataset, tmp_path / "got" / name))
        (folders[-1] / "dataset-metadata.json").unlink()
    return folders


def failed(*folders: Path) -> dict[str, str]:
    """What was seen by the rules that are not kept; each of them names a remedy."""
    verdicts = [verdict for verdict in check.check(folders) if verdict.passed is False]
    assert all(verdict.remedy for verdict in verdicts)
    return {verdict.name: verdict.seen for verdict in verdicts}


def test_a_built_bundle_is_found_whole_with_what_lies_beside_it(made: TinyBundle) -> None:
    verdicts = {verdict.name: verdict for verdict in check.check([made.dataset])}
    assert all(verdict.passed for verdict in verdicts.values())
    assert verdicts["parts"].seen == "all 2"
    assert str(made.kernel / "main.py") in verdicts["code"].seen


def test_a_downloaded_bundle_is_whole(downloaded: list[Path], made: TinyBundle) -> None:
    assert failed(*downloaded) == failed(*reversed(downloaded), made.kernel) == {}


def test_a_part_that_is_not_given_is_missing(downloaded: list[Path]) -> None:
    shutil.copytree(downloaded[1], downloaded[0].parent / "three")
    found = failed(downloaded[0])
    assert "part 2, dataset someone/tiny-bundle-2" in found["parts"]
    assert "in part 2, which is missing" in found["files"]
    assert failed(*downloaded) == {}


def test_damage_is_named_by_file(downloaded: list[Path]) -> None:
    weights = downloaded[1] / "models" / "b" / "weights.bin"
    content = bytearray(weights.read_bytes())
    content[5] ^= 1
    weights.write_bytes(content)
    os.truncate(downloaded[0] / "models" / "a" / "head-fold0.bin", 10)
    (downloaded[0] / "tokenizers" / "a" / "tokenizer.json").unlink()
    seen = failed(*downloaded)["files"]
    assert f"{weights}: its SHA-256 differs" in seen
    assert "head-fold0.bin: 10 bytes instead of" in seen and "tokenizer.json: missing" in seen


def test_other_files_pickles_and_secrets_are_named(downloaded: list[Path]) -> None:
    (downloaded[1] / "extra.pkl").write_bytes(b"\x80\x04N.")
    (downloaded[0] / "note.txt").write_text("-----BEGIN " + "PRIVATE KEY-----")
    found = failed(*downloaded)
    assert set(found) == {"nothing else", "kinds of files", "secrets"}
    assert "extra.pkl" in found["nothing else"] and "note.txt" in found["nothing else"]
    assert "extra.pkl: is a pickle" in found["kinds of files"]
    assert "note.txt:1: a private key" in found["secrets"]


def test_code_of_another_kernel_is_named(downloaded: list[Path], made: TinyBundle, tmp_path: Path) -> None:
    kernel = shutil.copytree(made.kernel, tmp_path / "other")
    text = (kernel / "main.py").read_text()
    (kernel / "main.py").write_text(text.replace(digests.code_digest(downloaded[0] / "code"), "0" * 64))
    assert list(failed(*downloaded, kernel)) == ["code"]


def test_the_digest_is_the_one_that_the_kernel_checks(made: TinyBundle) -> None:
    code = made.dataset / "code"
    assert digests.code_digest(code) == entry.digest(tiny_bundle.TEMPLATE, code)


def test_archives_that_are_not_unpacked_are_said_to_be_so(downloaded: list[Path], tmp_path: Path) -> None:
    one = downloaded[0]
    shutil.make_archive(str(one / "models"), "zip", one / "models")
    shutil.rmtree(one / "models")
    found = failed(*downloaded)
    assert "not unpacked" in found["files"] and "models.zip" in found["files"]
    whole = tmp_path / "whole"
    whole.mkdir()
    archive = shutil.make_archive(str(whole / "bundle"), "zip", one)
    for place in (whole, Path(archive)):
        with pytest.raises(FoldshipError) as caught:
            check.check([place])
        assert "unpack" in caught.value.fix


@pytest.mark.parametrize("name", ["nothing", "empty", "twice"])
def test_what_cannot_be_checked_names_the_remedy(made: TinyBundle, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(made.dataset, tmp_path / "twice")
    folders = [tmp_path / name, made.dataset] if name == "twice" else [tmp_path / name]
    with pytest.raises(FoldshipError) as caught:
        check.check(folders)
    assert caught.value.fix


def foldship(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    source = str(tiny_bundle.ROOT / "src")
    return subprocess.run(
        [sys.executable, "-m", "foldship", "bundle", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source, "COLUMNS": "500"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_program_needs_no_project_to_check_a_bundle(downloaded: list[Path], tmp_path: Path) -> None:
    result = foldship("--check", "got/one", "got/two", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The bundle: passed, 1 not asked" in result.stdout
    (downloaded[1] / "models" / "b" / "weights.bin").unlink()
    result = foldship("--check", "got/one", "got/two", cwd=tmp_path)
    assert result.returncode == 1
    assert "weights.bin: missing" in result.stdout and "failed its check" in result.stderr


@pytest.mark.parametrize("arguments", [["--check"], ["got/one"]])
def test_the_option_and_its_folders_go_together(tmp_path: Path, arguments: list[str]) -> None:
    result = foldship(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "--check and FOLDERS go together" in result.stderr
