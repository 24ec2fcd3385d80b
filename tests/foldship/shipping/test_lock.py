from __future__ import annotations

from pathlib import Path

import pytest

from foldship.images import profile
from foldship.shipping import lock
from foldship.shipping.lock import Lock, Pin
from foldship_kernel.errors import FoldshipError

PINS = (
    Pin("some_thing-1.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "a" * 64),
    Pin("zz-2.0.post1-py2.py3-none-any.whl", "b" * 64),
)


def test_a_lock_is_read_as_it_was_written_and_pip_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    lock.write(path, Lock("c" * 64, PINS), "What is lacking")
    assert lock.read(path) == Lock("c" * 64, PINS)
    assert path.read_text().splitlines() == [
        "# What is lacking",
        f"# digest: {'c' * 64}",
        f"some-thing==1.0 --hash=sha256:{'a' * 64}  # {PINS[0].file}",
        f"zz==2.0.post1 --hash=sha256:{'b' * 64}  # {PINS[1].file}",
    ]
    assert lock.read(tmp_path / "none.lock") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"# digest: {'c' * 64}\nnumpy>=2\n", "line 2 pins no wheel"),
        (f"some==1.0 --hash=sha256:{'a' * 64}  # some-1.0-py3-none-any.whl\n", "0 digests"),
    ],
)
def test_a_malformed_lock_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.lock").write_text(content)
    with pytest.raises(FoldshipError, match=message) as error:
        lock.read(tmp_path / "a.lock")
    assert "made again" in error.value.fix


def test_pip_is_asked_as_the_image_would_ask(tmp_path: Path) -> None:
    exact, any_python = (pin.tags("3.11") for pin in PINS)
    assert exact[:6] == ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"]
    assert exact[6:] == ["--platform", "manylinux_2_27_x86_64", "--platform", "manylinux_2_28_x86_64"]
    assert any_python[:6] == ["--python-version", "3.11", "--implementation", "cp", "--abi", "none"]
    stable = Pin("p-1-cp310-abi3-manylinux2014_x86_64.whl", "").tags("3.12")
    assert stable[1] == "3.12"


def test_the_digest_changes_with_all_that_a_resolution_depends_on(tmp_path: Path) -> None:
    image = profile.find("local", tmp_path)

    def digest(python: str = "3.12", wanted: str = "a==1", left_out: str = "b", **changes: object) -> str:
        return lock.digest(image.model_copy(update=changes), python, [wanted], [left_out])

    others = [
        digest(python="3.11"),
        digest(wanted="a==2"),
        digest(left_out="c"),
        digest(glibc="2.31"),
        digest(cuda=12),
        digest(packages={**image.packages, "numpy": "2.1.0"}),
    ]
    assert len({digest(), *others}) == 7
    assert digest(description="other", source="other", pythons=("3.12",)) == digest()
