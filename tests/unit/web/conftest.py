"""A small engine in memory, and a client that speaks HTTP to the app without a network.

In the engine's photos every strip of 100 px is a face, and its colour is the person; white strips
are nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from faceprint.errors import (
    ConsentError,
    EmbeddingError,
    FaceCountError,
    FaceprintError,
    PersonNotFoundError,
)
from faceprint.gallery.records import (
    Call,
    Consent,
    EnrolReceipt,
    EraseReceipt,
    Person,
    Template,
)
from faceprint.match import Calibration, OperatingPoint
from faceprint.media import encode_image, photo_name, read_image
from faceprint.media.video import Video, VideoWriter
from faceprint.parse.classes import number_of
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge, Looks, Pose
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.naming import Picture
from faceprint.pipeline.results import (
    Detection,
    EmbeddedPhoto,
    Enrolment,
    Failure,
    Identification,
    IdentifiedFace,
    NamedEmbedding,
    Verification,
)
from faceprint.pipeline.segmenting import FaceParts, Segmentation
from faceprint.pipeline.video.results import (
    VideoIdentification,
    VideoPerson,
    VideoPlan,
    VideoTrack,
)
from faceprint.settings import Settings
from faceprint.types import Candidate, Decision, Embeddings, Face, Photo, Quality, Threshold
from faceprint.web import WebOptions, create_app

MODEL_ID = "fake:1"
CALIBRATION = Calibration(
    detector="fake",
    model_id=MODEL_ID,
    dataset="coloured strips",
    people=3,
    photos=30,
    failures=0,
    genuine_count=100,
    impostor_count=1000,
    date="2026-01-01",
    command="none",
    points=(OperatingPoint(0.01, 0.8, 0.7, 0.9, 0.0), OperatingPoint(0.001, 0.9, 0.8, 1.0, 0.1)),
)
THRESHOLD = Threshold(0.9, 0.8, 1e-3, 1e-3, (0.89, 0.91), MODEL_ID, "fake", "coloured strips")
KEY = "a-key-long-enough-to-use"

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def strips(*colours: tuple[int, int, int], format: str = "PNG") -> bytes:
    """A photo with a face for each colour."""
    pixels = np.full((120, 100 * max(1, len(colours)), 3), 255, np.uint8)
    for i, colour in enumerate(colours):
        pixels[20:100, 100 * i + 20 : 100 * i + 80] = colour
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def clip(path: Path, *colours: tuple[int, int, int], frames: int = 10) -> bytes:
    """A video of a second that shows a face for each colour."""
    pixels = read_image(strips(*colours), max_pixels=10**6).pixels
    height, width = pixels.shape[:2]
    with VideoWriter(path, width=width, height=height, fps=10) as writer:
        for number in range(frames):
            writer.write(pixels, number / 10)
    return path.read_bytes()


@dataclass
class FakeGallery:
    """People in a dictionary."""

    persons: dict[str, Person] = field(default_factory=dict)
    faces: list[tuple[Template, np.ndarray[Any, Any]]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def template_count(self, model_id: str | None = None) -> int:
        return len(self.faces)

    def people(self) -> list[Person]:
        everybody = [self._counted(person) for person in self.persons.values()]
        return sorted(everybody, key=lambda one: one.name)

    def person(self, name_or_id: str) -> Person:
        found = [p for p in self.persons.values() if name_or_id in (p.person_id, p.name)]
        if len(found) != 1:
            raise PersonNotFoundError(f"{len(found)} people are called {name_or_id}.")
        return self._counted(found[0])

    def _counted(self, person: Person) -> Person:
        return replace(person, template_count=len(self.templates(person.person_id)))

    def templates(self, person_id: str) -> list[Template]:
        return [template for template, _ in self.faces if template.person_id == person_id]

    def picture(self, digest: str) -> bytes:
        return self.pictures[digest]

    def _change(self, person_id: str, call: Call, **changes: object) -> Person:
        self.calls.append(call)
        self.persons[person_id] = replace(self.persons[person_id], **cast(Any, changes))
        return self.person(person_id)

    def add_consent(self, person_id: str, consent: Consent, *, call: Call) -> Person:
        consents = (*self.persons[person_id].consents, consent)
        return self._change(person_id, call, consents=consents)

    def rename(self, person_id: str, name: str, *, call: Call) -> Person:
        return self._change(person_id, call, name=name)

    def note(self, person_id: str, notes: str, *, call: Call) -> Person:
        return self._change(person_id, call, notes=notes)

    def merge(self, into_id: str, from_id: str, *, call: Call) -> Person:
        self.faces = [
            (replace(one, person_id=into_id), vector) if one.person_id == from_id else (one, vector)
            for one, vector in self.faces
        ]
        gone = self.persons.pop(from_id)
        return self._change(into_id, call, consents=self.persons[into_id].consents + gone.consents)

    def erase(self, person_id: str, *, call: Call) -> EraseReceipt:
        self.calls.append(call)
        count = len(self.templates(person_id))
        self.faces = [(one, vector) for one, vector in self.faces if one.person_id != person_id]
        del self.persons[person_id]
        return EraseReceipt(person_id, count, count, datetime.now(UTC))


class FakeEngine:
    """Finds coloured strips; people are colours."""

    def __init__(self, **settings: object) -> None:
        self.settings = Settings(**cast(Any, settings))
        self.store = FakeGallery()
        self.models = SimpleNamespace(calibration=CALIBRATION)
        self.before_work: Callable[[], None] = lambda: None

    @property
    def gallery(self) -> FakeGallery:
        return self.store

    @property
    def model_id(self) -> str:
        return MODEL_ID

    def detect(self, photo: Photo, *, thorough: bool = False) -> Detection:
        self.before_work()
        image = read_image(photo, max_pixels=self.settings.max_pixels)
        height, width = image.pixels.shape[:2]
        starts = [x for x in range(0, width - 99, 100) if image.pixels[50, x + 50].min() < 128]
        faces = tuple(
            Face(
                np.array([x + 20, 20, x + 80, 100], np.float32),
                0.9,
                np.full((5, 2), x + 50, np.float32),
                Quality(0.8, 0.8, 0.8, 0.8, 0.9),
            )
            for x in starts
        )
        return Detection(image.name, width, height, faces, image.pixels, image.digest)

    def embed(self, photo: Photo, *, thorough: bool = False) -> EmbeddedPhoto:
        found = self.detect(photo)
        centres = [int(face.box[0]) + 30 for face in found.faces]
        colours = np.array([found.pixels[50, x] for x in centres], np.float32).reshape(-1, 3)
        vectors = colours / np.linalg.norm(colours, axis=1, keepdims=True)
        crops = np.array([found.pixels[20:100, x - 30 : x + 30] for x in centres], np.uint8)
        return EmbeddedPhoto(found, Embeddings(vectors, MODEL_ID), crops)

    def identify(
        self,
        photo: Photo,
        *,
        call: Call,
        fpir: float = 0.01,
        fmr: float | None = None,
        top_k: int = 5,
        thorough: bool = False,
    ) -> Identification:
        embedded = self.embed(photo)
        named = self.identify_embeddings(embedded.embeddings, call=call, top_k=top_k)
        faces = zip(embedded.detection.faces, named, strict=True)
        return Identification(
            embedded,
            tuple(IdentifiedFace(face, who) for face, who in faces),
            THRESHOLD if self.store.faces else None,
            fpir,
            fmr,
        )

    def identify_many(
        self, photos: Iterable[Photo], *, call: Call, thorough: bool = False
    ) -> Iterator[Identification | Failure]:
        for photo in photos:
            try:
                yield self.identify(photo, call=call)
            except FaceprintError as error:
                yield Failure.of(photo_name(photo), error)

    def identify_video(
        self,
        video: str | Path,
        *,
        call: Call,
        plan: VideoPlan,
        on_progress: Callable[[float, float | None], None],
        stop: Callable[[], bool],
    ) -> VideoIdentification:
        """Everybody in the first frame is there from the beginning to the end."""
        with Video(video) as opened:
            frames = []
            for frame in opened.frames(start_s=plan.start_s, end_s=plan.end_s):
                self.before_work()
                frames.append(frame)
                if stop():
                    break
                on_progress(frame.time_s, opened.info.duration_s)
            info = opened.info
        first = self.identify(frames[0].pixels, call=call)
        times = np.array([frame.time_s for frame in frames])
        tracks, people = [], []
        for number, face in enumerate(first.faces, 1):
            crop = encode_image(first.embedded.crops[number - 1])
            # Twice the crop, so that a photo of it shows a face to this engine.
            shown = _around(first.embedded.crops[number - 1])
            (there,) = self.detect(shown).faces
            x1, y1, x2, y2 = there.box.tolist()
            look = Picture(encode_image(shown), (x1, y1, x2, y2), float(times[0]), 0.8, True)
            span = (float(times[0]), float(times[-1]) + 0.1)
            tracks.append(
                VideoTrack(
                    track_id=number,
                    frames=np.arange(len(frames)),
                    times_s=times,
                    boxes=np.tile(face.face.box, (len(frames), 1)),
                    landmarks=np.tile(cast(Any, face.face.landmarks), (len(frames), 1, 1)),
                    spans=(span,),
                    quality=0.8,
                    picture=crop,
                    who=face.who,
                )
            )
            label = face.name or f"Person {number}"
            people.append(
                VideoPerson(f"p{number}", label, face.who, (number,), span[1] - span[0], (look,))
            )
        return VideoIdentification(
            info=info,
            model_id=MODEL_ID,
            detector="fake",
            fpir=plan.fpir,
            threshold=first.threshold,
            people=tuple(people),
            tracks=tuple(tracks),
            from_s=float(times[0]),
            to_s=float(times[-1]) + 0.1,
            frames=len(frames),
            detect_every=plan.every or 1,
            damaged_frames=0,
            cuts_s=(),
            partial="It was stopped early." if stop() else None,
        )

    def identify_embeddings(
        self,
        embeddings: Embeddings,
        *,
        call: Call,
        fpir: float = 0.01,
        fmr: float | None = None,
        top_k: int = 5,
    ) -> tuple[NamedEmbedding, ...]:
        self.store.calls.append(call)
        if embeddings.model_id != MODEL_ID:
            raise EmbeddingError(f"Expected an embedding of {MODEL_ID}, got {embeddings.model_id}.")
        return tuple(self._name(vector)[:1][0] for vector in embeddings.vectors)

    def _name(self, vector: np.ndarray[Any, Any]) -> tuple[NamedEmbedding]:
        best: dict[str, Candidate] = {}
        for template, enrolled in self.store.faces:
            score = float(vector @ enrolled)
            person = self.store.persons[template.person_id]
            if person.person_id not in best or score > best[person.person_id].score:
                best[person.person_id] = Candidate(
                    person.person_id, person.name, score, template.template_id, 0.973
                )
        ranked = tuple(sorted(best.values(), key=lambda one: -one.score))
        if not ranked:
            return (NamedEmbedding(Decision.UNKNOWN, None, None, None, (), None),)
        first, decision = ranked[0], THRESHOLD.decide(ranked[0].score)
        matched = decision is Decision.MATCH
        return (
            NamedEmbedding(
                decision,
                first.name if matched else None,
                first.person_id if matched else None,
                first.score,
                ranked,
                THRESHOLD,
            ),
        )

    def verify(
        self, a: Photo, b: Photo, *, largest: bool = False, fmr: float = 1e-3
    ) -> Verification:
        sides = []
        for label, photo in (("first", a), ("second", b)):
            embedded = self.embed(photo)
            found = len(embedded.embeddings)
            if found != 1 and not (largest and found):
                raise FaceCountError(f"The {label} photo shows {found} faces.", found=found)
            sides.append(Embeddings(embedded.embeddings.vectors[:1], MODEL_ID))
        return self.verify_embeddings(sides[0], sides[1])

    def verify_embeddings(self, a: Embeddings, b: Embeddings, *, fmr: float = 1e-3) -> Verification:
        for one in (a, b):
            if one.model_id != MODEL_ID:
                raise EmbeddingError(f"Expected {MODEL_ID}, got {one.model_id}.")
        score = float(a.vectors[0] @ b.vectors[0])
        return Verification(THRESHOLD.decide(score), score, THRESHOLD, MODEL_ID, ("a", "b"))

    def enrol(
        self,
        name: str,
        photos: Sequence[Photo],
        *,
        call: Call,
        consent: Consent | None = None,
        person_id: str | None = None,
        new: bool = False,
        largest: bool = False,
        face: int | Sequence[int] | None = None,
        thorough: bool = False,
        keep: str = "crop",
        notes: str = "",
    ) -> Enrolment:
        store = self.store
        store.calls.append(call)
        numbers = [face] * len(photos) if face is None or isinstance(face, int) else face
        chosen = [
            self._choose(self.embed(photo, thorough=thorough), number, largest)
            for photo, number in zip(photos, numbers, strict=True)
        ]
        same = [p for p in store.persons.values() if p.name == name and not new]
        if len(same) > 1 and person_id is None:
            raise PersonNotFoundError(f"{len(same)} people are called {name}.")
        known = store.persons.get(person_id or "") or next(iter(same), None)
        if known is None:
            if consent is None:
                raise ConsentError("Nobody is enrolled without a consent record.")
            number = f"p{len(store.persons) + 1}"
            known = Person(number, name, notes, datetime.now(UTC), (consent,), 0)
            store.persons[number] = known
        created = not store.templates(known.person_id)
        ids = [self._add(known.person_id, one, i) for one, i in chosen]
        receipt = EnrolReceipt(store.person(known.person_id), created, tuple(ids), 0)
        return Enrolment(receipt, (), ())

    @staticmethod
    def _choose(
        embedded: EmbeddedPhoto, face: int | None, largest: bool
    ) -> tuple[EmbeddedPhoto, int]:
        found = len(embedded.embeddings)
        if face is None and found != 1 and not largest:
            raise FaceCountError(f"Expected one face, found {found}.", found=found)
        return embedded, face or 0

    def _add(self, person_id: str, embedded: EmbeddedPhoto, index: int) -> str:
        picture = encode_image(embedded.crops[index])
        digest = hashlib.sha256(picture).hexdigest()
        self.store.pictures[digest] = picture
        template = Template(
            f"t{len(self.store.faces) + 1}",
            person_id,
            MODEL_ID,
            "fake",
            embedded.detection.image,
            embedded.detection.digest,
            embedded.detection.faces[index].box,
            0.8,
            datetime.now(UTC),
            digest,
            "crop",
        )
        self.store.faces.append((template, embedded.embeddings.vectors[index]))
        return template.template_id


class AnalysingEngine:
    """The engine with an analysis that says what it is told; notes how it was asked.

    Faces from left to right look ten years older, and turn by ten degrees more; their box is 100 px apart.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.asked: list[dict[str, Any]] = []
        self.emotion = "happy"
        self.liveness: float | None = 0.93

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def analyze(
        self,
        photo: Photo,
        *,
        looks: Looks,
        call: Call | None = None,
        largest: bool = False,
        thorough: bool = False,
    ) -> Analysis:
        self.asked.append({"looks": looks, "call": call, "largest": largest, "thorough": thorough})
        embedded = self._engine.embed(photo)
        found = embedded.detection
        named: Sequence[NamedEmbedding | None] = [None] * len(found.faces)
        if call is not None:
            named = self._engine.identify_embeddings(embedded.embeddings, call=call)
        segmentation = _halves(found) if looks.parts else None
        parts = (None,) * len(found.faces) if segmentation is None else segmentation.parts
        gone = {} if self.liveness is not None else {"liveness": "No test of liveness is here."}
        return Analysis(
            found,
            tuple(
                self._analysed(face, looks, part, who)
                for face, part, who in zip(found.faces, parts, named, strict=True)
            ),
            ("ages:1", "moods:2") if looks.appearance else (),
            segmentation,
            embedded.crops,
            {"pose": "turned"} | ({} if gone else {"liveness": "alive"}),
            gone,
        )

    def segment(
        self, photo: Photo, *, largest: bool = False, thorough: bool = False
    ) -> Segmentation:
        self.asked.append({"largest": largest, "thorough": thorough})
        return _halves(self._engine.detect(photo))

    def _analysed(
        self, face: Face, looks: Looks, parts: FaceParts | None, who: NamedEmbedding | None
    ) -> AnalysedFace:
        years = 30.0 + float(face.box[0]) // 10
        age = EstimatedAge(years, years - 4, years + 6, f"{years:.0f} and so on")
        emotion = MappingProxyType({self.emotion: 0.81, "surprise": 0.185, "sad": 0.005})
        told = looks.appearance
        return AnalysedFace(
            face,
            age if told else None,
            0.97 if told else None,
            emotion if told else {},
            Pose(float(face.box[0]) / 10, -12, 0),
            self.liveness,
            parts,
            who,
        )


