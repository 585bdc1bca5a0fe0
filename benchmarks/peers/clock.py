"""What every peer shares: read the list of photos, warm up, time the rest, print one JSON line.

The peers run in interpreters of their own, so this module needs the standard library alone.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter


@dataclass(frozen=True)
class Job:
    """What the harness asks of a peer.

    Attributes:
        photos: Paths to time.
        warm_up: Other paths, run through before the clock starts.
        weights: Folder of the float32 ONNX files of YuNet and SFace.
        faces_per_photo: What faceprint found; None before faceprint ran.
    """

    photos: list[str]
    warm_up: list[str]
    weights: Path
    faces_per_photo: float | None


def read_job() -> Job:
    """The job in the JSON file that the first argument names."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return Job(asked["photos"], asked["warm_up"], Path(asked["weights"]), asked["faces_per_photo"])


def time_peer(job: Job, embed_all: Callable[[list[str]], int], packages: list[str]) -> None:
    """Warms up, times `embed_all` over the photos and prints the result.

    Args:
        job: What to run.
        embed_all: Takes paths, embeds every face in them, returns how many faces.
        packages: Distributions whose versions go into the result, the peer's own first.
    """
    embed_all(job.warm_up)
    started = perf_counter()
    faces = embed_all(job.photos)
    print_result(job, faces=faces, seconds=perf_counter() - started, packages=packages)


def print_result(
    job: Job, *, faces: int, seconds: float, packages: list[str], note: str = ""
) -> None:
    """Prints the line that the harness reads."""
    own, *others = packages
    result = {
        "photos": len(job.photos),
        "faces": faces,
        "seconds": seconds,
        "version": version(own),
        "with": ", ".join(f"{name} {version(name)}" for name in others),
        "python": platform.python_version(),
        "note": note,
    }
    print(json.dumps(result), flush=True)
