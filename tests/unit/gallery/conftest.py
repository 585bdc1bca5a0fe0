from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceprint.gallery import Call, Consent, NewTemplate, open_gallery
from faceprint.gallery.sql import SqlGallery
from faceprint.types import FloatArray

MakeTemplate = Callable[..., NewTemplate]


@pytest.fixture
def call() -> Call:
    return Call("test:ana", "enrol")


@pytest.fixture
def consent() -> Consent:
    return Consent("I agree.", "door", datetime.now(UTC) - timedelta(minutes=1), "ana")


@pytest.fixture
def unit() -> Callable[..., FloatArray]:
    def make(seed: int, dimension: int = 8) -> FloatArray:
        vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    return make


@pytest.fixture
def template(unit: Callable[..., FloatArray]) -> MakeTemplate:
    def make(seed: int, picture: bytes | None = None, dimension: int = 8) -> NewTemplate:
        vector = unit(seed, dimension)
        digest = hashlib.sha256(str(seed).encode()).hexdigest()
        box = np.array([10, 10, 50, 60], dtype=np.float32)
        return NewTemplate(vector, "yunet", f"{seed}.jpg", digest, box, 0.5, picture)

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[SqlGallery]:
    store = open_gallery(path)
    assert isinstance(store, SqlGallery)
    yield store
    store.close()
