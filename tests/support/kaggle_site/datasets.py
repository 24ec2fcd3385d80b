"""What can be done with datasets."""

from __future__ import annotations

import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from kaggle_site.answers import Answer, Methods, Refused, page
from kaggle_site.uploads import Upload, Uploads
from kaggle_site.versions import READY, Dataset, Version

LICENCES = ("CC0-1.0", "CC-BY-SA-4.0", "CC-BY-4.0", "apache-2.0", "MIT", "other", "unknown")


class Datasets:
    """`datasets.DatasetApiService`."""

    def __init__(
        self, folder: Path, base: str, owner: str, uploads: Uploads, polls: int, most: int, unknown: int
    ) -> None:
        self.all: dict[str, Dataset] = {}
        self._folder, self._base, self._owner = folder, base, owner
        self._uploads, self._polls, self._most = uploads, polls, most
        self._unknown = unknown
        service = "datasets.DatasetApiService"
        self.methods: Methods = {
            f"{service}/GetDatasetStatus": self.status,
            f"{service}/GetDataset": self.get,
            f"{service}/GetDatasetMetadata": self.metadata,
            f"{service}/ListDatasetFiles": self.files,
            f"{service}/DownloadDataset": self.download,
            f"{service}/CreateDataset": self.create,
            f"{service}/CreateDatasetVersion": self.create_version,
        }

    def find(self, request: dict[str, Any]) -> Dataset:
        """The dataset that a request names.

        Raises:
            Refused: there is none.
        """
        found = self.all.get(f"{request.get('ownerSlug')}/{request.get('datasetSlug')}")
        if found is None:
            denied = self._unknown == 403
            raise Refused(self._unknown, "Permission 'datasets.get' was denied" if denied else "Not found")
        return found

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Status of the newest version; asking brings it forward."""
        return {"status": self.find(request).versions[-1].poll()}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """The dataset's card."""
        found = self.find(request)
        shown = found.current or found.versions[-1]
        return {
            "id": found.id,
            "ref": found.ref,
            "title": found.title,
            "isPrivate": found.private,
            "licenseName": found.licence,
            "ownerRef": self._owner,
            "url": f"https://www.kaggle.com/datasets/{found.ref}",
            "totalBytes": sum(path.stat().st_size for path in shown.files.values()),
            "currentVersionNumber": shown.number,
            "lastUpdated": _stamp(shown.created),
            "versions": [
                {
                    "versionNumber": version.number,
                    "creationDate": _stamp(version.created),
                    "versionNotes": version.notes,
                    "status": version.status.title(),
                }
                for version in reversed(found.versions)
            ],
        }

    def metadata(self, request: dict[str, Any]) -> dict[str, Any]:
        """What `kaggle datasets download` reads first."""
        found = self.find(request)
        owner, slug = found.ref.split("/")
        return {
            "info": {
                "datasetId": found.id,
                "datasetSlug": slug,
                "ownerUser": owner,
                "title": found.title,
                "isPrivate": found.private,
                "licenses": [{"name": found.licence}],
            }
        }

    def files(self, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the files of a version."""
        version = self._version(request)
        names, token = page(sorted(version.files), request, self._most)
        listed = [
            {
                "name": name,
                "totalBytes": version.files[name].stat().st_size,
                "creationDate": _stamp(version.created),
            }
            for name in names
        ]
        return {"datasetFiles": listed, "nextPageToken": token}

    def download(self, request: dict[str, Any]) -> Answer:
        """A redirect to one file, or to an archive of all."""
        version = self._version(request)
        found = self.find(request)
        if name := request.get("fileName"):
            if name not in version.files:
                raise Refused(404, "Not found")
            path = version.files[name]
        else:
            name, path = "archive.zip", self._folder / found.ref / f"{version.number}.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
                for inside, source in sorted(version.files.items()):
                    archive.write(source, inside)
        relative = path.relative_to(self._folder.parent)
        return Answer(302, headers={"Location": f"{self._base}/files/{relative.as_posix()}"})

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """A new dataset of files that were uploaded; errors come in the body of a good answer."""
        slug, title = request.get("slug", ""), request.get("title", "")
        ref = f"{request.get('ownerSlug')}/{slug}"
        if request.get("ownerSlug") != self._owner:
            raise Refused(403, "Permission 'datasets.create' was denied")
        error = ""
        if ref in self.all or any(found.title == title for found in self.all.values()):
            error = (
                f'The requested title "{title}" is already in use by a dataset. Please choose another title.'
            )
        elif not (6 <= len(slug) <= 50 and 6 <= len(title) <= 50):
            error = "The title and the slug must have between 6 and 50 characters."
        elif not request.get("files"):
            error = "The dataset has no files."
        elif request.get("licenseName") not in LICENCES:
            error = "Invalid license name."
        if error:
            return {"status": "error", "error": error}
        found = Dataset(
            len(self.all) + 1, ref, title, bool(request.get("isPrivate")), str(request["licenseName"])
        )
        return self._add(found, request["files"], "Initial release")

    def create_version(self, request: dict[str, Any]) -> dict[str, Any]:
        """A new version, whose files replace all files of the one before."""
        found = self.all.get(f"{request.get('ownerSlug')}/{request.get('datasetSlug')}")
        if found is None:
            raise Refused(403, "Permission 'datasets.update' was denied")
        body = request.get("body", {})
        if not body.get("files"):
            return {"status": "error", "error": "The dataset version has no files."}
        return self._add(found, body["files"], body.get("versionNotes", ""))

    def folder(self, found: Dataset, version: Version) -> Path:
        """Where the files of a version are, unpacked."""
        return self._folder / found.ref / str(version.number)

    def _add(self, found: Dataset, files: list[dict[str, Any]], notes: str) -> dict[str, Any]:
        uploads = self._uploads.finished([file.get("token", "") for file in files])
        number = len(found.versions) + 1
        version = Version(number, {}, notes, self._polls)
        version.files = _store([upload for upload in uploads if not upload.lost], self.folder(found, version))
        found.versions.append(version)
        self.all[found.ref] = found
        url = f"https://www.kaggle.com/datasets/{found.ref}"
        return {"ref": found.ref, "url": url, "status": "Ok"}

    def _version(self, request: dict[str, Any]) -> Version:
        """The version that a request names, or the newest that is ready."""
        found, number = self.find(request), request.get("datasetVersionNumber")
        if number:
            chosen = next((version for version in found.versions if version.number == number), None)
        else:
            chosen = found.current
        if chosen is None or chosen.status != READY:
            raise Refused(404, "Not found")
        return chosen


def _store(uploads: list[Upload], folder: Path) -> dict[str, Path]:
    """The files of a version by path; archives are unpacked to a folder of their name."""
    for upload in uploads:
        if upload.name.endswith(".zip"):
            with zipfile.ZipFile(upload.path) as archive:
                archive.extractall(folder / upload.name.removesuffix(".zip"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(upload.path, folder / upload.name)
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
