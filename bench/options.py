"""What `make bench` can be told: how much to measure, and which suites."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foldship_kernel.errors import FoldshipError

SUITES = ("speed", "repeats", "scaling", "profile", "postprocess", "training", "fetching", "gpu")


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: repetitions of everything that is compared; the median counts.
        texts: texts of the speed suite.
        padded_texts: how many of them the contestants run that pad everything to 512 tokens.
        peak_sizes: square matrices on which the machine's peak is measured.
        repeated_rows: rows of the repeats and the profile suite.
        scaling_rows: rows of the whole kernels, ascending.
        folds: numbers of folds, ascending.
        fold_rows: rows that they predict.
        gpu_texts: texts of the GPU suite.
        fitted_rows, fitted_columns: table that post-processing is fitted on.
        loop_columns: how many of its columns are also fitted by the slow loop.
        trained_rows: rows of the training suite.
        fetched_pages: pages that each host of the fetching suite has.
    """

    rounds: int
    texts: int
    padded_texts: int
    peak_sizes: tuple[int, ...]
    repeated_rows: int
    scaling_rows: tuple[int, ...]
    folds: tuple[int, ...]
    fold_rows: int
    gpu_texts: int
    fitted_rows: int
    fitted_columns: int
    loop_columns: int
    trained_rows: int
    fetched_pages: int


SIZES = {
    "full": Size(
        3,
        512,
        32,
        (1024, 2048, 4096),
        600,
        (500, 5_000, 50_000),
        (1, 2, 4),
        300,
        16_384,
        6_000,
        30,
        2,
        640,
        60,
    ),
    "quick": Size(2, 128, 16, (1024, 2048), 150, (500, 5_000), (1, 2), 100, 4_096, 2_000, 30, 1, 160, 30),
    # To see that everything runs. Its numbers say nothing.
    "tiny": Size(1, 12, 4, (256,), 12, (20, 60), (1, 2), 20, 64, 60, 2, 1, 32, 3),
}


@dataclass(frozen=True)
class Options:
    """One run of the bench.

    Attributes:
        size_name: a name among `SIZES`.
        suites: names among `SUITES`, in their order.
        threads: processors that everything is confined to.
        folder: where results and intermediate files go.
        page: the Markdown file that is rendered.
    """

    size_name: str
    suites: tuple[str, ...]
    threads: int
    folder: Path
    page: Path

    @property
    def reports(self) -> Path:
        """Where the latest report of every suite is kept: a run of some leaves the others on the page."""
        return self.page.parent / "results"

    @property
    def size(self) -> Size:
        return SIZES[self.size_name]

    @property
    def command(self) -> str:
        """What to type for the same run."""
        words = ["make bench"]
        if self.size_name != "full":
            words.append(f"BENCH={self.size_name}")
        if self.suites != SUITES:
            words.append(f"SUITES={','.join(self.suites)}")
        if self.threads != 2:
            words.append(f"THREADS={self.threads}")
        return " ".join(words)


def read(size: str, suites: str, threads: int, folder: Path, page: Path) -> Options:
    """Check and gather what was asked for.

    Args:
        size: a name among `SIZES`.
        suites: names among `SUITES` with commas between them; empty for all.
        threads: at least 1.
        folder, page: as in `Options`.

    Raises:
        FoldshipError: a value is none of those.
    """
    wanted = {name.strip() for name in suites.split(",") if name.strip()} or set(SUITES)
    for key, known, unknown in (
        ("BENCH", tuple(SIZES), {size} - set(SIZES)),
        ("SUITES", SUITES, wanted - set(SUITES)),
    ):
        if unknown:
            raise FoldshipError(
                f"{key}: there is no such choice",
                expected=", ".join(known),
                found=", ".join(sorted(unknown)),
                fix=f"make bench {key}={known[0]}",
            )
    if threads < 1:
        raise FoldshipError("THREADS: too few", expected="1 or more", found=str(threads))
    return Options(size, tuple(name for name in SUITES if name in wanted), threads, folder, page)
