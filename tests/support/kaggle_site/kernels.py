"""What can be done with kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slugify import slugify

from kaggle_site.answers import Answer, Methods, Refused, page
from kaggle_site.datasets import Datasets
from kaggle_site.quota import Quota
from kaggle_site.sessions import COMPLETE, ERROR, QUEUED, RUNNING, Kernel, Session

TEXT_LIMIT = 1_000_000  # bytes of code
GPU_SESSIONS = 2  # at the same time
COPIED = (
    "language",
    "kernelType",
    "isPrivate",
    "enableGpu",
    "enableTpu",
    "enableInternet",
    "categoryIds",
    "kernelDataSources",
    "modelDataSources",
    "dockerImage",
    "machineShape",
)


class Kernels:
    """`kernels.KernelsApiService`."""

    def __init__(
        self,
        folder: Path,
        base: str,
        owner: str,
        datasets: Datasets,
        competitions: Mapping[str, Path],
        quota: Quota,
        run: Callable[[Session], None],
        polls: tuple[int, int],
        most: int,
    ) -> None:
        self.all: dict[str, Kernel] = {}
        self.quota = quota
        self._started = 0
        self._folder, self._base, self._owner = folder, base, owner
        self._datasets, self._competitions = datasets, competitions
        self._run, self._polls, self._most = run, polls, most
        service = "kernels.KernelsApiService"
        self.methods: Methods = {
            f"{service}/SaveKernel": self.save,
            f"{service}/GetKernel": self.get,
            f"{service}/ListKernels": self.listing,
            f"{service}/GetKernelSessionStatus": self.status,
            f"{service}/ListKernelSessionOutput": self.output,
            "kernels/logs/stream": self.log,
            f"{service}/GetAcceleratorQuotaStatistics": self.quotas,
        }

    def find(self, request: Mapping[str, Any]) -> Kernel:
        """The kernel that a request names.

        Raises:
            Refused: there is none; Kaggle does not tell that from one that is not to be seen.
        """
        found = self.all.get(f"{request.get('userName')}/{request.get('kernelSlug')}")
        if found is None:
            raise Refused(403, "Permission 'kernels.get' was denied")
        return found

    def session(self, request: Mapping[str, Any]) -> Session:
        """The session of the version that a request names, or the newest.

        A version is named "v2"; a bare "2" is not found: https://github.com/Kaggle/kaggle-cli/pull/1201.

        Raises:
            Refused: there is none.
        """
        found, label = self.find(request), request.get("versionLabel")
        if not label:
            return found.sessions[-1]
        number = label[1:] if label.startswith("v") else ""
        if not number.isdigit() or not 1 <= int(number) <= len(found.sessions):
            raise Refused(404, "Not found")
        return found.sessions[int(number) - 1]

    def save(self, request: dict[str, Any]) -> dict[str, Any]:
        """A new version, which starts to run; some errors come in the body of a good answer.

        What is no valid source is named in the answer and left out, and the version runs without it.
        """
        owner, _, slug = request.get("slug", "").partition("/")
        title = request.get("newTitle", "")
        if error := self._error(request, owner, slug, title):
            return {"error": error}
        found = self.all.get(f"{owner}/{slug}")
        if found is None:
            ref = f"{owner}/{slugify(title or slug)}"
            if ref in self.all:
                raise Refused(
                    409,
                    f'The requested title "{title}" is already in use by a kernel. '
                    "Please choose another title.",
                )
            found = self.all[ref] = Kernel(1000 + len(self.all), ref, title or slug)
        bad_datasets = [ref for ref in request.get("datasetDataSources", []) if not self._ready(ref)]
        wanted = request.get("competitionDataSources", [])
        bad_competitions = [name for name in wanted if name not in self._competitions]
        number = len(found.versions) + 1
        found.versions.append(request)
        found.sessions.append(self._start(found, number, request))
        return {
            "ref": f"/code/{found.ref}",
            "url": f"https://www.kaggle.com/code/{found.ref}",
            "versionNumber": number,
            "kernelId": found.id,
            "invalidDatasetSources": bad_datasets,
            "invalidCompetitionSources": bad_competitions,
        }

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """The newest version's settings and code; only those sources that are attached."""
        found = self.find(request)
        session = self.session(request)
        pushed = found.versions[session.number - 1]
        owner, slug = found.ref.split("/")
        card = {name: pushed[name] for name in COPIED if name in pushed}
        return {
            "metadata": {
                **card,
                "id": found.id,
                "ref": found.ref,
                "title": found.title,
                "author": owner,
                "slug": slug,
                "currentVersionNumber": len(found.versions),
                "datasetDataSources": list(session.datasets),
                "competitionDataSources": list(session.competitions),
            },
            "blob": {
                "source": pushed.get("text", ""),
                "language": pushed.get("language"),
                "kernelType": pushed.get("kernelType"),
                "slug": slug,
            },
        }

    def listing(self, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the user's own kernels."""
        shown, token = page(sorted(self.all), request, self._most)
        cards = [{"id": self.all[ref].id, "ref": ref, "title": self.all[ref].title} for ref in shown]
        return {"kernels": cards, "nextPageToken": token}

    def rename(self, ref: str, name: str) -> None:
        """Give a kernel another owner/slug; the old one is not known any more."""
        found = self.all[name] = self.all.pop(ref)
        found.ref = name

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """How far the run is; asking brings it forward."""
        session = self.session(request)
        status = session.poll()
        return {
            "status": status,
            **({"failureMessage": session.failure} if status == ERROR and session.failure else {}),
        }

    def output(self, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the files that the run left behind, and its log."""
        session = self.session(request)
        outputs = session.outputs
        names, token = page(list(outputs), request, self._most)
        return {
            "files": [{"fileName": name, "url": self._url(outputs[name])} for name in names],
            "log": session.log_text,
            "nextPageToken": token,
        }

    def log(self, request: dict[str, Any]) -> Answer:
        """The whole log; the run is waited for."""
        owner, _, slug = request["kernel"].partition("/")
        session = self.session({"userName": owner, "kernelSlug": slug})
        while session.status not in (COMPLETE, ERROR):
            if session.queued is None:
                raise Refused(404, "Not found")
            session.poll()
        return Answer(200, session.log)

    def quotas(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is left of the week's hours."""
        return self.quota.card()

    def finished(self, ref: str, number: int) -> Session | None:
        """The run of a version of a kernel, if it ended well."""
        found = self.all.get(ref)
        chosen = found.sessions[number - 1 : number] if found else []
        return chosen[0] if chosen and chosen[0].status == COMPLETE else None

    def _ready(self, ref: str) -> bool:
        """Whether a source is a dataset that has any version ready."""
        known = self._datasets.all.get(_stem(ref))
        return known is not None and known.current is not None

    def _error(self, request: Mapping[str, Any], owner: str, slug: str, title: str) -> str:
        if owner != self._owner or not slug:
            return "Notebook not found"
        if title and not 5 <= len(title) <= 50:
            return "The title must have between 5 and 50 characters."
        if len(request.get("text", "").encode()) > TEXT_LIMIT:
            return "The notebook is too large: the maximum size is 1 MB."
        if request.get("enableGpu") and self.quota.gpu_used >= self.quota.gpu_total:
            return f"Maximum weekly GPU quota of {self.quota.gpu_total:.2f} hours reached."
        busy = sum(
            session.status in (QUEUED, RUNNING) and bool(session.request.get("enableGpu"))
            for kernel in self.all.values()
            for session in kernel.sessions
        )
        if request.get("enableGpu") and busy >= GPU_SESSIONS:
            return f"Maximum batch GPU session count of {GPU_SESSIONS} reached."
        return ""

    def _start(self, found: Kernel, number: int, request: Mapping[str, Any]) -> Session:
        """Attach the newest *ready* version of each dataset: one that is being processed is not there yet."""
        datasets = {}
        for ref in request.get("datasetDataSources", []):
            if self._ready(ref):
                known = self._datasets.all[_stem(ref)]
                assert known.current
                datasets[known.ref] = self._datasets.folder(known, known.current)
        competitions = {
            name: self._competitions[name]
            for name in request.get("competitionDataSources", [])
            if name in self._competitions
        }
        self._started += 1
        output = self._folder / found.ref / f"session-{self._started}"
        output.mkdir(parents=True)
        queued, running = self._polls
        return Session(
            self._started,
            found.ref,
            number,
            request,
            datasets,
            competitions,
            output,
            self._run,
            queued,
            running,
        )

    def _url(self, path: Path) -> str:
        return f"{self._base}/files/{path.relative_to(self._folder.parent).as_posix()}"


def _stem(ref: str) -> str:
    """The dataset of a source, which may name a version: owner/slug/number."""
    return "/".join(ref.split("/")[:2])
