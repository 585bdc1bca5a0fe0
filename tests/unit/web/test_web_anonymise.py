"""The page that hides faces, over an engine in memory, without scripts."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceprint.media import read_image
from faceprint.types import Embeddings, Face, Image


@pytest.fixture(autouse=True)
def models(engine: Any) -> None:
    """Models that find the coloured strips of the engine, and embed their colour."""

    def detect(images: list[Image], **_: object) -> list[tuple[Face, ...]]:
        return [engine.detect(image).faces for image in images]

    def crops(image: Image, faces: tuple[Face, ...]) -> Image:
        return np.array([image[20:100, int(f.box[0]) : int(f.box[2])] for f in faces], np.uint8)

    def embed(some: Image) -> Embeddings:
        colours = some[:, 40, 30].astype(np.float32)
        return Embeddings(colours / np.linalg.norm(colours, axis=1, keepdims=True), engine.model_id)

    engine.models = SimpleNamespace(
        calibration=engine.models.calibration,
        detect=detect,
        crops=crops,
        with_landmarks=lambda image, faces: faces,
        embedder=SimpleNamespace(embed=embed),
    )


def sent(answer: Any) -> Image:
    """The photo behind the download link."""
    found = re.search(r'href="data:image/jpeg;base64,([^"]+)"', answer.text)
    assert found
    return read_image(base64.b64decode(found[1])).pixels


def colour(image: Image, strip: int) -> tuple[int, ...]:
    return tuple(int(c) for c in image[60, 100 * strip + 50])


def is_near(seen: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 12


def test_everyone_is_hidden(client: Any, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.BLUE)
    answer = client.submit("/anonymise", {"how": "mask"}, files={"photo": ("two.png", photo)})
    assert "2 of 2 possible faces hidden" in answer.text
    assert 'download="two-hidden.jpg"' in answer.text
    assert all(is_near(colour(sent(answer), k), (48, 48, 48)) for k in range(2))


def test_strangers_or_the_enrolled_are_hidden(client: Any, ada: str, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.BLUE)
    files = {"photo": ("two.png", photo)}
    shown = client.submit("/anonymise", {"how": "mask", "whom": "except-enrolled"}, files=files)
    assert "1 of 2 possible faces hidden" in shown.text
    assert "Ada Lovelace" in shown.text
    assert is_near(colour(sent(shown), 0), tools.RED)
    assert is_near(colour(sent(shown), 1), (48, 48, 48))
    fields = {"how": "mask", "whom": "only-enrolled", "people": " Ada Lovelace \n\n"}
    hidden = client.submit("/anonymise", fields, files=files)
    assert is_near(colour(sent(hidden), 0), (48, 48, 48))
    assert is_near(colour(sent(hidden), 1), tools.BLUE)


def test_the_form_offers_what_can_be_done(client: Any, tools: Any) -> None:
    assert "only-enrolled" not in client.get("/anonymise").text
    tools.enrol_red(client)
    assert "only-enrolled" in client.get("/anonymise").text


def test_a_download_at_once(client: Any, red: bytes) -> None:
    answer = client.submit("/anonymise/picture", {"how": "mask"}, files={"photo": ("r.png", red)})
    assert answer.headers["content-type"] == "image/jpeg"
    assert "r-hidden.jpg" in answer.headers["content-disposition"]
    assert is_near(colour(read_image(answer.content).pixels, 0), (48, 48, 48))


def test_nonsense_is_refused(client: Any, red: bytes) -> None:
    files = {"photo": ("r.png", red)}
    for fields in ({"how": "squint"}, {"whom": "nobody"}, {"whom": "only-enrolled"}):
        assert client.submit("/anonymise", fields, files=files).status_code == 422
    assert client.post("/anonymise", files=files).status_code == 403


def test_names_beside_everyone_are_refused_but_an_empty_field_is_not(
    client: Any, ada: str, red: bytes
) -> None:
    files = {"photo": ("r.png", red)}
    named = client.submit("/anonymise", {"whom": "everyone", "people": "Ada"}, files=files)
    assert named.status_code == 422
    assert "everyone is hidden" in named.text
    for page in ("/anonymise", "/anonymise/picture"):
        empty = client.submit(page, {"whom": "everyone", "people": " \n"}, files=files)
        assert empty.status_code == 200


def test_the_api_gives_the_photo_back(client: Any, ada: str, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.BLUE)
    answer = client.post(
        "/api/v1/anonymise",
        data={"how": "mask", "whom": "except-enrolled"},
        files={"photo": ("two.png", photo)},
    )
    assert answer.headers["content-type"] == "image/jpeg"
    assert "two-hidden.jpg" in answer.headers["content-disposition"]
    image = read_image(answer.content).pixels
    assert is_near(colour(image, 0), tools.RED)
    assert is_near(colour(image, 1), (48, 48, 48))
    wrong = client.post(
        "/api/v1/anonymise", data={"how": "paint"}, files={"photo": ("two.png", photo)}
    )
    assert wrong.status_code == 422
    assert "blur" in wrong.json()["error"]["message"]