def _halves(found: Detection) -> Segmentation:
    """The upper half of a photo is hair, the lower one skin."""
    labels = np.full(found.pixels.shape[:2], number_of("skin"), np.uint8)
    labels[: found.height // 2] = number_of("hair")
    areas = {"skin": 0.6, "hair": 0.4}
    parts = tuple(FaceParts(face, areas, labels, (0, 0), 0.04) for face in found.faces)
    return Segmentation(found, parts, labels, "halves:1")


def _around(crop: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A photo of one crop, as this engine takes photos."""
    pixels = np.full((120, 100, 3), 255, np.uint8)
    pixels[20:100, 20:80] = crop
    return pixels


class Client:
    """A browser-like client: keeps cookies, reads CSRF tokens, follows nothing."""

    def __init__(
        self,
        app: FastAPI,
        *,
        base_url: str = "http://127.0.0.1:8000",
        address: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
    ) -> None:
        self._transport = httpx.ASGITransport(
            app=app, raise_app_exceptions=False, client=(address, 50000)
        )
        self._base_url = base_url
        self._headers = headers or {}
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return asyncio.run(self.send(method, path, **kwargs))

    async def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport,
            base_url=self._base_url,
            headers=self._headers,
            cookies=self.cookies,
        ) as client:
            answer = await client.request(method, path, **kwargs)
            self.cookies = client.cookies
            return answer

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", path, **kwargs)

    def csrf(self, path: str = "/about") -> str:
        """The token that a page holds for this browser."""
        found = re.search(r'name="csrf" content="([0-9a-f]+)"', self.get(path).text)
        assert found
        return found[1]

    def submit(self, path: str, fields: dict[str, str], **kwargs: Any) -> httpx.Response:
        """Posts a form of a page, with its token."""
        files = kwargs.pop("files", None) or {"unused": ("", b"")}
        return self.post(path, data=fields | {"csrf": self.csrf()}, files=files, **kwargs)


MakeClient = Callable[..., Client]


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(jobs=tmp_path / "jobs")


@pytest.fixture
def analysing(engine: FakeEngine) -> AnalysingEngine:
    engine.models.attribute_names = ("dlib-age",)
    return AnalysingEngine(engine)


@pytest.fixture
def on(analysing: AnalysingEngine) -> Client:
    """A client of an app that estimates age, gender and emotion."""
    return Client(create_app(cast(Any, analysing), options=WebOptions(attributes=True)))


@pytest.fixture
def off(analysing: AnalysingEngine) -> Client:
    """A client of an app with the settings as they are from the outset."""
    return Client(create_app(cast(Any, analysing)))


@pytest.fixture
def app(engine: FakeEngine) -> Iterator[FastAPI]:
    made = create_app(cast(Faceprint, engine))
    yield made
    made.state.faceprint.background.close()


@pytest.fixture
def client(app: FastAPI) -> Client:
    return Client(app)


@pytest.fixture
def locked_app(engine: FakeEngine) -> FastAPI:
    options = WebOptions(api_key=KEY, hosts=frozenset({"faces.example"}))
    return create_app(cast(Faceprint, engine), options=options)


@pytest.fixture
def locked(locked_app: FastAPI) -> Client:
    return Client(locked_app)


@pytest.fixture
def ada(client: Client, engine: FakeEngine) -> str:
    """The id of Ada Lovelace, who is red."""
    return enrol_red(client)


def enrol_red(client: Client, name: str = "Ada Lovelace") -> str:
    answer = client.post(
        "/api/v1/enrol",
        data={"name": name, "consent": "Agreed in a letter."},
        files={"photos": ("ada.png", strips(RED))},
        headers={"X-CSRF-Token": client.csrf()} if client.cookies else {},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["person_id"])


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body sent in pieces, without its length."""
    for part in parts:
        yield part


@pytest.fixture
def red() -> bytes:
    return strips(RED)


@pytest.fixture
def tools() -> Any:
    """What tests share; they cannot import from each other."""
    return _Tools


class _Tools:
    strips = staticmethod(strips)
    clip = staticmethod(clip)
    enrol_red = staticmethod(enrol_red)
    chunks = staticmethod(chunks)
    Client = Client
    RED, GREEN, BLUE = RED, GREEN, BLUE
    KEY = KEY
    MODEL_ID = MODEL_ID
