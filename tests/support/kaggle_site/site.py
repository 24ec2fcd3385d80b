"""The site as a whole: its state, its options, and how a client is led to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kaggle_site import faults, runners
from kaggle_site.answers import Answer, Methods, Refused
from kaggle_site.competitions import Competitions, Submission
from kaggle_site.datasets import Datasets
from kaggle_site.exchange import Exchange, Fault, Proceed
from kaggle_site.kernels import Kernels
from kaggle_site.quota import Quota
from kaggle_site.server import Handler, Server
from kaggle_site.sessions import Kernel
from kaggle_site.uploads import Uploads
from kaggle_site.versions import Dataset

# The client speaks to http://localhost and is led to the port by the proxy variables.
BASE = "http://localhost"


class Site:
    """A stand-in for Kaggle, on a loopback port while it is entered.

    Attributes:
        competitions: folders with their files, by slug; also says which exist.
        calls: (method, request) in order; PUT, QUERY (how far is an upload?) and GET among them.
        escapes: addresses of other hosts that were asked for, all refused.
        broken: errors of the stand-in or of a runner; the first is raised in the end.
    """

    def __init__(
        self,
        folder: Path,
        *,
        owner: str = "someone",
        key: str = "not-a-real-key",
        token: str = "KGAT_not-a-real-token",
        processing_polls: int = 0,
        queue_polls: int = 0,
        run_polls: int = 0,
        score_polls: int = 0,
        score: str = "0.41000",
        quota: Quota | None = None,
        entered: bool = True,
        competitions: Mapping[str, Path] | None = None,
        page_limit: int = 200,
        runner: runners.Runner | None = None,
        unknown: int = 404,
    ) -> None:
        """Set up, without listening yet.

        Args:
            folder: to keep everything in; made anew.
            owner: the user's name.
            key: the user's password, made up.
            token: that takes the place of both, made up.
            processing_polls: how often the status of a dataset is asked for before it is ready.
            queue_polls: how often that of a kernel before it runs.
            run_polls: how often after that before it ends.
            score_polls: how often a submission is listed before it is scored.
            score: that submissions get.
            quota: hours of accelerators.
            entered: whether the user has accepted the competitions' rules.
            competitions: folders with their files, by slug.
            page_limit: entries that a page holds at the most.
            unknown: HTTP status for a dataset that is not there, 404 or 403; both have been seen.
            runner: carries sessions out; by default a small submission.csv is left behind.
        """
        self.owner, self.key, self.token = owner, key, token
        self.competitions: dict[str, Path] = dict(competitions or {})
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.escapes: list[str] = []
        self.broken: list[Exception] = []
        self._folder = folder / "kaggle-site"
        self._home = folder / "kaggle-home"
        for name in ("config", "xdg", "tmp"):
            (self._home / name).mkdir(parents=True)
        self._faults: list[tuple[str, Mapping[str, object], Fault]] = []
        self._lock = threading.RLock()
        self.uploads = Uploads(self._folder / "uploads", BASE)
        self._datasets = Datasets(
            self._folder / "datasets", BASE, owner, self.uploads, processing_polls, page_limit, unknown
        )
        self._kernels = Kernels(
            self._folder / "kernels",
            BASE,
            owner,
            self._datasets,
            self.competitions,
            quota or Quota(),
            runner or runners.writes({"submission.csv": "id,target\n1,0.5\n"}),
            (queue_polls, run_polls),
            page_limit,
        )
        self._competitions = Competitions(
            self.competitions, self._kernels, entered, score_polls, score, page_limit
        )
        self._methods: Methods = {
            "security.OAuthService/IntrospectToken": self.introspect,
            **self.uploads.methods,
            **self._datasets.methods,
            **self._kernels.methods,
            **self._competitions.methods,
        }
        handler = type("SiteHandler", (Handler,), {"site": self})
        self._server = Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Site:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; what broke in the stand-in itself comes to light."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.broken and error is None:
            raise self.broken[0]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead a client here and nowhere else; other KAGGLE_* ones must be gone.

        Encrypted connections are led here too, where they are refused and recorded as escapes.
        """
        proxies = ("http_proxy", "https_proxy", "all_proxy")
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KAGGLE_USERNAME": self.owner,
            "KAGGLE_KEY": self.key,
            "KAGGLE_CONFIG_DIR": str(self._home / "config"),
            "HOME": str(self._home),
            "XDG_CONFIG_HOME": str(self._home / "xdg"),
            "TMPDIR": str(self._home / "tmp"),
            **dict.fromkeys((*proxies, *(name.upper() for name in proxies)), self.url),
            "no_proxy": "",
            "NO_PROXY": "",
        }

    @property
    def datasets(self) -> dict[str, Dataset]:
        """Datasets by "owner/slug"."""
        return self._datasets.all

    @property
    def kernels(self) -> dict[str, Kernel]:
        """Kernels by "owner/slug"."""
        return self._kernels.all

    @property
    def submissions(self) -> list[Submission]:
        """Submissions, oldest first."""
        return self._competitions.submissions

    @property
    def quota(self) -> Quota:
        """Hours of accelerators; may be changed."""
        return self._kernels.quota

    def fail(
        self, method: str, fault: Fault, times: int = 1, *, where: Mapping[str, object] | None = None
    ) -> None:
        """Let the next requests go wrong, after those that are to go wrong already.

        Args:
            method: of the API, or PUT, QUERY, GET.
            fault: what happens instead.
            times: how many of them.
            where: parameters that the request must have, as `calls` shows them, such as the `name` of a PUT.
        """
        self._faults += [(method, where or {}, fault)] * times

    def rename(self, ref: str, name: str) -> None:
        """Rename a kernel, as its owner may on its page."""
        self._kernels.rename(ref, name)

    def introspect(self, request: dict[str, Any]) -> dict[str, Any]:
        """Whose token it is."""
        known = request.get("token") == self.token
        return {"active": known, **({"username": self.owner} if known else {})}

    def answer(self, path: str, request: dict[str, Any]) -> Answer:
        """Answer a request for a method, "<service>/<method>".

        Raises:
            Refused, Dropped: instead of an answer.
        """
        method = path.rpartition("/")[2]

        def proceed() -> Answer:
            if path not in self._methods:
                raise Refused(404, f"Unknown method {path}")
            with self._lock:
                answer = self._methods[path](request)
            return answer if isinstance(answer, Answer) else Answer(200, answer)

        return self.guard(Exchange(self, method, request), proceed)

    def guard(self, exchange: Exchange, proceed: Proceed) -> Answer:
        """Record a request, and answer it through the fault that is due, if any."""
        with self._lock:
            self.calls.append((exchange.method, exchange.request))
            due = next(
                (
                    number
                    for number, (method, where, _) in enumerate(self._faults)
                    if method == exchange.method and where.items() <= exchange.request.items()
                ),
                None,
            )
            fault = faults.fine if due is None else self._faults.pop(due)[2]
        return fault(exchange, proceed)

    def file(self, relative: str) -> Answer:
        """A file of a dataset or of a kernel's output.

        Raises:
            Refused: there is none.
        """
        path = (self._folder / relative).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise Refused(404, "Not found")
        return Answer(200, file=path)
