"""Where files of weights lie that came with something installed, or in a model folder."""

from __future__ import annotations

from importlib import metadata, resources
from pathlib import Path

from faceprint.zoo.cards import FolderFile, OwnResource, PackageResource, Url

__all__ = ["installed_path"]


def installed_path(source: PackageResource | OwnResource | FolderFile | Url) -> Path | None:
    """Where a file is, or should be; None if that is for the local store and the network to say."""
    match source:
        case OwnResource(path):
            return Path(str(resources.files("faceprint").joinpath(*path.split("/"))))
        case FolderFile(path):
            return Path(path)
        case PackageResource():
            return _package_path(source)
        case Url():
            return None


def _package_path(source: PackageResource) -> Path | None:
    try:
        distribution = metadata.distribution(source.distribution)
    except metadata.PackageNotFoundError:
        return None
    return Path(str(distribution.locate_file(source.path)))
