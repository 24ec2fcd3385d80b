"""A whole push against the stand-in site, where all goes well and where it does not."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import push_stage
import pytest
import tiny_bundle
from kaggle_site import Site, faults, runners
from kaggle_site.answers import Answer, Dropped
from kaggle_site.exchange import Exchange, Fault, Proceed
from push_stage import COMPETITION, DATASET, KERNEL, Stage

from foldship.kaggle_client.answers import KaggleError
from foldship.pushing.record import FILE_NAME
from foldship_kernel.errors import FoldshipError


def count(site: Site) -> Counter[str]:
    return Counter(method for method, _ in site.calls)


def on_kaggle(site: Site) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in site.datasets[DATASET].versions[-1].files.items()}


def here(stage: Stage) -> dict[str, bytes]:
    return contents(stage.bundle.dataset)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "dataset-metadata.json"
    }


def test_the_first_push_does_it_all(stage: Stage, site: Site) -> None:
    record = stage.push()
    assert on_kaggle(site) == here(stage)
    assert site.datasets[DATASET].private
    (pushed,) = site.kernels[KERNEL].versions
    assert pushed["text"] == (stage.bundle.kernel / "main.py").read_text()
    assert pushed["enableInternet"] is False and pushed["isPrivate"] is True
    assert pushed["datasetDataSources"] == [DATASET]
    assert pushed["competitionDataSources"] == [COMPETITION]
    assert record.get("kernel")["version"] == 1
    assert record.get("compared")["rows"] == push_stage.ROWS
    assert (stage.out / "output" / "submission.csv").is_file()
    assert (stage.out / "output" / "kernel.log").read_text() == "done\n"
    assert not site.submissions
    assert any("being processed" in line or "registered" in line for line in stage.lines.awaited)


def test_a_dataset_that_one_may_not_ask_for_is_made(stage: Stage, open_site: Callable[..., Site]) -> None:
    site = open_site(unknown=403)
    stage.push()
    assert on_kaggle(site) == here(stage)


def test_what_an_upload_left_half_done_is_never_taken_for_another_build(
    stage: Stage, site: Site, tmp_path: Path
) -> None:
    site.fail("CreateDataset", faults.status(403))
    with pytest.raises(KaggleError):
        stage.push()
    dataset = Path(shutil.copytree(stage.bundle.dataset, tmp_path / "other"))
    text = (dataset / "bundle.json").read_text()
    (dataset / "bundle.json").write_text(text.replace('"limit_s": 32400.0', '"limit_s": 32399.0'))
    other = Stage(type(stage.bundle)(dataset, stage.bundle.kernel), stage.rehearsal, stage.out)
    other.push()
    assert on_kaggle(site) == here(other)
    assert len(site.datasets[DATASET].versions) == 1


def test_the_kernel_is_pushed_only_when_the_dataset_is_ready(stage: Stage, site: Site) -> None:
    stage.push()
    methods = [method for method, _ in site.calls]
    assert methods.index("ListDatasetFiles") < methods.index("SaveKernel")
    (session,) = site.kernels[KERNEL].sessions
    assert set(session.datasets) == {DATASET}


def test_a_second_push_of_the_same_does_nothing_again(stage: Stage, site: Site) -> None:
    stage.push(submitting=True)
    before = count(site)
    stage.push(submitting=True)
    after = count(site)
    for method in ("PUT", "CreateDataset", "CreateDatasetVersion", "SaveKernel", "CreateCodeSubmission"):
        assert after[method] == before[method], method
    assert after["DownloadDataset"] == before["DownloadDataset"]  # the bytes of this version are known


def test_another_bundle_becomes_a_new_version(stage: Stage, site: Site, tmp_path: Path) -> None:
    stage.push()
    dataset = Path(shutil.copytree(stage.bundle.dataset, tmp_path / "other"))
    contents = json.loads((dataset / "bundle.json").read_text())
    (dataset / "bundle.json").write_text(json.dumps({**contents, "limit_s": 1234.0}))
    other = Stage(
        type(stage.bundle)(dataset, stage.bundle.kernel), stage.rehearsal, stage.out, stage.lines, stage.clock
    )
    other.push()
    assert len(site.datasets[DATASET].versions) == 2
    assert on_kaggle(site) == here(other)
    assert len(site.kernels[KERNEL].versions) == 2


def test_another_build_of_the_same_size_is_told_by_its_manifest(
    stage: Stage, site: Site, tmp_path: Path
) -> None:
    stage.push()
    dataset = Path(shutil.copytree(stage.bundle.dataset, tmp_path / "other"))
    text = (dataset / "bundle.json").read_text()
    (dataset / "bundle.json").write_text(text.replace('"limit_s": 32400.0', '"limit_s": 32399.0'))
    assert (dataset / "bundle.json").stat().st_size == len(text.encode())
    other = Stage(type(stage.bundle)(dataset, stage.bundle.kernel), stage.rehearsal, stage.out)
    other.push()
    assert on_kaggle(site) == here(other)


def test_a_submission_shows_its_score(stage: Stage, site: Site) -> None:
    record = stage.push(submitting=True)
    assert record.get("submission")["score"] == "0.41000"
    assert len(site.submissions) == 1
    assert "public score 0.41000" in stage.lines.text


PASSING = [
    ("StartBlobUpload", faults.status(500), 2),
    ("StartBlobUpload", faults.status(429, retry_after=0), 2),
    ("PUT", faults.drop_mid_upload(1000), 2),
    ("PUT", faults.unavailable_mid_upload(1000), 1),
    ("PUT", faults.status(500), 1),
    ("PUT", faults.status(400), 1),
    ("PUT", faults.lost_file, 1),
    ("CreateDataset", faults.status(429, retry_after=3), 1),
    ("CreateDataset", faults.status(500), 1),
    ("CreateDataset", faults.answer_lost, 1),
    ("CreateDataset", faults.corrupted_file("bundle.json"), 1),
    ("CreateDataset", faults.missing_file("bundle.json"), 1),
    ("GetDatasetStatus", faults.status(500), 2),
    ("GetDataset", faults.status(502), 2),
    ("ListDatasetFiles", faults.status(503), 2),
    ("DownloadDataset", faults.status(500), 1),
    ("GET", faults.partial_page, 1),
    ("GetKernel", faults.status(500), 1),
    ("SaveKernel", faults.status(429, retry_after=3), 1),
    ("SaveKernel", faults.status(500), 1),
    ("SaveKernel", faults.answer_lost, 1),
    ("GetKernelSessionStatus", faults.status(500), 3),
    ("ListKernelSessionOutput", faults.status(500), 1),
    ("CreateCodeSubmission", faults.status(500), 1),
    ("CreateCodeSubmission", faults.answer_lost, 1),
    ("GetSubmission", faults.status(500), 1),
]


@pytest.mark.parametrize(
    ("method", "fault", "times"),
    PASSING,
    ids=[f"{method}-{number}" for number, (method, *_) in enumerate(PASSING)],
)
def test_trouble_that_passes_costs_time_only(
    stage: Stage, site: Site, method: str, fault: Fault, times: int
) -> None:
    site.fail(method, fault, times)
    stage.push(submitting=True)
    assert on_kaggle(site) == here(stage)
    assert len(site.kernels[KERNEL].versions) == 1, "one run only: each costs quota"
    assert len(site.submissions) == 1, "one submission only: they are counted by the day"


def test_the_wait_that_kaggle_asks_for_is_kept(stage: Stage, site: Site) -> None:
    site.fail("ListDatasetFiles", faults.status(429, retry_after=77))
    stage.push()
    assert 77 in stage.clock.slept
    assert "429" in stage.lines.text


def test_a_broken_upload_is_resumed_not_repeated(stage: Stage, site: Site) -> None:
    site.fail("PUT", faults.unavailable_mid_upload(100_000))
    stage.push()
    assert count(site)["QUERY"] >= 1
    assert count(site)["StartBlobUpload"] == 4  # bundle.json and three archives, once each


FINAL = [
    ("CreateDataset", faults.status(403, "Forbidden"), 1, "403: Forbidden", "your own"),
    ("CreateDataset", faults.status(409, "Conflict"), 1, "409: Conflict", "under way"),
    (
        "CreateDataset",
        faults.error_in_body("The requested title is already in use by a dataset."),
        1,
        "already in use",
        "another title",
    ),
    ("CreateDataset", faults.never_ready, 1, "still being processed", "not upload again"),
    ("CreateDataset", faults.failed_processing, 1, "FAILED", "push again"),
    ("GetDatasetStatus", faults.status(401, "Unauthorized"), 9, "401: Unauthorized", "new token"),
    ("GetDatasetStatus", faults.status(500), 99, "500, 6 times", "status page"),
    ("PUT", faults.status(403), 99, "Kaggle does not take", "room left"),
    (
        "SaveKernel",
        faults.error_in_body("Maximum weekly GPU quota of 30.00 hours reached."),
        1,
        "quota",
        "weekly reset",
    ),
    ("SaveKernel", faults.status(403, "Permission denied"), 1, "403: Permission denied", "verified"),
    ("SaveKernel", faults.error_in_body("Conflict", code=409), 1, "409: Conflict", "under way"),
    (
        "SaveKernel",
        faults.session_error("Your notebook tried to allocate more memory than is available."),
        1,
        "allocate more memory",
        "MEMORY=",
    ),
    ("CreateCodeSubmission", faults.status(403, "You must accept the rules"), 1, "403", "accept the rules"),
    ("CreateCodeSubmission", faults.scoring_error("Submission Scoring Error"), 1, "Scoring Error", "ROWS="),
]


@pytest.mark.parametrize(
    ("method", "fault", "times", "found", "fix"),
    FINAL,
    ids=[f"{method}-{number}" for number, (method, *_) in enumerate(FINAL)],
)
def test_a_refusal_says_what_and_what_to_do(
    stage: Stage, site: Site, method: str, fault: Fault, times: int, found: str, fix: str
) -> None:
    site.fail(method, fault, times)
    with pytest.raises(KaggleError) as caught:
        stage.push(submitting=True)
    assert found in caught.value.what + caught.value.found
    assert fix in caught.value.fix
    assert site.key not in str(caught.value)


def test_a_dataset_that_is_never_what_was_uploaded_is_given_up(stage: Stage, site: Site) -> None:
    for method in ("CreateDataset", "CreateDatasetVersion"):
        site.fail(method, faults.corrupted_file("code/foldship_kernel/run.py"), 9)
    with pytest.raises(KaggleError, match=r"3 times(.|\n)*code/foldship_kernel/run\.py has other bytes"):
        stage.push()
    assert not site.kernels


def test_a_version_that_could_not_be_processed_is_replaced(stage: Stage, site: Site) -> None:
    site.fail("CreateDataset", faults.failed_processing)
    with pytest.raises(KaggleError, match="could not process"):
        stage.push()
    stage.push()
    assert on_kaggle(site) == here(stage)


def test_a_source_that_kaggle_leaves_out_is_an_error(
    stage: Stage, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = open_site(competitions={})
    with pytest.raises(KaggleError, match=rf"not attached: competition {COMPETITION}"):
        stage.push()
    # Once it is mended, the kernel is pushed again: the first version lacks the competition.
    (tmp_path / "now").mkdir()
    site.competitions[COMPETITION] = tmp_path / "now"
    assert stage.push().get("kernel")["version"] == 2


def test_a_failed_run_leaves_log_and_output(stage: Stage, site: Site) -> None:
    site.fail("SaveKernel", faults.session_error("Your notebook was stopped", "line one\nline two\n"))
    with pytest.raises(KaggleError, match=r"ended with ERROR(.|\n)*line two"):
        stage.push()
    assert "line two" in (stage.out / "output" / "kernel.log").read_text()
    assert stage.push().get("kernel")["version"] == 2, "what failed is pushed again"


STOPPED_AT = (
    "StartBlobUpload",
    "PUT",
    "CreateDataset",
    "ListDatasetFiles",
    "DownloadDataset",
    "SaveKernel",
    "GetKernelSessionStatus",
    "ListKernelSessionOutput",
    "CreateCodeSubmission",
    "GetSubmission",
)


@pytest.mark.parametrize("method", STOPPED_AT)
def test_a_push_that_was_stopped_anywhere_is_finished_by_the_next(
    stage: Stage, site: Site, method: str
) -> None:
    site.fail(method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.push(submitting=True)
    stage.push(submitting=True)
    assert on_kaggle(site) == here(stage)
    assert len(site.datasets[DATASET].versions) == 1
    assert len(site.kernels[KERNEL].versions) == 1
    assert len(site.submissions) == 1


def interrupted(exchange: Exchange, proceed: Proceed) -> Answer:
    """Ctrl-C while Kaggle works: the request is carried out, and nobody hears of it."""
    proceed()
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)
    time.sleep(0.2)  # no answer before the signal has arrived
    raise Dropped


def test_a_kernel_that_was_deleted_is_pushed_again(stage: Stage, site: Site) -> None:
    stage.push()
    site.kernels.clear()
    stage.push()
    assert len(site.kernels[KERNEL].versions) == 1


def test_a_failed_run_is_told_even_if_its_output_is_refused(stage: Stage, site: Site) -> None:
    site.fail("SaveKernel", faults.session_error("Your notebook was stopped"))
    site.fail("ListKernelSessionOutput", faults.status(403), times=9)
    with pytest.raises(KaggleError, match=r"ended with ERROR(.|\n)*Your notebook was stopped"):
        stage.push()


def test_a_refused_version_does_not_cost_another_upload(stage: Stage, site: Site) -> None:
    site.fail("CreateDataset", faults.status(403))
    with pytest.raises(KaggleError):
        stage.push()
    before = count(site)
    stage.push()
    assert count(site)["StartBlobUpload"] == before["StartBlobUpload"]
    assert on_kaggle(site) == here(stage)


def test_metadata_that_the_client_refuses_is_an_error_in_words(
    stage: Stage, site: Site, tmp_path: Path
) -> None:
    kernel = Path(shutil.copytree(stage.bundle.kernel, tmp_path / "kernel"))
    metadata = json.loads((kernel / "kernel-metadata.json").read_text())
    (kernel / "kernel-metadata.json").write_text(json.dumps({**metadata, "language": "fortran"}))
    other = Stage(type(stage.bundle)(stage.bundle.dataset, kernel), stage.rehearsal, stage.out)
    with pytest.raises(KaggleError, match=r"valid language(.|\n)*make bundle"):
        other.push()


def differing(**facts: object) -> runners.Runner:
    return runners.writes(push_stage.output(push_stage.submission(nudge=1e-4), **facts))


@pytest.mark.parametrize(
    ("runner", "message"),
    [
        (runners.writes(push_stage.output(push_stage.submission(seed=1))), "not the rehearsal's"),
        (runners.writes(push_stage.output(push_stage.submission(rows=39))), "other rows"),
        (runners.writes({"other.csv": "x"}), r"left no submission\.csv"),
        (runners.writes({"submission.csv": push_stage.submission()}), r"foldship\.json"),
        (
            differing(status="partial", folds_left_out={"tiny fold 1": "no time"}),
            r"was partial(.|\n)*tiny fold 1: no time",
        ),
    ],
)
def test_a_run_that_computed_something_else_is_an_error(
    stage: Stage, open_site: Callable[..., Site], runner: runners.Runner, message: str
) -> None:
    open_site(runner=runner)
    with pytest.raises(FoldshipError, match=message):
        stage.push()


def test_many_outputs_on_many_pages_all_come(stage: Stage, open_site: Callable[..., Site]) -> None:
    files = {f"more/{number}.txt": str(number) for number in range(23)}
    open_site(page_limit=5, runner=runners.writes({**push_stage.output(push_stage.submission()), **files}))
    stage.push()
    found = {path.name: path.read_text() for path in (stage.out / "output" / "more").iterdir()}
    assert found == {f"{number}.txt": str(number) for number in range(23)}


def test_all_parts_of_a_large_bundle_go_up(stage: Stage, site: Site, tmp_path: Path) -> None:
    bundle = tiny_bundle.build(
        tmp_path / "large",
        models={"first": 2, "second": 1},
        width=tiny_bundle.WIDE,
        dataset_limit_gib=tiny_bundle.ONE_WIDE_GIB,
    )
    Stage(bundle, stage.rehearsal, stage.out, stage.lines, stage.clock).push()
    refs = [DATASET, f"{DATASET}-2"]
    assert list(site.datasets) == refs
    for ref, folder in zip(refs, bundle.datasets, strict=True):
        uploaded = site.datasets[ref].versions[-1].files
        assert {name: path.read_bytes() for name, path in uploaded.items()} == contents(folder)
    (session,) = site.kernels[KERNEL].sessions
    assert list(session.datasets) == refs


def test_names_and_sizes_can_be_enough(stage: Stage, site: Site) -> None:
    stage.push(hashes=False)
    assert count(site)["DownloadDataset"] == 0


def test_the_key_is_nowhere_on_the_disk(stage: Stage, site: Site) -> None:
    stage.push(submitting=True)
    assert (stage.out / FILE_NAME).is_file()
    for path in stage.out.rglob("*"):
        assert path.is_dir() or site.key.encode() not in path.read_bytes()
    assert site.key not in stage.lines.text
