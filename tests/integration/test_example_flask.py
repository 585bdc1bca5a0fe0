"""The Flask example, with the real models and photos where the data folder is there."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from faceprint import Call, Consent, Faceprint
from faceprint.media import encode_image, read_image

pytest.importorskip("flask", reason="The example needs the extra 'examples'.")

EXAMPLE = Path(__file__).parents[2] / "examples" / "flask_app.py"


@pytest.fixture
def engine(tmp_path: Path, cache_root: Path) -> Iterator[Faceprint]:
    gallery = str(tmp_path / "gallery.db")
    with Faceprint(gallery=gallery, cache=cache_root, max_upload_bytes=400_000) as made:
        yield made


@pytest.fixture
def client(engine: Faceprint) -> Any:
    spec = importlib.util.spec_from_file_location("flask_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app(engine).test_client()


def upload(client: Any, data: bytes, name: str = "photo.jpg") -> Any:
    return client.post("/", data={"photo": (io.BytesIO(data), name)})


def test_the_page_asks_for_a_photo(client: Any) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Who is in the photo?" in answer.text


def test_a_photo_comes_back_with_names(client: Any, engine: Faceprint, data_root: Path) -> None:
    call = Call(actor="test", purpose="enrol")
    consent = Consent("Public figure", "Tests", datetime.now(UTC), "test")
    for name in ("obama", "biden"):
        photos = sorted((data_root / "people" / "train" / name).iterdir())
        engine.enrol(name, photos, call=call, consent=consent)
    photo = data_root / "people" / "test" / "obama_and_biden.jpg"
    original = read_image(photo).pixels[::2, ::2]
    answer = upload(client, encode_image(original))
    assert answer.status_code == 200
    items = re.findall(r"<li>(\w+)", answer.text)
    assert {"obama", "biden"} <= set(items)
    picture = re.search(r"data:image/jpeg;base64,([^\"]+)", answer.text)
    assert picture
    drawn = read_image(base64.b64decode(picture[1])).pixels
    assert drawn.shape == original.shape
    assert (abs(drawn.astype(int) - original) > 100).any()


def test_what_is_no_photo_is_refused(client: Any) -> None:
    assert upload(client, b"not a photo").status_code == 422
    assert client.post("/").status_code == 422
    script = upload(client, b"", name="<script>.jpg")
    assert script.status_code == 422
    assert "<script>" not in script.text


def test_large_uploads_are_refused(client: Any) -> None:
    assert upload(client, b"x" * 450_000).status_code == 413
