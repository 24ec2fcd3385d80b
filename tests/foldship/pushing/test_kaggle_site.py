"""The stand-in for Kaggle behaves, towards the unmodified client, as the site does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from kaggle_site import Site, faults, runners
from kaggle_site.client import Client
from kaggle_site.quota import Quota

DATASET, KERNEL, COMPETITION = "someone/tiny-bundle", "someone/tiny-kernel", "a-competition"
FILES = ["bundle.json", "code/inner/more.py", "code/run.py", "empty.txt"]


@pytest.fixture
def reach(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Opens a site; in the end nothing may have asked for another host."""
    with ExitStack() as stack:
        sites = []

        def reach(**options: Any) -> Client:
            sites.append(stack.enter_context(Site(tmp_path / "site", **options)))
            return Client(sites[-1])

        yield reach
        assert [site.escapes for site in sites] == [[]] * len(sites)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A folder to upload: a file, an empty one, and two in a folder that becomes an archive."""
    folder = tmp_path / "dataset"
    (folder / "code" / "inner").mkdir(parents=True)
    (folder / "bundle.json").write_text('{"models": []}')
    (folder / "empty.txt").touch()
    (folder / "code" / "run.py").write_text("print(1)\n")
    (folder / "code" / "inner" / "more.py").write_text("print(2)\n")
    card = {"id": DATASET, "title": "Tiny Bundle", "licenses": [{"name": "other"}]}
    (folder / "dataset-metadata.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A kernel to push."""
    folder = tmp_path / "kernel"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    card = {
        "id": KERNEL,
        "title": "Tiny Kernel",
        "code_file": "main.py",
        "language": "python",
        "kernel_type": "script",
        "enable_internet": False,
        "dataset_sources": [DATASET],
        "competition_sources": [COMPETITION],
    }
    (folder / "kernel-metadata.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> dict[str, Path]:
    """The competition that kernels ask for."""
    folder = tmp_path / "competition"
    folder.mkdir()
    (folder / "test.csv").write_text("id\n1\n")
    return {COMPETITION: folder}


def create(kaggle: Client, dataset: Path) -> str:
    return kaggle.prints("datasets", "create", "-p", dataset, "--dir-mode", "zip")


def version(kaggle: Client, dataset: Path, notes: str = "more") -> str:
    return kaggle.prints("datasets", "version", "-p", dataset, "-m", notes, "--dir-mode", "zip")


def amend(kernel: Path, **changes: object) -> None:
    path = kernel / "kernel-metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def ask(site: Site, method: str, **request: object) -> requests.Response:
    return requests.post(f"{site.url}/api/v1/{method}", json=request, auth=(site.owner, site.key))


def methods(site: Site, *names: str) -> list[str]:
    return [method for method, _ in site.calls if method in names]


class TestDatasets:
    def test_is_unknown_then_processed_then_ready(self, reach, dataset):
        kaggle = reach(processing_polls=2)
        assert kaggle("datasets", "status", DATASET).returncode == 1
        assert "is being created" in create(kaggle, dataset)
        polls = [kaggle.prints("datasets", "status", DATASET) for _ in range(3)]
        assert polls == ["not_yet_persisted", "blobs_received", "ready"]
        assert kaggle.site.datasets[DATASET].private

    @pytest.mark.parametrize("status", [403, 404])
    def test_one_that_is_not_there_is_refused_in_either_way(self, reach, status):
        answer = reach(unknown=status)("datasets", "status", DATASET)
        assert f"{status} Client Error" in answer.stderr

    def test_archives_are_unpacked_and_listed_by_page(self, reach, dataset):
        kaggle = reach()
        create(kaggle, dataset)
        first = kaggle.prints("datasets", "files", DATASET, "--page-size", "3", "-v")
        token, _, rows = first.partition("\n")
        second = kaggle.prints(
            "datasets", "files", DATASET, "--page-size", "3", "-v", "--page-token", token.rpartition(" ")[2]
        )
        assert [row.split(",")[0] for row in rows.split()[1:] if "," in row] == FILES[:3]
        assert "empty.txt" in second
        assert "Next Page Token" not in second

    def test_a_version_replaces_all_files(self, reach, dataset):
        kaggle = reach()
        create(kaggle, dataset)
        (dataset / "bundle.json").write_text('{"models": ["new"]}')
        (dataset / "empty.txt").unlink()
        version(kaggle, dataset, "second")
        first, second = kaggle.site.datasets[DATASET].versions
        assert sorted(first.files) == FILES
        assert sorted(second.files) == FILES[:-1]
        assert second.notes == "second"
        assert json.loads(second.files["bundle.json"].read_text()) == {"models": ["new"]}
        shown = kaggle.prints("datasets", "status", DATASET, "--format", "json")
        assert json.loads(shown) == {"status": "ready", "current_version_number": 2}

    def test_one_file_and_all_files_are_downloaded(self, reach, dataset, tmp_path):
        kaggle = reach()
        create(kaggle, dataset)
        kaggle.prints("datasets", "download", DATASET, "-f", "code/run.py", "-p", tmp_path / "one")
        kaggle.prints("datasets", "download", DATASET, "--unzip", "-p", tmp_path / "all")
        assert (tmp_path / "one" / "run.py").read_text() == "print(1)\n"
        for name in FILES:
            assert (tmp_path / "all" / name).read_bytes() == (dataset / name).read_bytes()

    def test_a_file_is_sent_from_the_middle_only_while_it_is_the_same(self, reach, dataset):
        kaggle = reach()
        create(kaggle, dataset)
        url = f"{kaggle.site.url}/files/datasets/{DATASET}/1/code/run.py"
        whole = requests.get(url)
        rest = requests.get(url, headers={"Range": "bytes=6-", "If-Range": whole.headers["ETag"]})
        other = requests.get(url, headers={"Range": "bytes=6-", "If-Range": '"another"'})
        beyond = requests.get(url, headers={"Range": "bytes=99-"})
        assert (rest.status_code, rest.text) == (206, "1)\n")
        assert rest.headers["Content-Range"] == "bytes 6-8/9"
        assert (other.status_code, other.text) == (200, whole.text)
        assert beyond.status_code == 416

    def test_refusals_come_with_exit_status_0(self, reach, dataset):
        kaggle = reach()
        create(kaggle, dataset)
        assert "already in use" in create(kaggle, dataset)
        kaggle.site.fail("CreateDatasetVersion", faults.error_in_body("no more room"))
        assert "no more room" in version(kaggle, dataset)
        assert len(kaggle.site.datasets[DATASET].versions) == 1

    def test_a_version_of_an_unknown_dataset_is_refused(self, reach, dataset):
        answer = reach()("datasets", "version", "-p", dataset, "-m", "first")
        assert answer.returncode == 1
        assert "403 Client Error" in answer.stderr


class TestUploads:
    def test_goes_on_after_the_connection_was_closed(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("PUT", faults.drop_mid_upload(5), where={"name": "bundle.json"})
        create(kaggle, dataset)
        puts = [call for name, call in kaggle.site.calls if name == "PUT" and call["name"] == "bundle.json"]
        assert len(puts) == 2
        stored = kaggle.site.datasets[DATASET].versions[0].files["bundle.json"]
        assert stored.read_text() == '{"models": []}'

    def test_asks_how_far_it_is_and_sends_the_rest(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("PUT", faults.unavailable_mid_upload(5), where={"name": "bundle.json"})
        create(kaggle, dataset)
        firsts = [call["first"] for name, call in kaggle.site.calls if name == "PUT" and call["first"]]
        assert firsts == [5]
        assert methods(kaggle.site, "QUERY") == ["QUERY"]
        stored = kaggle.site.datasets[DATASET].versions[0].files["bundle.json"]
        assert stored.read_text() == '{"models": []}'

    def test_a_program_started_again_goes_on_where_the_first_one_ended(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("CreateDataset", faults.status(500))
        assert kaggle("datasets", "create", "-p", dataset).returncode == 1
        before = len(methods(kaggle.site, "StartBlobUpload"))
        kaggle.prints("datasets", "create", "-p", dataset)
        assert len(methods(kaggle.site, "StartBlobUpload")) == before == 2
        assert sorted(kaggle.site.datasets[DATASET].versions[0].files) == ["bundle.json", "empty.txt"]

    def test_a_refused_file_is_left_out_without_a_word_in_the_exit_status(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("PUT", faults.refused_file, where={"name": "code.zip"})
        assert "Upload unsuccessful: code.zip" in create(kaggle, dataset)
        assert sorted(kaggle.site.datasets[DATASET].versions[0].files) == ["bundle.json", "empty.txt"]

    def test_a_lost_file_shows_in_the_listing_alone(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("PUT", faults.lost_file, where={"name": "code.zip"})
        assert "Upload successful: code.zip" in create(kaggle, dataset)
        assert sorted(kaggle.site.datasets[DATASET].versions[0].files) == ["bundle.json", "empty.txt"]

    def test_the_token_of_an_unfinished_upload_is_refused(self, reach):
        site = reach().site
        started = ask(site, "blobs.BlobApiService/StartBlobUpload", name="x", contentLength=3).json()
        request = {
            "ownerSlug": "someone",
            "slug": "tiny-bundle",
            "title": "Tiny Bundle",
            "licenseName": "other",
            "files": [{"token": started["token"]}],
        }
        answer = ask(site, "datasets.DatasetApiService/CreateDataset", **request)
        assert answer.status_code == 400
        assert site.datasets == {}


class TestKernels:
    def test_keeps_what_was_pushed(self, reach, dataset, kernel, stage):
        kaggle = reach(competitions=stage)
        create(kaggle, dataset)
        kaggle.prints("kernels", "push", "-p", kernel)
        (kernel / "main.py").write_text("print('again')\n")
        kaggle.prints("kernels", "push", "-p", kernel)
        first, second = kaggle.site.kernels[KERNEL].versions
        assert (first["text"], second["text"]) == ("print('hello')\n", "print('again')\n")
        assert first["enableInternet"] is False
        session = kaggle.site.kernels[KERNEL].sessions[1]
        assert list(session.datasets) == [DATASET]
        assert session.competitions == stage

    def test_sources_that_are_not_valid_are_left_out(self, reach, kernel):
        kaggle = reach()
        pushed = kaggle.prints("kernels", "push", "-p", kernel)
        assert f"not valid dataset sources and could not be added to the kernel: ['{DATASET}']" in pushed
        assert (
            f"not valid competition sources and could not be added to the kernel: ['{COMPETITION}']" in pushed
        )
        session = kaggle.site.kernels[KERNEL].sessions[0]
        assert (session.datasets, session.competitions) == ({}, {})

    def test_a_version_that_is_not_ready_is_not_attached(self, reach, dataset, kernel, stage):
        kaggle = reach(competitions=stage, processing_polls=1)
        create(kaggle, dataset)
        assert "not valid dataset sources" in kaggle.prints("kernels", "push", "-p", kernel)
        kaggle.prints("datasets", "status", DATASET)
        version(kaggle, dataset)
        assert "not valid" not in kaggle.prints("kernels", "push", "-p", kernel)
        kaggle.prints("datasets", "status", DATASET)
        kaggle.prints("kernels", "push", "-p", kernel)
        attached = [session.datasets.get(DATASET) for session in kaggle.site.kernels[KERNEL].sessions]
        assert [folder and folder.name for folder in attached] == [None, "1", "2"]

    def test_a_title_of_another_name_makes_a_kernel_of_that_name_and_then_a_conflict(self, reach, kernel):
        kaggle = reach()
        amend(kernel, title="Other Name")
        assert "does not resolve" in kaggle.prints("kernels", "push", "-p", kernel)
        assert list(kaggle.site.kernels) == ["someone/other-name"]
        assert "409 Client Error" in kaggle("kernels", "push", "-p", kernel).stderr

    def test_too_much_code_and_a_used_up_quota_are_refused_with_exit_status_0(self, reach, kernel):
        kaggle = reach(quota=Quota(gpu_used=30.0))
        amend(kernel, enable_gpu=True)
        pushed = kaggle.prints("kernels", "push", "-p", kernel)
        assert "Kernel push error: Maximum weekly GPU quota of 30.00 hours reached." in pushed
        kaggle.site.quota.gpu_used = 0.0
        (kernel / "main.py").write_text("#" * 1_000_001)
        assert "too large" in kaggle.prints("kernels", "push", "-p", kernel)
        assert kaggle.site.kernels == {}

    def test_a_third_session_with_gpus_is_refused(self, reach, kernel):
        kaggle = reach(queue_polls=9)
        amend(kernel, enable_gpu=True)
        pushed = [kaggle.prints("kernels", "push", "-p", kernel) for _ in range(3)]
        assert "Maximum batch GPU session count of 2 reached." in pushed[2]
        assert len(kaggle.site.kernels[KERNEL].versions) == 2

    def test_the_quota_is_shown(self, reach):
        shown = reach(quota=Quota(gpu_used=12.5)).prints("quota", "-v").split()
        assert shown[1].startswith("GPU,12.50h,17.50h,30.00h")

    def test_versions_are_told_apart_by_label(self, reach, kernel):
        site = reach(runner=runners.writes({"a.txt": "a"})).site
        kaggle = Client(site)
        site.fail("SaveKernel", faults.session_error("It broke."))
        for _ in range(2):
            kaggle.prints("kernels", "push", "-p", kernel)
        method = "kernels.KernelsApiService/GetKernelSessionStatus"
        asked = [
            ask(site, method, userName="someone", kernelSlug="tiny-kernel", versionLabel=label).json()
            for label in ("v1", "v2", "1")
        ]
        assert asked[:2] == [{"status": "ERROR", "failureMessage": "It broke."}, {"status": "COMPLETE"}]
        assert asked[2]["error"]["code"] == 404

    def test_an_unknown_one_is_refused(self, reach):
        answer = reach()("kernels", "status", KERNEL)
        assert answer.returncode == 1
        assert "Permission 'kernels.get' was denied" in answer.stderr


class TestCompetitions:
    def submit(self, kaggle: Client, file: str = "submission.csv") -> Any:
        return kaggle(
            "competitions", "submit", COMPETITION, "-k", KERNEL, "-v", "1", "-f", file, "-m", "mine"
        )

    def test_a_finished_kernel_is_submitted_and_scored(self, reach, kernel, stage):
        kaggle = reach(competitions=stage, score_polls=1, score="0.38713")
        kaggle.prints("kernels", "push", "-p", kernel)
        early = self.submit(kaggle)
        assert early.returncode == 1
        assert "400 Client Error" in early.stderr
        kaggle.prints("kernels", "status", KERNEL)
        assert self.submit(kaggle, "other.csv").returncode == 1
        assert "Successfully submitted" in self.submit(kaggle).stdout
        assert kaggle.site.submissions[0].request["submissionDescription"] == "mine"
        shown = [kaggle.prints("competitions", "submissions", COMPETITION, "-v") for _ in range(2)]
        assert "PENDING" in shown[0]
        assert "0.38713" not in shown[0]
        assert "COMPLETE,0.38713" in shown[1]


class TestFaults:
    def test_a_request_may_be_refused_for_a_while(self, reach, dataset):
        kaggle = reach()
        kaggle.site.fail("CreateDataset", faults.status(429, "slow down", retry_after=0), times=2)
        create(kaggle, dataset)
        assert len(methods(kaggle.site, "CreateDataset")) == 3


class TestDoors:
    def test_other_hosts_are_refused_and_recorded(self, tmp_path):
        with Site(tmp_path) as site:
            proxies = {"http": site.url, "https": site.url}
            with requests.Session() as session:
                session.trust_env = False
                plain = session.get("http://www.kaggle.com/api/v1/x", proxies=proxies)
                with pytest.raises(requests.exceptions.ProxyError):
                    session.get("https://api.kaggle.com/v1/x", proxies=proxies)
            assert plain.status_code == 502
            assert site.escapes == ["http://www.kaggle.com/api/v1/x", "api.kaggle.com:443"]

    def test_a_client_that_speaks_to_the_real_site_gets_nowhere(self, tmp_path):
        with Site(tmp_path) as site:
            kaggle = Client(site, KAGGLE_API_ENVIRONMENT="PROD")
            answer = kaggle("quota")
            assert answer.returncode == 1
            assert set(site.escapes) == {"api.kaggle.com:443"}
            assert site.calls == []

    def test_wrong_credentials_are_refused(self, reach):
        site = reach().site
        url = f"{site.url}/api/v1/kernels.KernelsApiService/GetAcceleratorQuotaStatistics"
        assert requests.post(url, json={}).status_code == 401
        assert requests.post(url, json={}, auth=(site.owner, "wrong")).status_code == 401
        assert site.calls == []

    def test_an_unknown_method_is_not_found(self, reach):
        site = reach().site
        answer = ask(site, "x.Y/Z")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == 404

    def test_an_error_of_a_runner_is_not_taken_for_one_of_the_site(self, tmp_path, kernel):
        def breaks(session: object) -> None:
            raise RuntimeError("the runner broke")

        with pytest.raises(RuntimeError, match="the runner broke"), Site(tmp_path, runner=breaks) as site:
            Client(site).prints("kernels", "push", "-p", kernel)
            assert Client(site)("kernels", "status", KERNEL).returncode == 1

    def test_the_clients_files_stay_below_the_sites_folder(self, tmp_path):
        with Site(tmp_path) as site:
            for name in ("HOME", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME", "TMPDIR"):
                assert Path(site.environment[name]).is_relative_to(tmp_path)
