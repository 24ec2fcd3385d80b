from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import package_index
import pytest
import yaml

from foldship.images import profile
from foldship.images.profile import Image
from foldship.rehearsal import image as rehearsal_image
from foldship.shipping import lock, needs, proof, relock, wheelhouse
from foldship.shipping.needs import LEFT_OUT
from foldship.shipping.wheelhouse import Wheelhouse
from foldship_kernel.errors import FoldshipError

LINUX = "cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
OLD, NEW = f"onnxruntime_gpu-1.26.0-{LINUX}", f"onnxruntime_gpu-1.30.0-{LINUX}"
PLAIN, OPENVINO = f"onnxruntime-1.26.0-{LINUX}", f"openvino-2026.4.1-1-{LINUX}"
NEEDS = ["numpy>=1.21", "protobuf>=4.25"]
Write = Callable[..., Path]
Assemble = Callable[..., Wheelhouse]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with the engines and what they need; uv and pip know of no other."""
    made = [package_index.wheel(tmp_path / "index", file, requires=NEEDS) for file in (OLD, NEW, PLAIN)]
    made.append(
        package_index.wheel(tmp_path / "index", OPENVINO, requires=["numpy<2.5", "openvino-telemetry>=2023"])
    )
    for file in ("numpy-2.0.2", "numpy-2.4.0", "protobuf-5.29.6", "protobuf-7.36.2", "protobuf-3.20.3"):
        made.append(package_index.wheel(tmp_path / "index", f"{file}-py3-none-any.whl"))
    package_index.serve(made, tmp_path / "served", monkeypatch)


@pytest.fixture
def at_hand(index: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same index, whose wheels need not be fetched: that takes pip a second each."""
    monkeypatch.setattr(
        wheelhouse.fetching, "fetch", lambda cache, pin, python: tmp_path / "index" / pin.file
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an image of one's own."""

    def written(name: str = "mine", **changes: Any) -> Path:
        value = {
            "description": "some",
            "source": "made up",
            "date": "2026-01-02",
            "pythons": ["3.12"],
            "machine": "x86_64",
            "glibc": "2.30",
            "packages": dict.fromkeys(("pandas", "scipy", "tokenizers"), "1.0") | {"numpy": "2.0.2"},
        }
        (tmp_path / "own").mkdir(exist_ok=True)
        path = tmp_path / "own" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**value, **changes}))
        return path

    return written


@pytest.fixture
def assemble(tmp_path: Path) -> Assemble:
    def assembled(
        accelerator: str = "cpu", libraries: Iterable[str] = (), images: tuple[str, ...] = ("mine",)
    ) -> Wheelhouse:
        return wheelhouse.assemble(images, tmp_path / "own", accelerator, set(libraries), tmp_path / "cache")

    return assembled


def names(house: Wheelhouse) -> list[str]:
    return [wheel.name for wheel in house.wheels]


def having(**packages: str) -> dict[str, Any]:
    plain = {"numpy": "2.0.2", "pandas": "2.2.2", "scipy": "1.16.3", "tokenizers": "0.22.2"}
    return {"packages": {**plain, **packages}}


@pytest.mark.usefixtures("index")
def test_wheels_come_from_the_index_by_their_hash(write: Write, assemble: Assemble, tmp_path: Path) -> None:
    write()
    assert [path.parent for path in assemble().wheels] == [tmp_path / "cache"] * 2
    for path in (tmp_path / "index").glob("protobuf-7*"):  # the lock remembers what it was
        package_index.wheel(tmp_path / "index", path.name, other="changed = True")
    (tmp_path / "cache" / "protobuf-7.36.2-py3-none-any.whl").unlink()
    with pytest.raises(FoldshipError, match=r"protobuf-7\.36\.2-py3-none-any\.whl cannot be fetched"):
        assemble()


@pytest.mark.usefixtures("at_hand")
def test_what_the_image_lacks_is_brought_and_nothing_that_it_has(write: Write, assemble: Assemble) -> None:
    write()
    house = assemble()
    assert names(house) == [PLAIN, "protobuf-7.36.2-py3-none-any.whl"]
    assert [
        (entry.why, entry.size == (house.wheels[place].stat().st_size))
        for place, entry in enumerate(house.entries)
    ] == [
        ("runs the models", True),
        ("needed by onnxruntime", True),
    ]
    assert house.proven == ("mine, Python 3.12",)
    write(**having(protobuf="5.29.6"))
    assert names(assemble()) == [PLAIN]
    write(**having(onnxruntime="1.20"))
    assert names(assemble()) == []


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize(("cuda", "engine"), [(12, OLD), (13, NEW)])
def test_the_gpu_build_is_the_one_for_the_images_cuda(
    write: Write, assemble: Assemble, cuda: int, engine: str
) -> None:
    write(cuda=cuda, **having(protobuf="5.29.6"))
    assert names(assemble("gpu")) == [engine]
    assert names(assemble("cpu")) == [PLAIN]


