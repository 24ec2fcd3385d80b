"""How documents are fetched, politely, and cut into passages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from foldship.config.base import Positive, Settings

NCBI = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
Address = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]
# It becomes part of a header: printable ASCII, and nothing that would end the comment it stands in.
Contact = Annotated[str, Field(pattern=r"^[!-'*-~ ]+$", max_length=200)]


class Limits(Settings):
    """How hard one host may be asked: requests at once, and requests begun per second."""

    concurrent: int = Field(default=2, ge=1, le=64)
    # Below the three that NCBI allows without a key, https://www.ncbi.nlm.nih.gov/books/NBK25497/
    per_second: Positive = 2.5


class Patience(Settings):
    """How long to go on trying.

    A request is made up to `attempts` times; the first wait is `first_s` seconds, each further one twice as
    long, give or take a quarter, none longer than `longest_s`. A host that asks for a longer wait than that,
    or fails `give_up_after` times in a row, is not asked again in this run.
    """

    attempts: int = Field(default=5, ge=1, le=20)
    first_s: Positive = 1.0
    longest_s: Positive = 120.0
    give_up_after: int = Field(default=10, ge=1)


class Timeouts(Settings):
    """Seconds to connect, between two pieces of an answer, and for a whole answer."""

    connect_s: Positive = 10.0
    read_s: Positive = 30.0
    total_s: Positive = 120.0


class Cutting(Settings):
    """Passages of so many `sentences`, of which `overlap` are also the next one's first.

    `titles` makes a document's title a passage of its own. No passage leaves its section unless
    `across_sections` is set.
    """

    sentences: int = Field(default=3, ge=1)
    overlap: int = Field(default=1, ge=0)
    across_sections: bool = False
    titles: bool = True

    @model_validator(mode="after")
    def _goes_on(self) -> Cutting:
        if self.overlap >= self.sentences:
            raise ValueError(f"overlap {self.overlap} is not below sentences {self.sentences}; lower overlap")
        return self


class Documents(Settings):
    """Fetching and cutting of a competition's documents.

    `limits` hold for every host without an entry in `hosts`, which goes by host name (`name:port` where the
    port is unusual); `concurrent` holds for all hosts together. `contact`, an address of mail or of a page,
    is told to every host. `megabytes` is the most that one answer may hold, unpacked. What does not exist is
    asked for again after `absent_days`. PubMed's abstracts come from its `api` at `eutils`, `batch` at a
    time, or one by one from its `pages`.
    """

    contact: Contact | None = None
    limits: Limits = Limits()
    hosts: dict[str, Limits] = Field(default_factory=dict)
    concurrent: int = Field(default=32, ge=1, le=1024)
    patience: Patience = Patience()
    timeouts: Timeouts = Timeouts()
    megabytes: Positive = 32.0
    redirects: int = Field(default=5, ge=0, le=20)
    robots: bool = True
    absent_days: float = Field(default=30.0, ge=0)
    pubmed: Literal["api", "pages"] = "api"
    eutils: Address = NCBI
    batch: int = Field(default=200, ge=1, le=500)
    passages: Cutting = Cutting()
