from __future__ import annotations

import package_index

from foldship.doctor import Level
from foldship.doctor.rules import wheels


def test_every_image_is_served(stage, gpu_stage):
    found = stage.ask(wheels)
    assert found.level is Level.PASSED
    assert "2 wheels serve kaggle-cpu, Python 3.12 and local, Python 3.11" in found.seen
    assert gpu_stage.ask(wheels).level is Level.PASSED


def test_a_wheel_that_fits_nowhere(stage):
    name = "onnxruntime-1.26.0-cp310-cp310-manylinux_2_28_x86_64.whl"
    package_index.wheel(stage.evidence.datasets[0] / "wheels", name)
    stage.edit("dataset/bundle.json", lambda bundle: bundle["wheels"].append(f"wheels/{name}"))
    found = stage.ask(wheels)
    assert found.level is Level.FAILED
    assert f"{name} fits no image (kaggle-cpu, Python 3.12: built for CPython 3.10" in found.seen


def test_an_image_that_gets_no_engine(stage):
    stage.edit("dataset/bundle.json", lambda bundle: bundle.update(wheels=bundle["wheels"][:1]))
    found = stage.ask(wheels)
    assert found.level is Level.FAILED
    assert "kaggle-cpu, Python 3.12 gets no onnxruntime" in found.seen
    assert "local, Python 3.11" not in found.seen


def test_an_engine_that_a_model_needs(stage):
    stage.edit("dataset/bundle.json", lambda bundle: bundle["models"][0].update(cpu_engine="openvino"))
    found = stage.ask(wheels)
    assert found.level is Level.FAILED
    assert "kaggle-cpu, Python 3.12 gets no openvino" in found.seen


def test_wheels_for_other_images_than_kaggles(stage):
    stage.change(images={"local": stage.evidence.images["local"]})
    found = stage.ask(wheels)
    assert found.level is Level.WARNING
    assert "not chosen for kaggle-cpu" in found.seen
