"""The two metadata files that Kaggle's client reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foldship import naming
from foldship.kaggle_client import credentials
from foldship.naming import UNKNOWN_OWNER
from foldship_kernel.errors import FoldshipError

KERNEL, DATASET = "kernel-metadata.json", "dataset-metadata.json"


def find_owner(
    configured: str | None, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> str:
    """The user name on Kaggle: configured, or as the credentials of this machine have it, or a placeholder.

    Args:
        configured: in kernel.yaml; None if it is not.
        environment, home: as of `credentials.find`.
    """
    return configured or credentials.username(environment, home) or UNKNOWN_OWNER


def checked_owner(
    configured: str | None, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> str:
    """As `find_owner`.

    Raises:
        FoldshipError: what was found is no user name.
    """
    owner = find_owner(configured, environment, home)
    try:
        return naming.check_owner(owner)
    except ValueError as error:
        raise FoldshipError(
            "the owner of kernel and dataset cannot be one",
            found=str(error),
            fix="correct KAGGLE_USERNAME or kaggle.json, or set owner in kernel.yaml",
        ) from error


def kernel(
    *,
    owner: str,
    title: str,
    datasets: Sequence[str],
    competition: str,
    gpu: bool,
    machine_shape: str,
) -> dict[str, Any]:
    """Content of kernel-metadata.json: a private script without internet, bundle and competition attached.

    Args:
        owner: user name on Kaggle.
        title: of the kernel.
        datasets: "<owner>/<slug>" of every part of the bundle, in order.
        competition: slug of the competition whose files are attached.
        gpu: whether a GPU is asked for.
        machine_shape: which.
    """
    value: dict[str, Any] = {
        "id": f"{owner}/{naming.slug(title)}",
        "title": title,
        "code_file": "main.py",
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": gpu,
        "enable_tpu": False,
        "enable_internet": False,
        "keywords": [],
        "dataset_sources": list(datasets),
        "competition_sources": [competition],
        "kernel_sources": [],
        "model_sources": [],
    }
    if gpu:
        value["machine_shape"] = machine_shape
    return value


def dataset(*, owner: str, title: str) -> dict[str, Any]:
    """Content of dataset-metadata.json."""
    return {"title": title, "id": dataset_id(owner, title), "licenses": [{"name": "other"}]}


def dataset_id(owner: str, title: str) -> str:
    """What a dataset is attached as."""
    return f"{owner}/{naming.slug(title)}"