@pytest.mark.usefixtures("at_hand")
def test_a_gpu_kernel_brings_the_plain_build_for_images_without_cuda(
    write: Write, assemble: Assemble
) -> None:
    write("one", cuda=12, **having(protobuf="5.29.6"))
    write("two")
    house = assemble("gpu", images=("one", "two"))
    assert names(house) == [PLAIN, OLD, "protobuf-7.36.2-py3-none-any.whl"]
    assert {entry.image for entry in house.entries if entry.wheel == OLD} == {"one"}
    assert house.proven == ("one, Python 3.12", "two, Python 3.12")


@pytest.mark.parametrize(
    ("cuda", "packages", "message"),
    [
        (11, {}, "no build of onnxruntime-gpu is known for CUDA 11"),
        (None, {}, "none of the images has CUDA"),
        (14, {}, "no build of onnxruntime-gpu is known for CUDA 14"),
        (12, {"onnxruntime": "1.20.0"}, "has onnxruntime 1.20.0, which cannot use its GPU"),
    ],
)
def test_a_gpu_kernel_that_would_run_on_the_cpu_is_refused(
    write: Write, assemble: Assemble, cuda: int | None, packages: dict[str, str], message: str
) -> None:
    write(cuda=cuda, **having(**packages))
    with pytest.raises(FoldshipError, match=message):
        assemble("gpu")


@pytest.mark.usefixtures("at_hand")
def test_openvino_travels_where_a_model_runs_on_it_without_its_telemetry(
    write: Write, assemble: Assemble
) -> None:
    write(**having(protobuf="5.29.6"))
    assert names(assemble(libraries=["onnxruntime", "openvino"])) == [PLAIN, OPENVINO]
    assert names(assemble(libraries=["onnxruntime"])) == [PLAIN]


@pytest.mark.usefixtures("at_hand")
def test_an_image_that_holds_too_old_a_package_is_refused_with_the_reason(
    write: Write, assemble: Assemble
) -> None:
    write(**having(protobuf="3.20.3"))
    with pytest.raises(FoldshipError, match=r"protobuf>=4\.25"):
        assemble()


@pytest.mark.usefixtures("at_hand")
def test_a_lock_is_kept_and_a_stale_one_is_made_again(
    write: Write, assemble: Assemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    first = names(assemble())
    kept = tmp_path / "own" / "mine-py312-onnxruntime.lock"
    text = kept.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(wheelhouse.resolving, "resolve", lambda *_: pytest.fail("there is a lock"))
        assert names(assemble()) == first
    kept.unlink()
    assert names(assemble()) == first and kept.read_text() == text
    write(**having(protobuf="5.29.6"))
    assert names(assemble()) == [PLAIN]
    assert kept.read_text() != text


@pytest.mark.usefixtures("at_hand")
def test_images_that_need_two_releases_of_a_package_do_not_share_a_bundle(
    write: Write, assemble: Assemble, tmp_path: Path
) -> None:
    write("one")
    write("two")
    assemble(images=("one", "two"))
    path = tmp_path / "own" / "two-py312-onnxruntime.lock"
    older = tmp_path / "index" / "protobuf-5.29.6-py3-none-any.whl"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("protobuf")]
    lines.append(
        f"protobuf==5.29.6 --hash=sha256:{hashlib.sha256(older.read_bytes()).hexdigest()}  # {older.name}"
    )
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(FoldshipError, match=r"two, Python 3\.12: the wheels do not install offline"):
        assemble(images=("one", "two"))


def prove(image: Image, wheels: list[Path], shipped: list[Path], *wanted: str, gpu: bool = False) -> None:
    proof.prove(proof.Ask(image, "3.12", wanted, LEFT_OUT, gpu), wheels, shipped, "there")


def test_the_proof_names_what_is_not_met(tmp_path: Path) -> None:
    local = profile.find("local", tmp_path)
    engine = package_index.wheel(tmp_path, PLAIN, requires=NEEDS)
    other = package_index.wheel(tmp_path, "protobuf-7.36.2-py3-none-any.whl")
    prove(local, [engine, other], [engine, other], "onnxruntime==1.26.0")
    with pytest.raises(FoldshipError, match="protobuf was not found"):
        prove(local, [engine], [engine], "onnxruntime==1.26.0")
    with pytest.raises(FoldshipError, match=r"expected:.*nothing"):
        prove(local, [], [engine, other], "onnxruntime==1.26.0")
    with pytest.raises(FoldshipError, match=r"onnxruntime==1\.25"):
        prove(local, [engine, other], [engine, other], "onnxruntime==1.25")


