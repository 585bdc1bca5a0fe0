"""A hundred thousand people: opening within two seconds, searching within ten milliseconds."""

from __future__ import annotations

import statistics
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from faceprint.gallery import Call, GalleryStore, open_gallery
from faceprint.gallery.database import Database
from faceprint.gallery.schema import models, people, templates
from faceprint.types import FloatArray

COUNT = 100_000
CALL = Call("test:ana", "door")


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    drawn = np.random.default_rng(0).standard_normal((COUNT, 128)).astype(np.float32)
    unit_vectors: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit_vectors


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, vectors: FloatArray) -> Path:
    path = tmp_path_factory.mktemp("scale") / "people.db"
    database = Database.open(path, create=True)
    now = datetime.now(UTC)
    with database.write() as connection:
        connection.execute(insert(models).values(key=1, model_id="m", dimension=128))
        connection.execute(
            insert(people),
            [
                {
                    "key": number + 1,
                    "person_id": str(uuid.UUID(int=number)),
                    "name": f"Person {number}",
                    "name_key": f"person {number}",
                    "notes": "",
                    "created_at": now,
                }
                for number in range(COUNT)
            ],
        )
        connection.execute(
            insert(templates),
            [
                {
                    "template_id": str(uuid.UUID(int=number)),
                    "person_key": number + 1,
                    "model_key": 1,
                    "detector": "yunet",
                    "source": f"photos/{number}.jpg",
                    "source_digest": bytes(32),
                    "box": bytes(16),
                    "quality": 0.5,
                    "created_at": now,
                    "picture_kind": "crop",
                    "vector": vector.tobytes(),
                }
                for number, vector in enumerate(vectors)
            ],
        )
    database.close()
    return path


def median_search_ms(gallery: GalleryStore, vectors: FloatArray) -> float:
    times_ms: list[float] = []
    for number in range(20):
        started = time.perf_counter()
        [found] = gallery.search(vectors[number : number + 1], model_id="m", call=CALL)
        times_ms.append((time.perf_counter() - started) * 1000)
        assert found[0].name == f"Person {number}"
    return statistics.median(times_ms)


@pytest.mark.slow
def test_a_large_gallery_opens_and_searches_quickly(path: Path, vectors: FloatArray) -> None:
    started = time.perf_counter()
    gallery = open_gallery(path)
    gallery.search(vectors[:1], model_id="m", call=CALL)
    opened_s = time.perf_counter() - started
    # Other work on the machine is not what is measured, so the best of six rounds counts.
    medians_ms = [median_search_ms(gallery, vectors) for _ in range(6)]
    gallery.close()
    assert opened_s < 2
    assert min(medians_ms) < 10
