"""The pages over an engine in memory, without scripts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faceprint.errors import ConsentError, InputError
from faceprint.types import Decision, Threshold
from faceprint.web.forms import clean_text, display_name, parse_expiry
from faceprint.web.views import closeness

EVIL = "<script>alert(1)</script>"


def test_an_empty_gallery_greets(client: Any, tools: Any) -> None:
    body = client.get("/").text
    assert "Nobody is enrolled yet" in body
    assert "Try with the sample" in body
    assert client.get("/sample.png").content.startswith(b"\x89PNG")
    tools.enrol_red(client)
    assert "Nobody is enrolled yet" not in client.get("/").text


def test_identify_shows_names_beside_faces(client: Any, ada: str, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.BLUE, (200, 180, 30))
    answer = client.submit("/identify", {}, files={"photo": ("three.png", photo)})
    assert answer.status_code == 200
    assert "3 faces, 1 named" in answer.text
    assert f'href="/people/{ada}"' in answer.text
    assert 'src="data:image/jpeg;base64,' in answer.text
    assert answer.text.count('class="spot ') == 3
    assert "probability <b>97.3 %</b>" in answer.text
    assert 'x="6.667%" y="16.667%" width="20.000%" height="66.667%"' in answer.text


def test_a_script_gets_the_inner_part_without_the_photo(client: Any, red: bytes) -> None:
    files = {"photo": ("r.png", red)}
    headers = {"X-Fragment": "1", "X-CSRF-Token": client.csrf()}
    inner = client.post("/identify", files=files, headers=headers).text
    assert "<html" not in inner
    assert "data-photo alt" in inner
    assert 'data-photo alt="The photo r.png" src=' not in inner
    with_picture = client.post("/identify", data={"preview": "1"}, files=files, headers=headers)
    assert 'data-photo alt="The photo r.png" src=' in with_picture.text


def test_no_face_is_an_answer(client: Any, tools: Any) -> None:
    answer = client.submit("/identify", {}, files={"photo": ("w.png", tools.strips())})
    assert answer.status_code == 200
    assert "No face found" in answer.text


def test_enrol_from_the_result(client: Any, engine: Any, tools: Any) -> None:
    photo = tools.strips(tools.GREEN, tools.RED)
    result = client.submit("/identify", {}, files={"photo": ("g.png", photo)}).text
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', result)
    assert digest
    fields = {"face": "1", "digest": digest[1], "name": "Ada Lovelace", "consent": "Yes."}
    answer = client.submit("/enrol", fields, files={"photos": ("g.png", photo)})
    assert "is enrolled with 1 face" in answer.text
    again = client.submit("/identify", {}, files={"photo": ("g.png", photo)}).text
    assert "2 faces, 1 named, 1 unknown" in again
    assert engine.store.calls[-1].actor == "web:local"
    assert engine.store.calls[-1].purpose == "identify"


def test_a_face_number_belongs_to_its_photo(client: Any, engine: Any, red: bytes) -> None:
    fields = {"face": "0", "digest": "0" * 64, "name": "Ada", "consent": "Yes."}
    answer = client.submit("/enrol", fields, files={"photos": ("r.png", red)})
    assert answer.status_code == 409
    assert not engine.store.persons


def test_the_sample_needs_no_upload(client: Any) -> None:
    answer = client.submit("/identify", {"sample": "1"})
    assert "astronaut.png" in answer.text
    picture = client.submit("/identify/picture", {"sample": "1"})
    assert picture.headers["content-type"] == "image/jpeg"


def test_compare(client: Any, tools: Any, red: bytes) -> None:
    same = client.submit("/verify", {}, files={"a": ("1.png", red), "b": ("2.png", red)})
    assert "The same person" in same.text
    assert same.text.count("data:image/jpeg;base64,") == 2
    other = tools.strips(tools.BLUE)
    different = client.submit("/verify", {}, files={"a": ("1.png", red), "b": ("2.png", other)})
    assert "Different people" in different.text


def test_person_page_and_its_forms(client: Any, ada: str, red: bytes) -> None:
    body = client.get(f"/people/{ada}").text
    assert "Agreed in a letter." in body
    source = re.search(r'src="(/people/[^"]+/pictures/[0-9a-f]+)"', body)
    assert source
    assert client.get(source[1]).headers["content-type"] == "image/jpeg"
    for path, fields, done in [
        ("rename", {"name": "Ada K."}, "renamed"),
        ("notes", {"notes": "Wrote the first program."}, "noted"),
        ("consents", {"consent": "Once more."}, "consented"),
    ]:
        answer = client.submit(f"/people/{ada}/{path}", fields)
        assert answer.headers["location"] == f"/people/{ada}?done={done}"
    body = client.get(f"/people/{ada}?done=renamed").text
    for text in ("Ada K.", "Wrote the first program.", "Once more.", "Renamed."):
        assert text in body
    more = client.submit("/enrol", {"person_id": ada}, files={"photos": ("2.png", red)})
    assert "who now has 2" in more.text


def test_empty_changes_are_refused(client: Any, ada: str) -> None:
    assert client.submit(f"/people/{ada}/rename", {"name": " \u202e "}).status_code == 422
    assert client.submit(f"/people/{ada}/consents", {}).status_code == 422
    assert client.submit(f"/people/{ada}/notes", {"notes": "x" * 5001}).status_code == 422


def test_merge_and_erase(client: Any, ada: str, engine: Any, tools: Any) -> None:
    other = tools.enrol_red(client, "A. Lovelace")
    assert f'value="{other}"' in client.get(f"/people/{ada}/merge").text
    assert client.submit(f"/people/{ada}/merge", {"from_id": other}).status_code == 303
    assert "2 templates" in client.get(f"/people/{ada}/erase").text
    assert client.submit(f"/people/{ada}/erase", {}).headers["location"] == "/people?done=erased"
    assert not engine.store.persons
    assert "Nobody is enrolled yet" in client.get("/people?done=erased").text


def test_people_are_found_and_paged(client: Any, tools: Any) -> None:
    for number in range(62):
        tools.enrol_red(client, f"Ada {number:02}")
    first = client.get("/people").text
    assert "62 people" in first
    assert "start=60" in first
    assert "Ada 61" in client.get("/people?start=60").text
    assert "Ada 07" in client.get("/people?q=07").text
    assert client.get("/people?start=-5").status_code == 200
    assert client.get("/people?start=x").status_code == 422


def test_lapsed_consent_shows(client: Any, ada: str, engine: Any) -> None:
    from dataclasses import replace

    person = engine.store.persons[ada]
    past = datetime.now(UTC) - timedelta(days=1)
    lapsed = replace(person.consents[0], expires_at=past)
    engine.store.persons[ada] = replace(person, consents=(lapsed,))
    assert "no valid consent" in client.get("/people").text
    assert "There is no valid consent on record" in client.get(f"/people/{ada}").text


@pytest.mark.parametrize("name", [EVIL, '"><img src=x onerror=alert(1)>', "{{7*7}}", "عليّ", "李"])
def test_names_are_text(client: Any, tools: Any, red: bytes, name: str) -> None:
    person = tools.enrol_red(client, name)
    # Some names of files are escaped by the sender; the receiver must still treat them as text.
    pages = [
        client.get("/people").text,
        client.get(f"/people/{person}").text,
        client.get(f"/people/{person}/erase").text,
        client.get(f"/people?q={name}").text,
        client.submit("/identify", {}, files={"photo": (name, red)}).text,
    ]
    for page in pages:
        assert EVIL not in page
        assert "<img src=x" not in page
        assert ">49<" not in page
    if name.isalpha():
        assert all(name in page for page in pages)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\me.jpg", "me.jpg"),
        ("/", "photo"),
        ("..", "photo"),
        ("", "photo"),
        ("a\x00b\r\nc.jpg", "abc.jpg"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("x" * 300, "x" * 79 + "…"),
        ("ada\u200d.jpg", "ada\u200d.jpg"),
        ("é.jpg", "é.jpg"),
    ],
)
def test_upload_names_are_text(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


def test_path_tricks_end_as_text(client: Any, engine: Any, red: bytes, tmp_path: Any) -> None:
    name = f"../../../../../../..{tmp_path}/planted.png"
    client.post(
        "/api/v1/enrol",
        data={"name": "Ada", "consent": "Yes."},
        files={"photos": (name, red), "document": (name, b"x")},
    )
    assert list(tmp_path.iterdir()) == []
    (person,) = engine.store.persons.values()
    assert person.consents[0].document_name == "planted.png"


@pytest.mark.parametrize(
    "path",
    ["/static/../options.py", "/static/%2e%2e/options.py", "/static/..%2f..%2f__init__.py"],
)
def test_static_files_stay_in_their_folder(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


def test_pixel_bombs_are_refused(engine: Any, tools: Any) -> None:
    from typing import cast

    from faceprint.pipeline.facade import Faceprint
    from faceprint.settings import Settings
    from faceprint.web import create_app

    engine.settings = Settings(max_pixels=10_000)
    client = tools.Client(create_app(cast(Faceprint, engine)))
    bomb = tools.strips(*[tools.RED] * 5)
    answer = client.submit("/identify", {}, files={"photo": ("bomb.png", bomb)})
    assert answer.status_code == 413
    assert "That did not work" in answer.text


def test_failures_come_as_page_or_part(client: Any) -> None:
    page = client.submit("/identify", {}, files={"photo": ("x.jpg", b"text")})
    assert page.status_code == 415
    assert "<html" in page.text
    part = client.submit(
        "/identify", {}, files={"photo": ("x.jpg", b"text")}, headers={"X-Fragment": "1"}
    )
    assert part.status_code == 415
    assert part.text.startswith('<div class="failure" data-code="not_an_image">')


def test_scores_in_words() -> None:
    threshold = Threshold(0.4, 0.3, 1e-3, 1e-3, (0.39, 0.41), "m", "d", "x")
    words = [closeness(score, threshold) for score in (0.7, 0.4, 0.3, 0.29)]
    assert words == [
        "far above the limit",
        "above the limit",
        "just under the limit",
        "well under the limit",
    ]
    assert closeness(0.5, None) == ""


def test_without_calibration_there_is_no_decision(client: Any, engine: Any, red: bytes) -> None:
    from dataclasses import replace

    plain = engine.identify

    def undecided(*args: Any, **kwargs: Any) -> Any:
        found = plain(*args, **kwargs)
        faces = tuple(
            replace(face, who=replace(face.who, decision=None, name=None, threshold=None))
            for face in found.faces
        )
        return replace(found, faces=faces, threshold=None)

    engine.identify = undecided
    engine.models.calibration = None
    body = client.submit("/identify", {}, files={"photo": ("r.png", red)}).text
    assert "Not decided" in body
    assert "no calibration" in body
    assert "no calibration" in client.get("/about").text
    assert Decision.MATCH not in body


def test_clean_text() -> None:
    assert clean_text(" a\x07b\n", what="x", limit=5) == "ab"
    assert clean_text("a\r\nb\u2066", what="x", limit=5, lines=True) == "a\nb"
    with pytest.raises(InputError, match="5 characters"):
        clean_text("x" * 6, what="x", limit=5)


def test_expiry() -> None:
    assert parse_expiry("") is None
    moment = parse_expiry("2099-05-01T12:00:00+02:00")
    assert moment is not None
    assert moment.astimezone(UTC).hour == 10
    for bad in ("01/05/2099", "2001-01-01", "9999"):
        with pytest.raises(ConsentError):
            parse_expiry(bad)
