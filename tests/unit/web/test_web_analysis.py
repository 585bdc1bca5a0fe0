"""The page that analyses a photo, and its part of the API, over an engine in memory."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from faceprint.liveness import LIVENESS_NOTE
from faceprint.media import read_image
from faceprint.pipeline.parts_pictures import PALETTE


def fragment(client: Any, path: str, fields: dict[str, str], photo: bytes) -> str:
    """What a script is given."""
    headers = {"X-Fragment": "1", "X-CSRF-Token": client.csrf()}
    answer = client.post(path, data=fields, files={"photo": ("two.png", photo)}, headers=headers)
    assert answer.status_code == 200
    return str(answer.text)


def test_each_face_has_a_card_with_what_is_told_of_it(off: Any, analysing: Any, tools: Any) -> None:
    files = {"photo": ("two.png", tools.strips(tools.RED, tools.BLUE))}
    body = off.submit("/analyse", {}, files=files).text
    first, second = body.split('id="face-')[1:]
    assert "Face 1" in first
    assert "down 12°" in first
    assert "yaw +2°, pitch −12°, roll 0°" in first
    assert "turned 12° to their left, down 12°" in second
    assert "<b>0.93</b>" in first
    assert LIVENESS_NOTE in body
    assert "<b>0.80</b>, " in first
    assert "turned to the camera" in first
    assert 'src="data:image/jpeg;base64,' in first
    assert "Parts</dt>" not in first
    assert " style=" not in body
    looks = analysing.asked[0]["looks"]
    assert (looks.pose, looks.liveness, looks.parts, looks.appearance) == (True, True, False, False)
    assert analysing.asked[0]["call"] is None
    assert analysing.gallery.calls == []


def test_the_photo_carries_layers_that_can_be_switched(off: Any, tools: Any) -> None:
    files = {"photo": ("two.png", tools.strips(tools.RED, tools.BLUE))}
    body = off.submit("/analyse", {"parts": "1"}, files=files).text
    for layer in ("boxes", "points", "axes", "parts"):
        assert re.search(
            f'<label class="tick"><input type="checkbox" checked data-layer="{layer}">', body
        )
        assert f"layer-{layer}" in body
    assert body.count('class="spot found"') == 2
    # Landmarks lie at 50 px of 200, and at 50 px of 120.
    assert body.count('<circle cx="25.000%" cy="41.667%" r="3"/>') == 5
    assert body.count('class="axis-nose"') == 2


def test_parts_come_as_a_layer_and_a_legend(off: Any, tools: Any) -> None:
    body = off.submit(
        "/analyse", {"parts": "1"}, files={"photo": ("r.png", tools.strips(tools.RED))}
    ).text
    found = re.search(r'class="layer-parts" src="data:image/png;base64,([^"]+)"', body)
    assert found
    layer = Pillow.open(io.BytesIO(base64.b64decode(found[1])))
    assert layer.size == (100, 120)
    seen = np.asarray(layer.convert("RGBA"))
    hair, skin = PALETTE[17], PALETTE[1]
    assert seen[0, 0, :3].tolist() == hair.tolist()
    assert seen[-1, 0, :3].tolist() == skin.tolist()
    assert 0 < seen[0, 0, 3] < 255
    assert body.index("</svg> skin</span>") < body.index("</svg> hair</span>")
    assert f'fill="#{bytes(skin).hex()}"' in body
    assert "60 %" in body
    assert "Face covered: 4 %" in body


def test_names_are_looked_for_when_asked_and_the_search_is_noted(
    on: Any, analysing: Any, tools: Any
) -> None:
    assert 'name="names"' not in on.get("/analyse").text
    person = tools.enrol_red(on)
    assert 'name="names" value="1" checked' in on.get("/analyse").text
    files = {"photo": ("two.png", tools.strips(tools.RED, tools.BLUE))}
    body = on.submit("/analyse", {"names": "1"}, files=files).text
    first, second = body.split('id="face-')[1:]
    assert f'<a href="/people/{person}"><bdi>Ada Lovelace</bdi></a>' in first
    assert "probability <b>97.3 %</b>" in first
    assert "Unknown" in second
    assert body.count('class="spot match"') == body.count('class="spot unknown"') == 1
    noted = analysing.gallery.calls[-1]
    assert (noted.actor, noted.purpose) == ("web:local", "analyse")


def test_what_cannot_be_told_is_said(off: Any, analysing: Any, red: bytes) -> None:
    analysing.liveness = None
    body = off.submit("/analyse", {}, files={"photo": ("r.png", red)}).text
    assert "No test of liveness is here." in body
    assert LIVENESS_NOTE not in body
    assert "Liveness</dt>" not in body


def test_a_script_gets_the_inner_part_and_can_ask_for_more(on: Any, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.BLUE)
    inner = fragment(on, "/analyse", {"thorough": "1"}, photo)
    assert "<html" not in inner
    assert 'data-photo alt="The photo two.png" src=' not in inner
    assert 'data-ask="/analyse" data-fields="thorough parts"' in inner
    assert 'data-ask="/analyse" data-fields="thorough appearance"' in inner
    assert 'data-ask="/identify" data-fields="thorough"' in inner
    whole = fragment(on, "/analyse", {"parts": "1", "appearance": "1", "preview": "1"}, photo)
    assert 'data-photo alt="The photo two.png" src=' in whole
    assert 'data-ask="/analyse"' not in whole


def test_the_page_of_names_leads_to_the_analysis(client: Any, red: bytes) -> None:
    inner = fragment(client, "/identify", {"thorough": "1"}, red)
    assert 'data-ask="/analyse" data-fields="names parts thorough"' in inner
    sample = client.submit("/identify", {"sample": "1"}).text
    assert re.search(r'action="/analyse"[^§]*name="sample" value="1"', sample)
    assert 'href="/analyse"' in client.get("/").text


def test_the_picture_can_be_kept(off: Any, red: bytes) -> None:
    answer = off.submit("/analyse/picture", {"parts": "1"}, files={"photo": ("r.png", red)})
    assert answer.headers["content-type"] == "image/jpeg"
    assert "r-analysed.jpg" in answer.headers["content-disposition"]
    drawn = read_image(answer.content).pixels.astype(int)
    assert np.abs(drawn - read_image(red).pixels).max() > 60


def test_bad_photos_are_told_as_on_other_pages(off: Any, tools: Any) -> None:
    none = off.submit("/analyse", {"parts": "1"}, files={"photo": ("w.png", tools.strips())})
    assert none.status_code == 200
    assert "No face found" in none.text
    assert "data-layer" not in none.text
    assert "Picture with" not in none.text
    for path in ("/analyse", "/analyse/picture"):
        broken = off.submit(path, {}, files={"photo": ("r.png", b"no photo")})
        assert broken.status_code == 415
        assert off.submit(path, {}).status_code == 422
        assert (
            off.post(path, files={"photo": ("r.png", tools.strips(tools.RED))}).status_code == 403
        )


def test_the_sample_needs_no_upload(off: Any) -> None:
    pytest.importorskip("skimage", reason="The sample comes with the extra 'sample'.")
    assert "Try with the sample" in off.get("/analyse").text
    assert "astronaut.png" in off.submit("/analyse", {"sample": "1", "parts": "1"}).text


def test_the_api_tells_parts_when_asked(off: Any, red: bytes) -> None:
    files = {"photo": ("r.png", red)}
    found = off.post("/api/v1/analyze", data={"parts": "1"}, files=files).json()
    (face,) = found["faces"]
    assert face["parts"] == {"areas": {"skin": 0.6, "hair": 0.4}, "occlusion": 0.04}
    assert face["liveness"] == 0.93
    assert len(face["landmarks"]) == 5
    assert found["by"] == {"pose": "turned", "liveness": "alive"}
    assert off.post("/api/v1/analyze", files=files).json()["faces"][0]["parts"] is None


@pytest.mark.parametrize("kind", ["", "mask", "overlay", "cutout"])
def test_the_api_gives_pictures_of_the_parts(off: Any, red: bytes, kind: str) -> None:
    files = {"photo": ("r.png", red)}
    answer = off.post("/api/v1/segment", data={"format": kind}, files=files)
    assert answer.headers["content-type"] == "image/png"
    assert f"r-{kind or 'mask'}.png" in answer.headers["content-disposition"]
    picture = Pillow.open(io.BytesIO(answer.content))
    assert picture.size == (100, 120)
    top = picture.getpixel((0, 0))
    if kind in ("", "mask"):
        assert (picture.mode, top, picture.getpixel((0, 119))) == ("P", 17, 1)
        assert picture.convert("RGB").getpixel((0, 0)) == tuple(PALETTE[17])
    elif kind == "overlay":
        assert top == pytest.approx((255 + PALETTE[17].astype(int)) / 2, abs=1)
    else:
        assert top == (255, 255, 255, 255)


def test_the_api_gives_areas_of_the_parts(off: Any, analysing: Any, red: bytes) -> None:
    files = {"photo": ("r.png", red)}
    answer = off.post("/api/v1/segment", data={"format": "json", "largest": "1"}, files=files)
    found = answer.json()
    assert (found["image"], found["model"]) == ("r.png", "halves:1")
    (face,) = found["faces"]
    assert face["areas"] == {"skin": 0.6, "hair": 0.4}
    assert face["occlusion"] == 0.04
    assert analysing.asked[-1] == {"largest": True, "thorough": False}
    wrong = off.post("/api/v1/segment", data={"format": "gif"}, files=files)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "bad_input")
    assert "cutout" in wrong.json()["error"]["message"]
    broken = off.post("/api/v1/segment", files={"photo": ("r.png", b"no photo")})
    assert broken.status_code == 415


def test_the_routes_are_described(off: Any) -> None:
    paths = off.get("/api/openapi.json").json()["paths"]
    body = paths["/api/v1/segment"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert body["schema"]["properties"]["format"]["enum"] == ["mask", "overlay", "cutout", "json"]
    page = off.get("/api/docs").text
    for words in (
        "/api/v1/segment",
        "SegmentationOut",
        "PoseOut",
        "PartsOut",
        "transparent ground",
    ):
        assert words in page