def test_the_proof_refuses_what_would_replace_the_images_own(tmp_path: Path) -> None:
    local = profile.find("local", tmp_path)
    engine = package_index.wheel(tmp_path, PLAIN, requires=["numpy>=2.4"])
    newer = package_index.wheel(tmp_path, "numpy-2.4.0-py3-none-any.whl")
    with pytest.raises(FoldshipError, match=r"needs numpy>=2\.4, the image has 2\.0\.2"):
        prove(local, [engine], [engine, newer], "onnxruntime==1.26.0")
    with pytest.raises(FoldshipError, match=r"would shadow numpy 2\.0\.2"):
        prove(local, [newer], [newer], "numpy>=2.4")
    with pytest.raises(FoldshipError, match=r"numpy 2\.0\.2 of the image would be replaced"):
        prove(local, [], [newer], "numpy>=2.4")


def test_the_proof_asks_the_kernels_own_chooser(tmp_path: Path) -> None:
    local = profile.find("local", tmp_path)
    engine = package_index.wheel(tmp_path, PLAIN)
    build = package_index.wheel(tmp_path, OLD)
    with pytest.raises(FoldshipError, match=f"the kernel would unpack {OLD}"):
        prove(local, [engine], [engine, build], "onnxruntime==1.26.0", gpu=True)


def test_given_wheels_have_to_fit_an_image(tmp_path: Path) -> None:
    fitting = package_index.wheel(tmp_path, PLAIN)
    house = wheelhouse.given([fitting], ["kaggle-gpu", "local"], tmp_path)
    assert [(entry.image, entry.python) for entry in house.entries] == [
        ("kaggle-gpu", "3.12"),
        ("local", "3.12"),
    ]
    assert house.proven == ()
    wrong = package_index.wheel(tmp_path, NEW)
    with pytest.raises(FoldshipError, match="fits none of the images") as error:
        wheelhouse.given([fitting, wrong], ["kaggle-gpu", "local"], tmp_path)
    assert "kaggle-gpu, Python 3.12: onnxruntime-gpu 1.30.0 is built for CUDA 13" in error.value.found
    assert "local, Python 3.11: " in error.value.found


def test_the_locks_that_come_along_are_those_of_the_images_that_do() -> None:
    """Where this fails, run `python -m foldship.shipping.relock`."""
    expected = {
        wheelhouse.lock_name(place, wanted): lock.digest(place.image, place.python, wanted, LEFT_OUT)
        for place, wanted in relock.needed()
    }
    found = {path.name: lock.read(path) for path in wheelhouse.LOCKS.iterdir()}
    assert {name: made and made.digest for name, made in found.items()} == expected


def test_the_locks_hold_what_the_images_lack() -> None:
    for place, wanted in relock.needed():
        pins = wheelhouse.pinned(place, wanted, Path("none of one's own"))
        assert not {pin.name for pin in pins} & place.image.packages.keys()
        for pin in pins:
            assert wheelhouse.compatibility.refusal(pin.file, place.image, place.python) is None
            assert pin.name != "openvino-telemetry"
        if place.name == "kaggle-gpu":
            assert [pin.file.split("-")[:3] for pin in pins] == [["onnxruntime_gpu", "1.26.0", "cp312"]]
        if place.name == "local":
            engine = next(pin for pin in pins if pin.name == "onnxruntime")
            assert engine.file.split("-")[2] == f"cp{place.python.replace('.', '')}"


@pytest.mark.parametrize(
    ("library", "release"),
    [("onnxruntime", needs.RELEASE), ("openvino", needs.OPENVINO_RELEASE)],
)
def test_engines_are_of_the_release_that_parity_was_checked_with(library: str, release: str) -> None:
    assert metadata.version(library) == release


def test_the_bare_images_wheels_install_without_an_index(root: Path, tmp_path: Path) -> None:
    """The real wheels, by pip on the Python that rehearses."""
    interpreter = rehearsal_image.best_interpreter()
    cache = root / "build" / ".cache"
    house = wheelhouse.assemble(["local"], tmp_path, "cpu", (), cache / "wheels")
    python = "{}.{}".format(*interpreter.version)
    wanted = [entry.wheel for entry in house.entries if entry.python == python]
    assert house.proven == ("local, Python 3.11", "local, Python 3.12")
    links = tmp_path / "links"
    links.mkdir()
    for wheel in house.wheels:
        (links / wheel.name).symlink_to(wheel)
    folder = rehearsal_image.prepare(cache).folder
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(folder / "bin" / "python"), "install"]
    answer = subprocess.run(
        [*pip, "--no-index", "--find-links", str(links), "--dry-run", "onnxruntime"],
        capture_output=True,
        text=True,
        env={"PATH": "", "PIP_CONFIG_FILE": "/dev/null"},
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("Would install")]
    assert sorted(line.removeprefix("Would install ").split()) == sorted(
        "-".join(name.split("-")[:2]) for name in wanted
    )
