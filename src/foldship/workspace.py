"""Where every stage reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import parts
from foldship_kernel.errors import FoldshipError


@dataclass(frozen=True)
class Workspace:
    """The folders of one competition below the project's root."""

    root: Path
    competition: str

    @property
    def experiment(self) -> Path:
        """What a competitor edits."""
        return self.root / "kernels" / self.competition

    @property
    def entry(self) -> Path:
        """The kernel's entry script: the competition's own, else the one for all."""
        own = self.experiment / "main.py"
        return own if own.is_file() else self.root / "kernels" / "main.py"

    @property
    def profiles(self) -> Path:
        """Profiles of machines that the competitor measured."""
        return self.root / "kernels" / "profiles"

    @property
    def images(self) -> Path:
        """Images that the competitor had printed, and what was resolved for them."""
        return self.root / "kernels" / "images"

    @property
    def all_weights(self) -> Path:
        return self.root / "weights"

    @property
    def weights(self) -> Path:
        return self.all_weights / self.competition

    @property
    def runs(self) -> Path:
        """What was tried and what it scored."""
        return self.weights / "runs"

    @property
    def build(self) -> Path:
        return self.root / "build" / self.competition

    @property
    def cache(self) -> Path:
        """What is costly to fetch and the same for all competitions."""
        return self.root / "build" / ".cache"

    @property
    def sample(self) -> Path:
        return self.build / "sample"

    @property
    def unpacked(self) -> Path:
        """Archives of the competition's files, unpacked."""
        return self.build / "unpacked"

    @property
    def retrieval(self) -> Path:
        """The index of passages."""
        return self.build / "retrieval"

    @property
    def documents(self) -> Path:
        """What was fetched."""
        return self.weights / "documents"

    @property
    def selection(self) -> Path:
        return self.build / "selection"

    @property
    def export(self) -> Path:
        return self.build / "export"

    @property
    def schedule(self) -> Path:
        return self.build / "schedule"

    @property
    def kernel(self) -> Path:
        return self.build / "kernel"

    @property
    def dataset(self) -> Path:
        return self.build / "dataset"

    @property
    def datasets(self) -> list[Path]:
        """The part folders of the bundle that are there, `dataset` first."""
        return parts.built(self.dataset)

    @property
    def calibration(self) -> Path:
        """The kernel that measures a machine."""
        return self.build / "calibration"

    @property
    def inspection(self) -> Path:
        """The kernel that says what is in its image."""
        return self.build / "inspection"

    @property
    def inspector(self) -> Path:
        """That kernel's script."""
        return self.root / "kernels" / "inspection.py"

    @property
    def errors(self) -> Path:
        """Details of what failed and nobody foresaw."""
        return self.build / "errors"

    @property
    def simulation(self) -> Path:
        return self.build / "simulation"

    @property
    def push(self) -> Path:
        """Record, output and log of what was pushed."""
        return self.build / "push"

    def model(self, name: str) -> Path:
        return self.weights / name


def find_root(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds `kernels/`.

    Raises:
        FoldshipError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "kernels").is_dir():
            return folder
    raise FoldshipError(
        f"{start} is in no Foldship project",
        expected="a folder with kernels/ in it, or above it",
        fix="change into the project, or set FOLDSHIP_ROOT",
    )
