"""Embeddings of evaluated photos, with a fake in place of the models."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from faceprint.errors import FaceprintError, OutputError
from faceprint.evaluate.photos import EmbeddingCache, PhotoEmbeddings, embed_photos
from faceprint.media import read_image
from faceprint.pipeline import Faceprint
from faceprint.pipeline.results import Detection, EmbeddedPhoto, Failure
from faceprint.settings import Settings
from faceprint.types import Embeddings, Face, Image, Photo

POINTS = np.array([[10, 12], [22, 12], [16, 18], [11, 24], [21, 24]], dtype=np.float32)


@dataclass
class FakeFaceprint:
    """Sees one face in a photo that is not black, two in a bright one; embeds its colours."""

    settings: Settings
    model_id: str = "fake:1"
    seen: list[str] = field(default_factory=list)
    stop_after: int = 10**9
    models: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(dimension=4))

    def embed_many(self, photos: Iterable[Photo]) -> Iterator[EmbeddedPhoto | Failure]:
        for photo in photos:
            if len(self.seen) >= self.stop_after:
                raise KeyboardInterrupt
            self.seen.append(str(photo)[:200])
            try:
                image = read_image(photo)
            except FaceprintError as error:
                yield Failure.of(str(photo), error)
                continue
            yield self._embedded(image.name, image.pixels, image.digest)

    def _embedded(self, name: str, pixels: Image, digest: str) -> EmbeddedPhoto:
        mean = pixels.reshape(-1, 3).mean(axis=0)
        count = 0 if mean.max() < 8 else 2 if mean.min() > 200 else 1
        centre = pixels.shape[1] / 2
        faces = tuple(
            Face(
                np.array([centre - 16 + 40 * k, 0, centre + 16 + 40 * k, 32], np.float32),
                0.9,
                POINTS,
            )
            for k in range(count)
        )
        vector = np.append(mean, 1).astype(np.float32)
        vectors = np.tile(vector / np.linalg.norm(vector), (count, 1))
        crops = np.zeros((count, 112, 112, 3), dtype=np.uint8)
        height, width = pixels.shape[:2]
        detection = Detection(name, width, height, faces, pixels, digest)
        return EmbeddedPhoto(detection, Embeddings(vectors, self.model_id), crops)


def fake(tmp_path: Path, **changes: object) -> FakeFaceprint:
    return FakeFaceprint(Settings(cache=tmp_path / "cache").model_copy(update=changes))


def embed(
    faceprint: FakeFaceprint, photos: list[Path], cache: EmbeddingCache | None = None
) -> PhotoEmbeddings:
    return embed_photos(cast(Faceprint, faceprint), photos, cache=cache)


def write(path: Path, *, value: tuple[int, int, int]) -> Path:
    pixels = np.empty((40, 80, 3), dtype=np.uint8)
    pixels[:] = value[::-1]
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """200 photos of different colours."""
    return [write(tmp_path / f"{k:03}.png", value=(20 + k % 100, 40, k)) for k in range(200)]


def test_each_photo_has_a_row_and_each_failure_a_reason(tmp_path: Path) -> None:
    good = write(tmp_path / "good.png", value=(90, 40, 10))
    crowd = write(tmp_path / "crowd.png", value=(240, 240, 240))
    black = write(tmp_path / "black.png", value=(0, 0, 0))
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    found = embed(fake(tmp_path), [black, good, tmp_path / "gone.jpg", crowd, text])
    assert found.present.tolist() == [False, True, False, True, False]
    assert found.face_counts.tolist() == [0, 1, 0, 2, 0]
    assert [(Path(f.image).name, f.code) for f in found.failures] == [
        ("black.png", "face_count"),
        ("gone.jpg", "not_found"),
        ("text.jpg", "not_an_image"),
    ]
    assert np.isnan(found.vectors[[0, 2, 4]]).all()
    face = found.faces[1]
    assert face is not None
    assert face.quality is not None
    assert found.faces[3] is not None
    assert found.faces[3].box[0] == 24, "the central one of two"


def test_a_comparison_with_a_photo_without_a_face_matches_nothing(tmp_path: Path) -> None:
    a = write(tmp_path / "a.png", value=(90, 40, 10))
    b = write(tmp_path / "b.png", value=(0, 0, 0))
    found = embed(fake(tmp_path), [a, b])
    scores = found.scores(np.array([0, 0, 1]), np.array([0, 1, 1]))
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert np.isneginf(scores[1:]).all()


def test_a_second_run_embeds_nothing_and_gives_the_same(tmp_path: Path, photos: list[Path]) -> None:
    photos += [write(tmp_path / "black.png", value=(0, 0, 0)), tmp_path / "gone.png"]
    first, second = fake(tmp_path), fake(tmp_path)
    cache = EmbeddingCache(tmp_path / "kept")
    once, again = embed(first, photos, cache), embed(second, photos, cache)
    assert [Path(name).name for name in second.seen] == ["gone.png"], "what failed is tried again"
    np.testing.assert_array_equal(once.vectors, again.vectors)
    np.testing.assert_array_equal(once.face_counts, again.face_counts)
    assert once.failures == again.failures
    kept, made = again.faces[0], once.faces[0]
    assert kept is not None
    assert made is not None
    assert kept.quality == made.quality
    assert kept.landmarks is not None
    np.testing.assert_array_equal(kept.landmarks, POINTS)
    np.testing.assert_array_equal(kept.box, made.box)


def test_the_name_of_a_file_does_not_matter_and_its_content_does(
    tmp_path: Path, photos: list[Path]
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:2], cache)
    copy = tmp_path / "copy.png"
    copy.write_bytes(photos[0].read_bytes())
    photos[1].write_bytes(photos[5].read_bytes())
    again = fake(tmp_path)
    embed(again, [copy, photos[1]], cache)
    assert again.seen == [str(photos[1])]


def test_an_interrupted_run_goes_on(tmp_path: Path, photos: list[Path]) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    stopped = fake(tmp_path)
    stopped.stop_after = 150
    with pytest.raises(KeyboardInterrupt):
        embed(stopped, photos, cache)
    again = fake(tmp_path)
    embed(again, photos, cache)
    assert len(again.seen) == 50


@pytest.mark.parametrize(
    "change",
    [{"turn": True}, {"detector": "mtcnn"}, {"landmarker": "retail-0009"}, {"precision": "f32"}],
)
def test_other_steps_have_a_cache_of_their_own(
    tmp_path: Path, photos: list[Path], change: dict[str, object]
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:3], cache)
    other = fake(tmp_path, **change)
    embed(other, photos[:3], cache)
    assert len(other.seen) == 3


def test_another_model_has_a_cache_of_its_own(tmp_path: Path, photos: list[Path]) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:3], cache)
    other = fake(tmp_path)
    other.model_id = "fake:1+flip"
    embed(other, photos[:3], cache)
    assert len(other.seen) == 3


def darken(image: Image, path: Path) -> Image:
    return image // 2


def test_changed_photos_are_kept_by_the_name_of_the_change_alone(
    tmp_path: Path, photos: list[Path]
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    plain = embed(fake(tmp_path), photos[:3], cache)
    counts = []
    for name in (None, "half", None, "half"):
        faceprint = fake(tmp_path)
        changed = embed_photos(
            cast(Faceprint, faceprint),
            [*photos[:3], tmp_path / "gone.png"],
            cache=cache,
            change=darken,
            change_name=name,
        )
        counts.append(len(faceprint.seen))
        assert not np.allclose(changed.vectors[:3], plain.vectors)
        assert [f.code for f in changed.failures] == ["not_found"]
    assert counts == [3, 3, 3, 0]


def test_the_files_are_for_their_owner_alone(tmp_path: Path, photos: list[Path]) -> None:
    folder = tmp_path / "kept"
    embed(fake(tmp_path), photos[:3], EmbeddingCache(folder))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_damaged_file_is_put_aside(
    tmp_path: Path, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:3], cache)
    (kept,) = cache.folder.glob("*.db")
    kept.write_bytes(b"not a database" * 500)
    again, after = fake(tmp_path), fake(tmp_path)
    with caplog.at_level(logging.WARNING):
        embed(again, photos[:3], cache)
    embed(after, photos[:3], cache)
    assert "put aside" in caplog.text
    assert [len(again.seen), len(after.seen)] == [3, 0]
    assert [path.stat().st_size for path in cache.folder.glob("*.damaged")] == [7000]


def test_a_file_that_turns_out_damaged_on_reading_is_put_aside(
    tmp_path: Path, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos, cache)
    (kept,) = cache.folder.glob("*.db")
    data = bytearray(kept.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    kept.write_bytes(data)
    again, after = fake(tmp_path), fake(tmp_path)
    with caplog.at_level(logging.WARNING):
        found = embed(again, photos, cache)
    embed(after, photos, cache)
    assert "put aside" in caplog.text
    assert found.present.all()
    assert not after.seen


def test_a_row_that_does_not_check_out_is_embedded_again(
    tmp_path: Path, photos: list[Path]
) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:3], cache)
    (kept,) = cache.folder.glob("*.db")
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE photos SET vector = zeroblob(16)")
    connection.close()
    again = fake(tmp_path)
    assert embed(again, photos[:3], cache).present.all()
    assert len(again.seen) == 3


def test_without_a_place_for_the_cache_the_run_goes_on(
    tmp_path: Path, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        found = embed(fake(tmp_path), photos[:3], EmbeddingCache(place))
    assert found.present.all()
    assert "nothing is kept" in caplog.text


def test_two_runs_at_a_time_keep_all(tmp_path: Path, photos: list[Path]) -> None:
    folder = tmp_path / "kept"
    runs = [
        Thread(target=embed, args=(fake(tmp_path), photos[k::2], EmbeddingCache(folder)))
        for k in (0, 1)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    again = fake(tmp_path)
    embed(again, photos, EmbeddingCache(folder))
    assert not again.seen


def test_forgetting_deletes_every_file(tmp_path: Path, photos: list[Path]) -> None:
    cache = EmbeddingCache.of(cast(Faceprint, fake(tmp_path)))
    embed(fake(tmp_path), photos[:3], cache)
    assert cache.folder == tmp_path / "cache" / "evaluation"
    assert cache.clear() > 0
    assert list(cache.folder.iterdir()) == []
    assert cache.clear() == 0


def test_a_file_that_cannot_be_deleted_is_named(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    for name in ("a.db", "b"):
        (cache.folder / name).mkdir(parents=True)
    (cache.folder / "c.db").write_bytes(b"1")
    with pytest.raises(OutputError, match=r"a\.db \(.*b \("):
        cache.clear()
    assert sorted(path.name for path in cache.folder.iterdir()) == ["a.db", "b"]


def test_failures_are_counted_by_their_reason(tmp_path: Path, photos: list[Path]) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    found = embed(fake(tmp_path), [photos[0], tmp_path / "gone.jpg", broken])
    assert found.failure_counts == "1 missing, 1 unreadable"
    assert found.missing.tolist() == [False, True, False]
    assert found.digests == ()


def test_digests_are_known_where_a_cache_asked_for_them(tmp_path: Path, photos: list[Path]) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(photos[0].read_bytes())
    cache = EmbeddingCache(tmp_path / "kept")
    found = embed(fake(tmp_path), [photos[0], copy, tmp_path / "gone.jpg"], cache)
    assert found.digests[0] == found.digests[1] is not None
    assert found.digests[2] is None


def test_progress_counts_kept_and_embedded_photos(tmp_path: Path, photos: list[Path]) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    embed(fake(tmp_path), photos[:3], cache)
    told: list[tuple[int, int]] = []
    embed_photos(
        cast(Faceprint, fake(tmp_path)),
        photos[:5],
        cache=cache,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(k, 5) for k in range(1, 6)]
