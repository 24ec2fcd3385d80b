"""Kernels that Kaggle calls by another name than we do: no run of theirs is lost."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from kaggle_site import Site, faults
from kaggle_site.answers import Answer, Dropped
from kaggle_site.exchange import Exchange, Proceed
from push_stage import KERNEL, Stage

from foldship.kaggle_client.answers import KaggleError

OTHER = "some-organisation/another-name"


def count(site: Site) -> Counter[str]:
    return Counter(method for method, _ in site.calls)


def renames(exchange: Exchange, proceed: Proceed) -> Answer:
    """Its owner renames the kernel on its page just before this."""
    exchange.site.rename(KERNEL, OTHER)
    return proceed()


def lost(exchange: Exchange, proceed: Proceed) -> Answer:
    """Done, but the answer never comes."""
    proceed()
    raise Dropped


@pytest.fixture
def retitled(stage: Stage, tmp_path: Path) -> Callable[..., Stage]:
    """A push whose kernel has other metadata."""

    def changed(**values: str) -> Stage:
        kernel = Path(shutil.copytree(stage.bundle.kernel, tmp_path / "retitled"))
        path = kernel / "kernel-metadata.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
        bundle = type(stage.bundle)(stage.bundle.dataset, kernel)
        return Stage(bundle, stage.rehearsal, stage.out, stage.lines, stage.clock)

    return changed


def test_the_name_of_the_answer_is_followed(stage: Stage, site: Site) -> None:
    site.fail("SaveKernel", faults.named(OTHER))
    record = stage.push(submitting=True)
    assert record.get("kernel")["ref"] == OTHER and OTHER in record.get("kernel")["url"]
    assert (stage.out / "output" / "submission.csv").is_file()
    (submitted,) = site.submissions
    assert f"{submitted.request['kernelOwner']}/{submitted.request['kernelSlug']}" == OTHER
    assert f"Kaggle calls it {OTHER}" in stage.lines.text
    stage.push(submitting=True)
    assert count(site)["SaveKernel"] == 1 and len(site.submissions) == 1


@pytest.mark.parametrize("method", ["GetKernelSessionStatus", "ListDatasetFiles"])
def test_a_kernel_that_is_renamed_is_found_again(stage: Stage, site: Site, method: str) -> None:
    if method == "ListDatasetFiles":  # between two pushes
        stage.push()
    site.fail(method, renames)
    record = stage.push(submitting=True)
    assert record.get("kernel")["ref"] == OTHER and record.get("compared")["rows"]
    assert count(site)["SaveKernel"] == 1  # the run is not made twice


def test_a_title_of_another_name_is_warned_about_and_followed(
    retitled: Callable[..., Stage], site: Site
) -> None:
    stage = retitled(id="someone/koln-kernel", title="Kölner Kernel")
    record = stage.push()
    assert record.get("kernel")["ref"] == "someone/kolner-kernel"
    assert "Kaggle's client: Your kernel title does not resolve to the specified id" in stage.lines.text
    site.kernels["someone/kolner-kernel"].sessions[0].status = "ERROR"
    again = stage.push()
    assert again.get("kernel")["version"] == 2  # of the same kernel


def test_a_lost_answer_about_a_kernel_of_another_name_costs_no_second_run(
    retitled: Callable[..., Stage], site: Site
) -> None:
    stage = retitled(id="someone/koln-kernel", title="Kölner Kernel")
    site.fail("SaveKernel", lost)
    assert stage.push().get("kernel")["ref"] == "someone/kolner-kernel"
    assert count(site)["SaveKernel"] == 1


def test_a_push_for_somebody_else_names_everyone_and_everything(
    retitled: Callable[..., Stage], site: Site
) -> None:
    stage = retitled(id="another/tiny-kernel")
    with pytest.raises(KaggleError) as caught:
        stage.push()
    assert caught.value.found == "Notebook not found"
    for part in ("another/tiny-kernel", "owner another", "slug tiny-kernel", "Tiny Kernel"):
        assert part in caught.value.what
    assert "signed in as someone" in caught.value.fix and "`owner: someone`" in caught.value.fix


def test_a_kernel_that_is_nowhere_names_what_to_look_for(stage: Stage, site: Site) -> None:
    site.fail("SaveKernel", lambda *_: Answer(200, {"error": "Notebook not found"}))
    with pytest.raises(KaggleError, match="slug tiny-kernel") as caught:
        stage.push()
    assert "deleted or renamed" in caught.value.fix


def test_a_dataset_of_another_name_is_told(stage: Stage, site: Site) -> None:
    def elsewhere(_: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        answer.body["ref"] = "/datasets/someone/another-bundle"
        return answer

    site.fail("CreateDataset", elsewhere)
    stage.push()
    assert "Kaggle made dataset someone/another-bundle, not someone/tiny-bundle" in stage.lines.text
