"""Verify a bundle that was built elsewhere or downloaded: whole, of one build, and nothing else in it.

Needs the bundle only: no experiment, no data, no weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foldship import strangers
from foldship.digests import bound_to, code_digest
from foldship.shipping import entry, inspection
from foldship.shipping.inspection.secrets import Machine
from foldship_kernel import manifest, parts
from foldship_kernel.errors import BundleError, FoldshipError, listed
from foldship_kernel.integrity import UPLOAD_ONLY
from foldship_kernel.manifest import Manifest

KERNEL = "kernel"  # what a build calls the folder beside the dataset
UPLOAD_AGAIN = "build it with `make bundle`, and upload every file of it again"
UNPACK = "unpack each archive into a folder of its name, models.zip into models/, and check again"


@dataclass(frozen=True)
class Verdict:
    """What one rule says.

    Attributes:
        name: of the rule.
        passed: whether it is kept; None where there was nothing to compare with.
        seen: what was found, with where it was found.
        remedy: what to do about it; "" when there is nothing to do.
    """

    name: str
    passed: bool | None
    seen: str
    remedy: str = ""


def check(folders: Sequence[Path]) -> list[Verdict]:
    """Check a bundle.

    Args:
        folders: the dataset's folder, and where the bundle has them those of further parts and of the kernel.
            What a build put beside the dataset's is found by itself.

    Returns:
        What each rule says.

    Raises:
        FoldshipError: there is no folder, or none with a manifest that can be read.
    """
    for folder in folders:
        if not folder.is_dir():
            raise FoldshipError(
                f"{folder}: no folder that can be checked",
                expected="the folder of a bundle's dataset, as built or downloaded",
                found="a file" if folder.exists() else "nothing",
                fix=_unpack(folder) if folder.suffix == ".zip" else "name the folder that holds bundle.json",
            )
    root = _root(folders)
    bundle = manifest.load(root / manifest.FILE_NAME)
    files = parts.gather(bundle.parts, root, [*folders, *parts.places(root)])
    kernel = next((folder for folder in (*folders, root.parent / KERNEL) if _is_kernel(folder)), None)
    everything = [*files.folders.values(), *([kernel] if kernel else [])]
    return [
        Verdict("manifest", True, f"{len(bundle.models)} models, {len(bundle.files)} files"),
        _parts(files),
        _whole(bundle, files),
        _nothing_else(bundle, files),
        _code(root, kernel),
        *_inspected(everything),
    ]


def _root(folders: Sequence[Path]) -> Path:
    """The folder with the manifest."""
    found = [folder for folder in folders if (folder / manifest.FILE_NAME).is_file()]
    if len(found) == 1:
        return found[0]
    archives = sorted(path.name for folder in folders for path in folder.glob("*.zip"))
    raise BundleError(
        f"{', '.join(map(str, folders))}: {'more than one bundle' if found else 'no bundle'}",
        expected=f"{manifest.FILE_NAME} in one of the folders",
        found=f"archives that are not unpacked: {listed(archives)}" if archives else f"{len(found)} of them",
        fix=UNPACK if archives else "name the folder of the dataset, the further parts' and the kernel's",
    )


def _unpack(archive: Path) -> str:
    return f"unpack it (`unzip {archive.name} -d {archive.stem}`), and check the folder"


def _is_kernel(folder: Path) -> bool:
    return (folder / entry.FILE_NAME).is_file() and not (folder / manifest.FILE_NAME).is_file()


def _parts(files: parts.Files) -> Verdict:
    count = max(1, len(files.parts.datasets))
    if not files.missing:
        return Verdict("parts", True, f"all {count}" if count > 1 else "one dataset holds all")
    named = "; ".join(f"part {part}, dataset {dataset}" for part, dataset in files.missing.items())
    strange = f"; of another build: {listed([str(path) for path in files.strangers])}"
    return Verdict(
        "parts",
        False,
        f"missing of {count}: {named}{strange if files.strangers else ''}",
        "name the folders of all parts of this build",
    )


def _whole(bundle: Manifest, files: parts.Files) -> Verdict:
    """Every file is there, with its size and SHA-256; that the upload itself keeps one back is no fault."""
    damage = manifest.damage(bundle, files)
    damage.pop(UPLOAD_ONLY, None) if not files.path(UPLOAD_ONLY).exists() else None
    packed = sorted(str(path) for folder in files.folders.values() for path in folder.glob("*.zip"))
    size = sum(item.size for item in bundle.files)
    if not damage:
        return Verdict("files", True, f"{len(bundle.files)} files, {size:,} bytes, all as in the manifest")
    if packed:
        return Verdict("files", False, f"archives that are not unpacked: {listed(packed)}", UNPACK)
    named = [f"{files.path(path)}: {what}" for path, what in damage.items()]
    return Verdict("files", False, f"{len(damage)} differ: {listed(named)}", UPLOAD_AGAIN)


def _nothing_else(bundle: Manifest, files: parts.Files) -> Verdict:
    extra = [str(path) for path in strangers.unlisted(bundle, files, files.folders.values())]
    if extra:
        return Verdict(
            "nothing else",
            False,
            f"{len(extra)} files that the manifest does not name: {listed(extra)}",
            "take them out, or " + UPLOAD_AGAIN,
        )
    return Verdict("nothing else", True, "no other file is there")


def _code(root: Path, kernel: Path | None) -> Verdict:
    digest = code_digest(root / "code")
    if kernel is None:
        return Verdict("code", None, f"SHA-256 {digest[:12]}..., no kernel to compare with")
    wanted = bound_to((kernel / entry.FILE_NAME).read_text(encoding="utf-8", errors="replace")) or "none"
    if wanted != digest:
        return Verdict(
            "code",
            False,
            f"{root / 'code'} has SHA-256 {digest[:12]}..., "
            f"{kernel / entry.FILE_NAME} wants {wanted[:12]}...",
            "take dataset and kernel of one build: `make bundle`, and upload both",
        )
    return Verdict("code", True, f"as {kernel / entry.FILE_NAME} wants it")


def _inspected(folders: Iterable[Path]) -> Iterator[Verdict]:
    machine = Machine.this()
    found = [(folder, finding) for folder in folders for finding in inspection.inspect(folder, machine)]
    for name, kind, fine in (
        ("kinds of files", inspection.KIND, "no pickles, and nothing else that could run when it is read"),
        ("secrets", inspection.SECRET, "no credentials, no home folders"),
    ):
        seen = [f"{folder}/{finding}" for folder, finding in found if finding.rule == kind]
        fixes = dict.fromkeys(finding.fix for _, finding in found if finding.rule == kind)
        yield Verdict(name, not seen, listed(seen) or fine, "; ".join(fixes))
