"""faceprint with its defaults, or with the embedder that the second argument names: `embed_many`."""

from __future__ import annotations

import sys

from clock import Face, read_job, time_peer

from faceprint import Faceprint, FaceprintError, Failure


def main() -> None:
    job = read_job()
    with Faceprint(embedder=sys.argv[2]) if len(sys.argv) > 2 else Faceprint() as faceprint:

        def embed_all(paths: list[str]) -> list[list[Face]]:
            found: list[list[Face]] = []
            for result in faceprint.embed_many(paths):
                if isinstance(result, Failure):
                    raise SystemExit(f"{result.image}: {result.message}")
                faces = zip(result.detection.faces, result.embeddings.vectors, strict=True)
                found.append([(face.box, vector) for face, vector in faces])
            return found

        packages = ["faceprint", "openvino", "opencv-python-headless", "numpy"]
        time_peer(job, embed_all, packages)


if __name__ == "__main__":
    try:
        main()
    except FaceprintError as error:
        raise SystemExit(str(error)) from error
