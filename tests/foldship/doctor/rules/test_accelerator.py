from __future__ import annotations

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import accelerator

FILE = "kernel/kernel-metadata.json"


def test_a_cpu_needs_nothing(stage):
    assert stage.ask(accelerator).level is Level.PASSED


def test_a_gpu_with_an_engine_for_its_cuda(gpu_stage):
    found = gpu_stage.ask(accelerator)
    assert found.level is Level.PASSED
    assert "NvidiaTeslaT4" in found.seen and "CUDA 12 of kaggle-gpu" in found.seen


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"machine_shape": "NvidiaTeslaP100"}, "it is retired"),
        (
            {"machine_shape": "NvidiaTeslaT4Highmem"},
            "internal pool of Kaggle's that ordinary users do not get",
        ),
        ({"enable_gpu": False}, "enable_gpu is False, the bundle is for gpu"),
        ({"enable_tpu": True}, "enable_tpu is true"),
    ],
)
def test_a_machine_that_is_not_the_right_one(gpu_stage, change, seen):
    gpu_stage.edit(FILE, lambda metadata: metadata.update(change))
    found = gpu_stage.ask(accelerator)
    assert found.level is Level.FAILED
    assert seen in found.seen


def test_a_machine_that_is_not_known_is_worth_a_look(gpu_stage):
    gpu_stage.edit(FILE, lambda metadata: metadata.update(machine_shape="NvidiaOfNextYear"))
    found = gpu_stage.ask(accelerator)
    assert found.level is Level.WARNING
    assert "'NvidiaOfNextYear' is none of the machines" in found.seen


@pytest.mark.parametrize("shape", ["NvidiaTeslaT4", "", None])
def test_the_default_gpu_is_two_t4(gpu_stage, shape):
    gpu_stage.edit(FILE, lambda metadata: metadata.update(machine_shape=shape))
    found = gpu_stage.ask(accelerator)
    assert found.level is Level.PASSED and "NvidiaTeslaT4 (GPU T4 x2)" in found.seen


def test_a_gpu_that_a_cpu_bundle_does_not_use(stage):
    stage.edit(FILE, lambda metadata: metadata.update(enable_gpu=True))
    found = stage.ask(accelerator)
    assert found.level is Level.FAILED
    assert "the bundle is for cpu" in found.seen


def test_an_engine_for_another_cuda(gpu_stage):
    image = gpu_stage.evidence.images["kaggle-gpu"].model_copy(update={"cuda": 13})
    gpu_stage.change(images={"kaggle-gpu": image})
    found = gpu_stage.ask(accelerator)
    assert found.level is Level.FAILED
    assert "is for CUDA 13 of kaggle-gpu" in found.seen and "is for CUDA 12" in found.seen


def test_no_engine_for_the_gpu(gpu_stage):
    gpu_stage.edit("dataset/bundle.json", lambda bundle: bundle.update(wheels=bundle["wheels"][:2]))
    assert "of kaggle-gpu: none" in gpu_stage.ask(accelerator).seen
    gpu_stage.change(images={"local": gpu_stage.evidence.images["local"]})
    assert "none of the bundle's images has CUDA" in gpu_stage.ask(accelerator).seen
