"""Estimates of how faces look on the pages and in the API, over an engine in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faceprint.errors import WeightsMissingError
from faceprint.pipeline.appearance import Analysis
from faceprint.pipeline.labels import APPEARANCE_NOTE
from faceprint.settings import Settings
from faceprint.web import WebOptions

EVIL = "<b>happy"


def test_it_is_off_unless_it_is_turned_on(off: Any, red: bytes, analysing: Any) -> None:
    assert Settings().web_attributes is False
    assert WebOptions.from_settings(Settings(web_attributes=True)).attributes
    files = {"photo": ("r.png", red)}
    answer = off.post("/api/v1/analyze", data={"appearance": "1"}, files=files)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert "FACEPRINT_WEB_ATTRIBUTES=1" in answer.json()["error"]["message"]
    for path in ("/analyse", "/analyse/picture"):
        assert off.submit(path, {"appearance": "1"}, files=files).status_code == 403
    assert analysing.asked == []
    assert 'name="appearance"' not in off.get("/analyse").text
    assert "How old" not in off.submit("/analyse", {}, files=files).text
    assert "does not estimate age" in off.get("/about").text


def test_the_rest_comes_where_estimates_are_off(off: Any, red: bytes, analysing: Any) -> None:
    answer = off.post("/api/v1/analyze", files={"photo": ("r.png", red)})
    assert answer.status_code == 200
    found = answer.json()
    assert found["faces"][0]["appearance"] is None
    assert found["faces"][0]["pose"] == {"yaw": 2, "pitch": -12, "roll": 0}
    assert "FACEPRINT_WEB_ATTRIBUTES=1" in found["notes"]["appearance"]
    assert not analysing.asked[0]["looks"].appearance


def test_the_api_gives_estimates_and_names_nobody(on: Any, analysing: Any, tools: Any) -> None:
    analysing.emotion = EVIL
    photo = tools.strips(tools.RED, tools.BLUE)
    answer = on.post("/api/v1/analyze", data={"thorough": "1"}, files={"photo": ("two.png", photo)})
    found = answer.json()
    assert (found["image"], found["width"], found["models"]) == (
        "two.png",
        200,
        ["ages:1", "moods:2"],
    )
    first, second = (face["appearance"] for face in found["faces"])
    assert first["age"] == {"years": 32, "low": 28, "high": 38, "band": "32 and so on"}
    assert second["age"]["years"] == 42
    assert list(first["emotion"]) == [EVIL, "surprise", "sad"]
    assert first["female_probability"] == 0.97
    assert "name" not in found["faces"][0]
    assert analysing.asked[0]["thorough"]
    on.post("/api/v1/analyze", data={"largest": "1"}, files={"photo": ("two.png", photo)})
    assert analysing.asked[-1]["largest"]
    without = on.post(
        "/api/v1/analyze", data={"appearance": "0"}, files={"photo": ("two.png", photo)}
    )
    assert without.json()["faces"][0]["appearance"] is None
    assert analysing.gallery.calls == []


def test_the_api_refuses_as_other_routes_do(on: Any, analysing: Any, red: bytes) -> None:
    assert on.post("/api/v1/analyze", data={"thorough": "1"}).status_code == 422

    def missing(*_: Any, **__: Any) -> Analysis:
        raise WeightsMissingError("There is no such model here.")

    analysing.analyze = missing
    answer = on.post("/api/v1/analyze", files={"photo": ("r.png", red)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "weights_missing")


def test_the_route_is_described(off: Any) -> None:
    described = off.get("/api/openapi.json").json()
    operation = described["paths"]["/api/v1/analyze"]["post"]
    assert "not facts about a person" in operation["description"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert answer.endswith("/AnalysisOut")
    assert "403" in operation["responses"]


def test_a_photo_shows_how_each_face_looks_when_that_is_asked(
    on: Any, analysing: Any, tools: Any
) -> None:
    analysing.emotion = EVIL
    assert 'name="appearance" value="1">' in on.get("/analyse").text
    files = {"photo": ("two.png", tools.strips(tools.RED, tools.BLUE))}
    plain = on.submit("/analyse", {}, files=files).text
    assert 'data-fields="appearance"' in plain
    assert "looks-like" not in plain
    body = on.submit("/analyse", {"appearance": "1"}, files=files).text
    assert APPEARANCE_NOTE in body
    assert "ages:1, moods:2" in body
    assert body.count("How old, and how does it look?") == 2
    first, second = body.split('id="face-')[1:]
    assert "about 32 years (28 to 38)" in first
    assert "Band: 32 and so on" in first
    assert "a woman 97 %" in first
    assert "about 42 years (38 to 48)" in second
    assert "&lt;b&gt;happy" in first
    assert EVIL not in body
    assert "surprised" in first
    # What is not likely at all is left out.
    assert ">sad<" not in first
    assert " style=" not in body


def test_no_face_needs_no_estimate(on: Any, tools: Any) -> None:
    files = {"photo": ("w.png", tools.strips())}
    answer = on.submit("/analyse", {"appearance": "1"}, files=files)
    assert "No face found" in answer.text
    assert APPEARANCE_NOTE not in answer.text


def test_the_models_are_listed_where_estimates_are_made(on: Any, off: Any) -> None:
    for client, there in ((on, True), (off, False)):
        listed = client.get("/api/v1/models").json()["models"]
        names = [one["name"] for one in listed]
        assert names[:3] == ["yunet", "sface", "landmarks"]
        assert ("dlib-age" in names) is there
        assert ("dlib-age" in client.get("/about").text) is there
    assert APPEARANCE_NOTE in on.get("/about").text


def test_the_page_about_models_stays_up_where_there_is_none(on: Any, analysing: Any) -> None:
    class NoModels(SimpleNamespace):
        @property
        def attribute_names(self) -> tuple[str, ...]:
            raise WeightsMissingError("None is here.")

    calibration = analysing.models.calibration
    analysing.models = NoModels(calibration=calibration)
    listed = on.get("/api/v1/models").json()["models"]
    assert "attributes" not in [one["kind"] for one in listed]
    assert on.get("/about").status_code == 200
