"""What cannot be run is refused at once, with an error that names the fix."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tiny_bundle
from tiny_bundle import TinyBundle, run_kernel, write_input

COMPETITION = "competitions/google-quest-challenge"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle"), models={"only": 1})


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    write_input(tmp_path / "input" / COMPETITION)
    return tmp_path / "input"


@pytest.fixture
def dataset(bundle: TinyBundle, inputs: Path) -> Path:
    return shutil.copytree(bundle.dataset, inputs / "tiny-bundle")


def test_no_manifest(bundle: TinyBundle, inputs: Path, tmp_path: Path) -> None:
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 1
    assert "no bundle.json" in result.stderr
    assert COMPETITION in result.stderr and "dataset_sources" in result.stderr
    assert not (tmp_path / "working" / "submission.csv").exists()


def test_code_that_was_changed(bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path) -> None:
    with (dataset / "code" / "foldship_kernel" / "blend.py").open("a") as stream:
        stream.write("\n")
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 1
    assert "code is damaged" in result.stderr and str(dataset / "code") in result.stderr


def test_an_older_bundle_beside_the_right_one_is_passed_over(
    bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path
) -> None:
    older = shutil.copytree(dataset, inputs / "another-bundle")
    (older / "code" / "foldship_kernel" / "blend.py").write_text("")
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 0, result.stdout + result.stderr
    assert str(dataset) in result.stdout


def test_a_manifest_cut_short(bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path) -> None:
    manifest = dataset / "bundle.json"
    manifest.write_text(manifest.read_text()[:200])
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 1
    assert "bundle.json" in result.stderr and "make bundle" in result.stderr


def test_a_working_folder_that_cannot_be_written(
    bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "working").write_text("a file where the folder should be")
    result = run_kernel(
        bundle.kernel, inputs, tmp_path / "elsewhere", FOLDSHIP_WORKING=str(tmp_path / "working")
    )
    assert result.returncode == 1
    assert "cannot be written" in result.stderr


# With a disk of its own, 32 KiB large, in the place of the working folder; lists what is left there.
SMALL_DISK = """
    set -e
    mount -t tmpfs -o size=32k none "$FOLDSHIP_WORKING"
    head -c "$0" /dev/zero > "$FOLDSHIP_WORKING/filler" || true
    status=0
    "$@" || status=$?
    echo "left: $(ls -A "$FOLDSHIP_WORKING")"
    exit $status
"""


@pytest.mark.parametrize("filled", ["1M", "1"])
def test_a_working_folder_without_room_for_a_submission(
    bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path, filled: str
) -> None:
    namespace = ["unshare", "-rm"] if os.getuid() else ["unshare", "-m"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    write_input(inputs / COMPETITION, 300)
    working = tmp_path / "working"
    before = [*namespace, "sh", "-c", SMALL_DISK, filled]
    result = run_kernel(bundle.kernel, inputs, working, before=before)
    printed = result.stdout + result.stderr
    assert result.returncode == 1, printed
    assert f"error: {working}: " in printed and "fix:" in printed and "Traceback" not in printed
    assert result.stdout.endswith("left: filler\n")


@pytest.mark.parametrize("limit", ["soon", "-1"])
def test_a_limit_that_is_no_number(
    bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path, limit: str
) -> None:
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working", FOLDSHIP_LIMIT_S=limit)
    assert result.returncode == 1
    assert "FOLDSHIP_LIMIT_S" in result.stderr and limit in result.stderr


def test_another_competitions_rows(bundle: TinyBundle, inputs: Path, dataset: Path, tmp_path: Path) -> None:
    table = inputs / COMPETITION / "test.csv"
    table.write_text("number,review\n1,fine\n")
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 1
    assert "test.csv" in result.stdout, result.stdout
    assert "A FALLBACK" in result.stdout and (tmp_path / "working" / "submission.csv").is_file()
