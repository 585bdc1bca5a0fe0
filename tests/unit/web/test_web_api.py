"""The REST API over an engine in memory."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest

from faceprint import errors
from faceprint.web.failures import status_of


def test_detect(client: Any, tools: Any) -> None:
    photo = tools.strips(tools.RED, tools.GREEN)
    found = client.post("/api/v1/detect", files={"photo": ("group.png", photo)}).json()
    assert (found["image"], found["width"], found["height"]) == ("group.png", 200, 120)
    assert [face["box"] for face in found["faces"]] == [[20, 20, 80, 100], [120, 20, 180, 100]]
    assert len(found["faces"][0]["landmarks"]) == 5


def test_embed_and_send_the_embedding_back(client: Any, ada: str, tools: Any, red: bytes) -> None:
    found = client.post("/api/v1/embed", files={"photo": ("r.png", red)}).json()
    ready = {"embedding": found["faces"][0]["embedding"], "model_id": found["model_id"]}
    named = client.post("/api/v1/identify", json=ready).json()["results"]
    assert [(one["name"], one["decision"]) for one in named] == [("Ada Lovelace", "match")]
    verdict = client.post("/api/v1/verify", json={"a": ready, "b": ready}).json()
    assert verdict["same"] is True


def test_embeddings_of_another_model_are_refused(client: Any) -> None:
    ready = {"embedding": [1.0, 0.0, 0.0], "model_id": "other:1"}
    for path, body in [("identify", ready), ("verify", {"a": ready, "b": ready})]:
        answer = client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_embedding"
        assert "other:1" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"embedding": [], "model_id": "fake:1"}',
        b'{"embedding": [NaN], "model_id": "fake:1"}',
        b'{"embedding": ["x"], "model_id": "fake:1"}',
        b'{"embedding": [1], "model_id": "fake:1", "more": 1}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_bad_json_is_refused(client: Any, body: bytes) -> None:
    answer = client.post(
        "/api/v1/identify", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_input"


def test_identify(client: Any, ada: str, tools: Any) -> None:
    photo = tools.strips(tools.BLUE, tools.RED)
    found = client.post(
        "/api/v1/identify", data={"top_k": "3"}, files={"photo": ("g.png", photo)}
    ).json()
    assert [face["name"] for face in found["faces"]] == [None, "Ada Lovelace"]
    assert [face["decision"] for face in found["faces"]] == ["unknown", "match"]
    assert found["faces"][1]["person_id"] == ada
    assert found["faces"][1]["candidates"][0]["name"] == "Ada Lovelace"
    assert found["threshold"] == 0.9
    assert "score" in found["faces"][0]
    assert found["faces"][1]["probability"] == 0.973
    assert found["faces"][1]["candidates"][0]["probability"] == 0.973


def test_identify_at_the_rate_of_one_comparison(client: Any, ada: str, red: bytes) -> None:
    photo = {"photo": ("r.png", red)}
    found = client.post("/api/v1/identify", data={"fmr": "1e-4"}, files=photo).json()
    assert (found["fmr"], found["fpir"]) == (1e-4, None)
    assert client.post("/api/v1/identify", files=photo).json()["fpir"] == 0.01


@pytest.mark.parametrize(
    "fields",
    [{"fpir": "2"}, {"fpir": "x"}, {"fpir": "nan"}, {"fmr": "1"}, {"top_k": "0"}, {"top_k": "1e3"}],
)
def test_bad_numbers_are_refused(client: Any, red: bytes, fields: dict[str, str]) -> None:
    answer = client.post("/api/v1/identify", data=fields, files={"photo": ("r.png", red)})
    assert answer.status_code == 422
    assert next(iter(fields)) in answer.json()["error"]["message"]


@pytest.mark.parametrize(("kind", "start"), [("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG")])
def test_labelled_picture(client: Any, ada: str, red: bytes, kind: str, start: bytes) -> None:
    answer = client.post(
        "/api/v1/identify/picture",
        data={"format": kind},
        files={"photo": ("../../ö\r\n.png", red)},
    )
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.content.startswith(start)
    named = answer.headers["content-disposition"]
    assert named.startswith("attachment; filename*=UTF-8''%C3%B6")
    assert "/" not in named


def test_verify(client: Any, tools: Any, red: bytes) -> None:
    other = tools.strips(tools.BLUE)
    same = client.post("/api/v1/verify", files={"a": ("1.png", red), "b": ("2.png", red)}).json()
    different = client.post("/api/v1/verify", files={"a": ("1.png", red), "b": ("2.png", other)})
    assert (same["same"], same["images"]) == (True, ["1.png", "2.png"])
    assert (different.json()["same"], different.json()["decision"]) == (False, "unknown")


def test_verify_says_which_photo(client: Any, tools: Any, red: bytes) -> None:
    group = tools.strips(tools.RED, tools.GREEN)
    answer = client.post("/api/v1/verify", files={"a": ("1.png", red), "b": ("2.png", group)})
    assert answer.status_code == 422
    assert answer.json()["error"] == {
        "code": "face_count",
        "message": "The second photo shows 2 faces.",
    }
    missing = client.post("/api/v1/verify", files={"a": ("1.png", red)})
    assert missing.status_code == 422
    assert "field b" in missing.json()["error"]["message"]


def test_enrol_needs_consent_and_one_face(client: Any, tools: Any, red: bytes) -> None:
    photos = {"photos": ("r.png", red)}
    refused = client.post("/api/v1/enrol", data={"name": "Ada"}, files=photos)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "consent")
    group = {"photos": ("g.png", tools.strips(tools.RED, tools.GREEN))}
    agreed = {"name": "Ada", "consent": "Yes."}
    assert client.post("/api/v1/enrol", data=agreed, files=group).status_code == 422
    chosen = client.post("/api/v1/enrol", data=agreed | {"face": "1"}, files=group)
    assert chosen.json()["created"] is True
    assert client.post("/api/v1/enrol", data=agreed).status_code == 422
    assert client.post("/api/v1/enrol", data={"consent": "Yes."}, files=photos).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires", "2001-01-01"),
        ("expires", "soon"),
        ("face", "-1"),
        ("face", "१"),
        ("keep", "all"),
    ],
)
def test_bad_enrolment_fields_are_refused(
    client: Any, engine: Any, red: bytes, field: str, value: str
) -> None:
    fields = {"name": "Ada", "consent": "Yes.", field: value}
    answer = client.post("/api/v1/enrol", data=fields, files={"photos": ("r.png", red)})
    assert answer.status_code == 422
    assert not engine.store.persons


def test_consent_is_kept_as_given(client: Any, engine: Any, red: bytes) -> None:
    client.post(
        "/api/v1/enrol",
        data={
            "name": "Ada",
            "purpose": "Door",
            "expires": "2099-12-31",
            "recorded_by": "The office",
        },
        files={"photos": ("r.png", red), "document": ("../form.pdf", b"%PDF")},
    )
    (person,) = engine.store.persons.values()
    (consent,) = person.consents
    assert consent.expires_at.isoformat() == "2099-12-31T23:59:59.999999+00:00"
    assert (consent.purpose, consent.recorded_by) == ("Door", "The office")
    assert (consent.document, consent.document_name) == (b"%PDF", "form.pdf")
    path = f"/api/v1/people/{person.person_id}/consents/0/document"
    document = client.get(path)
    assert document.content == b"%PDF"
    assert document.headers["content-type"] == "application/octet-stream"
    assert document.headers["content-disposition"].startswith("attachment")
    assert client.get(path.replace("/0/", "/1/")).status_code == 404


def test_several_people_of_a_name_conflict(client: Any, tools: Any, red: bytes) -> None:
    tools.enrol_red(client)
    fields = {"name": "Ada Lovelace", "consent": "Yes.", "new": "true"}
    assert client.post("/api/v1/enrol", data=fields, files={"photos": ("r.png", red)}).is_success
    answer = client.post(
        "/api/v1/enrol", data={"name": "Ada Lovelace"}, files={"photos": ("r.png", red)}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_people(client: Any, ada: str, engine: Any, tools: Any, red: bytes) -> None:
    listed = client.get("/api/v1/people", params={"q": "LOVE"}).json()
    assert (listed["total"], listed["people"][0]["name"]) == (1, "Ada Lovelace")
    assert client.get("/api/v1/people", params={"q": "x"}).json()["total"] == 0
    detail = client.get(f"/api/v1/people/{ada}").json()
    assert detail["consents"][0]["text"] == "Agreed in a letter."
    (face,) = detail["faces"]
    picture = client.get(face["picture"])
    assert picture.headers["content-type"] == "image/jpeg"
    changed = client.request(
        "PATCH", f"/api/v1/people/{ada}", json={"name": "Ada K.", "notes": "A\nB"}
    ).json()
    assert (changed["name"], changed["notes"]) == ("Ada K.", "A\nB")
    more = client.post(f"/api/v1/people/{ada}/photos", files={"photos": ("2.png", red)}).json()
    assert more["templates"] == 2
    erased = client.request("DELETE", f"/api/v1/people/{ada}").json()
    assert erased["templates"] == 2
    assert client.get(f"/api/v1/people/{ada}").status_code == 404
    assert {call.actor for call in engine.store.calls} == {"api:local"}
    assert {call.purpose for call in engine.store.calls} == {"enrol", "rename", "note", "erase"}


def test_merge(client: Any, ada: str, tools: Any) -> None:
    other = tools.enrol_red(client, "A. Lovelace")
    merged = client.post(f"/api/v1/people/{ada}/merge", json={"from_id": other}).json()
    assert (merged["templates"], len(merged["consents"])) == (2, 2)
    itself = client.post(f"/api/v1/people/{ada}/merge", json={"from_id": ada})
    assert itself.status_code == 409


def test_add_consent(client: Any, ada: str) -> None:
    path = f"/api/v1/people/{ada}/consents"
    answer = client.post(path, json={"text": "Once more.", "expires": "2099-01-01"})
    assert answer.status_code == 200
    assert [one["text"] for one in client.get(path).json()] == ["Agreed in a letter.", "Once more."]
    assert client.post(path, json={"text": "x", "expires": "2001-01-01"}).status_code == 422
    assert client.post(path, json={"text": ""}).status_code == 422


@pytest.mark.parametrize("person_id", ["none", "Ada Lovelace", "..%2F..%2Fetc", "%00"])
def test_people_go_by_id_alone(client: Any, ada: str, person_id: str) -> None:
    answer = client.get(f"/api/v1/people/{person_id}")
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message"}


def test_pictures_belong_to_their_person(client: Any, ada: str, engine: Any) -> None:
    digest = next(iter(engine.store.pictures))
    assert client.get(f"/api/v1/people/{ada}/pictures/{digest}").status_code == 200
    engine.store.pictures["other"] = b"x"
    assert client.get(f"/api/v1/people/{ada}/pictures/other").status_code == 404


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 415, "not_an_image"),
        (b"not a photo", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_an_image"),
    ],
)
def test_what_is_no_photo(client: Any, data: bytes, status: int, code: str) -> None:
    answer = client.post("/api/v1/detect", files={"photo": ("photo.jpg", data)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_models(client: Any) -> None:
    models = client.get("/api/v1/models").json()
    assert models["model_id"] == "fake:1"
    kinds = [one["kind"] for one in models["models"]]
    assert kinds[:2] == ["detector", "embedder"]
    assert {"pose", "parser"} <= set(kinds)


def test_unknown_routes_and_methods(client: Any) -> None:
    assert client.get("/api/v1/none").json()["error"]["code"] == "not_found"
    assert client.request("PUT", "/api/v1/people").json()["error"]["code"] == "method_not_allowed"


def test_openapi_holds_together(client: Any) -> None:
    described = client.get("/api/openapi.json").json()
    schemas = described["components"]["schemas"]
    references = [part.split('"')[0] for part in json.dumps(described).split('"$ref": "')[1:]]
    assert references
    assert {one.removeprefix("#/components/schemas/") for one in references} <= set(schemas)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            if method == "post" and not path.endswith("/cancel"):
                assert operation["requestBody"], path


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.PersonNotFoundError("x"), 404),
        (errors.ImageTooLargeError("x"), 413),
        (errors.ImageFormatError("x"), 415),
        (errors.ImageError("x"), 422),
        (errors.FaceCountError("x", found=0), 422),
        (errors.EmbeddingError("x"), 422),
        (errors.ConsentError("x"), 422),
        (errors.GalleryUnavailableError("x"), 503),
        (errors.GalleryCorruptError("x"), 500),
        (errors.WeightsMissingError("x"), 503),
        (errors.LicenceRefusedError("x"), 403),
        (errors.MissingExtraError("x", extra="heif"), 501),
        (errors.FaceprintError("x"), 500),
    ],
)
def test_status_of_errors(error: errors.FaceprintError, status: int) -> None:
    assert status_of(error) == status


def test_a_full_disk_has_its_own_status() -> None:
    full = errors.GalleryUnavailableError("x")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert status_of(full) == 507


def test_an_unavailable_gallery_says_when_to_return(client: Any, engine: Any, red: bytes) -> None:
    def locked() -> None:
        raise errors.GalleryUnavailableError("The gallery is locked.")

    engine.before_work = locked
    answer = client.post("/api/v1/identify", files={"photo": ("r.png", red)})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
