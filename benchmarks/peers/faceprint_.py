"""faceprint with its defaults: `embed_many` over the paths."""

from __future__ import annotations

from clock import read_job, time_peer

from faceprint import Faceprint, Failure


def main() -> None:
    job = read_job()
    with Faceprint() as faceprint:

        def embed_all(paths: list[str]) -> int:
            embeddings = []
            for result in faceprint.embed_many(paths):
                if isinstance(result, Failure):
                    raise SystemExit(f"{result.image}: {result.message}")
                embeddings.append(result.embeddings.vectors)
            return sum(len(vectors) for vectors in embeddings)

        packages = ["faceprint", "openvino", "opencv-python-headless", "numpy"]
        time_peer(job, embed_all, packages)


if __name__ == "__main__":
    main()
