"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
# Read when the Kaggle client is imported: whatever a test does, it speaks to http://localhost, not to Kaggle.
os.environ["KAGGLE_API_ENVIRONMENT"] = "LOCALHOST"
for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
    os.environ.pop(name, None)
# A shell has what it starts with "&" ignore Ctrl-C, and so would all that tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def nothing_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves what another one would feel: the environment is put back, torch's settings are compared.

    Libraries set variables of their own, such as the precision that a training ran in.
    """
    variables, settings = dict(os.environ), _torch_settings()
    yield
    for name in set(os.environ) - set(variables):
        if name != "PYTEST_CURRENT_TEST":
            del os.environ[name]
    os.environ.update({name: value for name, value in variables.items() if name != "PYTEST_CURRENT_TEST"})
    left = _torch_settings()
    if settings is not None and left != settings:
        changed = {name: (settings[name], value) for name, value in left.items() if settings[name] != value}
        pytest.fail(f"the test left torch otherwise than it was (before, after): {changed}")


def _torch_settings() -> dict[str, object] | None:
    """What changes results of torch for the whole process; None where it is not loaded."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_float32_matmul_precision"):
        return None
    return {
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "default_dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "onednn": torch.backends.mkldnn.enabled,
    }


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The competitions' own files, one folder each; they are not part of the project."""
    folder = Path(os.environ.get("FOLDSHIP_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            "no real competition files: set FOLDSHIP_DATA to a folder that holds quest/ and the others"
        )
    return folder


@pytest.fixture(scope="session")
def faults() -> Path:
    """Inputs that people brought and that were once lost; they are not part of the project."""
    folder = Path(os.environ.get("FOLDSHIP_FAULTS", ROOT.parent / "shared" / "faults"))
    if not folder.is_dir():
        pytest.skip("no faulty inputs: set FOLDSHIP_FAULTS to a folder that holds aboard_onebyte/ and others")
    return folder


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer BERT of 32 dimensions with the embedded backbone's vocabulary."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from foldship.modelling import backbone

    folder = tmp_path_factory.mktemp("backbone") / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(backbone.locate(backbone.EMBEDDED, folder))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
