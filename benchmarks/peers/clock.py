"""What every peer shares: read the list of photos, warm up, time the rest, print one JSON line.

The peers run in interpreters of their own, so this module needs the standard library alone.
"""

from __future__ import annotations

import json
import platform
import sys
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from urllib.error import URLError
from urllib.request import Request, urlopen

TIMEOUT_S = 10

Face = tuple[Iterable[float], Iterable[float]]
"""Left, top, right and bottom in pixels, and the vector."""


@dataclass(frozen=True)
class Job:
    """What the harness asks of a peer.

    Attributes:
        photos: Paths to time.
        warm_up: Other paths, run through before the clock starts.
        weights: Folder of the float32 ONNX files of YuNet and SFace.
        faces_per_photo: What faceprint found; None before faceprint ran.
        faces_file: Where the boxes and vectors go; None where nobody asks for them.
    """

    photos: list[str]
    warm_up: list[str]
    weights: Path
    faces_per_photo: float | None
    faces_file: Path | None


def read_job() -> Job:
    """The job in the JSON file that the first argument names."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return Job(
        photos=asked["photos"],
        warm_up=asked["warm_up"],
        weights=Path(asked["weights"]),
        faces_per_photo=asked["faces_per_photo"],
        faces_file=asked["faces_file"] and Path(asked["faces_file"]),
    )


def time_peer(
    job: Job, embed_all: Callable[[list[str]], list[list[Face]]], packages: list[str]
) -> None:
    """Warms up, times `embed_all` over the photos, keeps the faces if asked, and prints the result.

    Args:
        job: What to run.
        embed_all: Takes paths, embeds every face in them, returns the faces of each.
        packages: Distributions whose versions go into the result, the peer's own first.
    """
    embed_all(job.warm_up)
    started = perf_counter()
    found = embed_all(job.photos)
    seconds = perf_counter() - started
    if job.faces_file is not None:
        with job.faces_file.open("wb") as file:
            for box, vector in (face for faces in found for face in faces):
                array("f", [*box, *vector]).tofile(file)
    counts = [len(faces) for faces in found]
    print_result(job, faces=sum(counts), seconds=seconds, packages=packages, counts=counts)


def print_result(
    job: Job,
    *,
    faces: int,
    seconds: float,
    packages: list[str],
    note: str = "",
    counts: list[int] | None = None,
) -> None:
    """Prints the line that the harness reads."""
    own, *others = packages
    result = {
        "photos": len(job.photos),
        "faces": faces,
        "counts": counts,
        "seconds": seconds,
        "version": version(own),
        "with": ", ".join(f"{name} {version(name)}" for name in others),
        "python": platform.python_version(),
        "note": note,
    }
    print(json.dumps(result), flush=True)


def check_reachable(url: str) -> None:
    """Ends the peer, saying so, where weights that it is about to download cannot be reached."""
    try:
        urlopen(Request(url, method="HEAD"), timeout=TIMEOUT_S).close()
    except (URLError, TimeoutError) as error:
        raise SystemExit(f"weights could not be fetched from {url}") from error
