"""The façade: everything that faceprint does to photos, in one object."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from faceprint.errors import EmbeddingError, FaceprintError
from faceprint.gallery.records import Call, Consent, EraseReceipt
from faceprint.gallery.store import GalleryStore
from faceprint.media import photo_name, read_image
from faceprint.pipeline.analysing import analyse_faces, attributes_here
from faceprint.pipeline.appearance import Analysis, Looks
from faceprint.pipeline.choose import choose_faces
from faceprint.pipeline.decide import decide_search, decide_verification
from faceprint.pipeline.enrolling import EnrolRequest, KeepPicture, enrol
from faceprint.pipeline.models import Models
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
from faceprint.pipeline.stream import chunks, in_order
from faceprint.quality import measure_quality
from faceprint.settings import Settings, read_settings
from faceprint.types import Embeddings, NamedImage, Photo

if TYPE_CHECKING:
    from faceprint.attributes import AttributeModel
    from faceprint.pipeline.segmenting import Segmentation
    from faceprint.pipeline.video.identify import OnProgress, Stop
    from faceprint.pipeline.video.results import VideoIdentification, VideoPlan

__all__ = ["Faceprint"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a search was asked for; the fields are those of `Faceprint.identify`."""

    call: Call
    fpir: float
    fmr: float | None
    top_k: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an analysis is to tell; the fields are those of `Faceprint.analyze`.

    Attributes:
        notes: What of it cannot be told here.
        asked: How faces are searched for in the gallery; None if they are not.
    """

    looks: Looks
    attributes: tuple[AttributeModel, ...]
    notes: Mapping[str, str]
    asked: _Asked | None
    largest: bool
    thorough: bool


class Faceprint:
    """Detects, compares, enrols and names faces.

    Models load and the gallery opens at first use. Safe to use from several threads.

    Args:
        settings: From the environment unless given.
        create_gallery: Whether a missing gallery is made; else using it raises GalleryUnavailableError.
        overrides: Fields of `Settings` by name, as in `embedder="sface"`.

    Raises:
        InputError: A setting means nothing.

    Example:
        ```python
        from faceprint import Call, Consent, Faceprint

        with Faceprint(gallery="office.db") as faces:
            me = Call(actor="reception", purpose="door")
            consent = Consent.given("signed form", "door", by="reception")
            faces.enrol("Ada", ["ada.jpg"], call=me, consent=consent)
            for face in faces.identify("visitor.jpg", call=me).faces:
                print(face.name or "Unknown", face.score)
        ```
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        create_gallery: bool = True,
        **overrides: Any,
    ) -> None:
        given = {} if settings is None else settings.model_dump()
        self._settings = read_settings(**(given | overrides))
        self._create = create_gallery
        self._models = Models(self._settings)
        self._lock = threading.Lock()

    @property
    def settings(self) -> Settings:
        """What this object was made with."""
        return self._settings

    @property
    def model_id(self) -> str:
        """Of the embeddings that this object makes and compares."""
        return self._models.model_id

    @property
    def models(self) -> Models:
        """Detector, embedder and calibration."""
        return self._models

    @property
    def gallery(self) -> GalleryStore:
        """The database of people; opened, and made if need be, at first use."""
        with self._lock:
            return self._gallery

    @cached_property
    def _gallery(self) -> GalleryStore:
        from faceprint.gallery import open_gallery

        settings = self._settings
        return open_gallery(settings.gallery, create=self._create, search=settings.search)

    def detect(self, photo: Photo, *, thorough: bool = False) -> Detection:
        """The faces of one photo, best first.

        Args:
            photo: Path, encoded bytes, binary file object or array.
            thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.

        Raises:
            ImageError: The photo cannot be read.
        """
        return self._one(photo, lambda images: self._detect(images, thorough))

    def detect_many(
        self, photos: Iterable[Photo], *, thorough: bool = False
    ) -> Iterator[Detection | Failure]:
        """Like `detect` for a stream: results in order, a failed photo as a `Failure`."""
        return self._many(photos, lambda images: self._detect(images, thorough))

    def embed(self, photo: Photo, *, thorough: bool = False) -> EmbeddedPhoto:
        """The faces of one photo with their embeddings; arguments and errors as in `detect`."""
        return self._one(photo, lambda images: self._embed(images, thorough))

    def embed_many(
        self, photos: Iterable[Photo], *, thorough: bool = False
    ) -> Iterator[EmbeddedPhoto | Failure]:
        """Like `embed` for a stream: results in order, a failed photo as a `Failure`."""
        return self._many(photos, lambda images: self._embed(images, thorough))

    def verify(
        self, a: Photo, b: Photo, *, largest: bool = False, fmr: float = 1e-3
    ) -> Verification:
        """Whether two photos show one person.

        Args:
            a: A photo of one face.
            b: Another.
            largest: Where there are several faces, take the largest.
            fmr: False match rate to decide at.

        Raises:
            ImageError: A photo cannot be read.
            FaceCountError: A photo shows no face or several; the message says which.
        """
        pair = [self.embed(photo) for photo in (a, b)]
        chosen = choose_faces([e.detection for e in pair], largest=largest)
        first, second = (
            e.embeddings.part(slice(k, k + 1)) for e, k in zip(pair, chosen, strict=True)
        )
        verdict = self.verify_embeddings(first, second, fmr=fmr)
        return replace(verdict, images=(pair[0].detection.image, pair[1].detection.image))

    def verify_embeddings(self, a: Embeddings, b: Embeddings, *, fmr: float = 1e-3) -> Verification:
        """Like `verify` for two ready embeddings of this object's model, (1, D) each.

        Raises:
            EmbeddingError: One is of another model or length, or not a finite unit vector.
        """
        first, second = self._checked(a, rows=1), self._checked(b, rows=1)
        score = float(np.dot(first.vectors[0], second.vectors[0]))
        return decide_verification(self._models.calibration, score, fmr=fmr, model_id=self.model_id)

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
        """Who the faces of one photo are.

        Args:
            photo: Path, encoded bytes, binary file object or array.
            call: Who asks, and what for.
            fpir: Share of searches for a stranger that may name somebody, over the gallery as it is.
            fmr: Decide each comparison at this false match rate instead, whatever the gallery's size.
            top_k: How many candidates to give.
            thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.

        Raises:
            ImageError: The photo cannot be read.
            GalleryError: The gallery cannot be searched.
        """
        asked = _Asked(call, fpir, fmr, top_k)
        return self._one(photo, lambda images: self._identify(images, thorough, asked))

    def identify_many(
        self,
        photos: Iterable[Photo],
        *,
        call: Call,
        fpir: float = 0.01,
        fmr: float | None = None,
        top_k: int = 5,
        thorough: bool = False,
    ) -> Iterator[Identification | Failure]:
        """Like `identify` for a stream: results in order, a failed photo as a `Failure`."""
        asked = _Asked(call, fpir, fmr, top_k)
        return self._many(photos, lambda images: self._identify(images, thorough, asked))

    def analyze(
        self,
        photo: Photo,
        *,
        looks: Looks | None = None,
        models: Sequence[str] = (),
        call: Call | None = None,
        largest: bool = False,
        thorough: bool = False,
    ) -> Analysis:
        """What is told of the faces of one photo besides who they are: where they look, how well they can be
        compared, whether they live, and how they look: age, gender, emotion.

        These are estimates, not facts about a person. Unless a call is given, nobody is identified, and the
        gallery is neither read nor written.

        Args:
            photo: Path, encoded bytes, binary file object or array.
            looks: What is wanted; all but the parts of the head unless given.
            models: Card names of attribute models; of several that estimate the same the first counts.
                Those of the settings unless given. Where none is here and none is named, the notes say so.
            call: Name the faces too, by the gallery, as `identify` does: who asks, and what for.
            largest: Look at the largest face alone.
            thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.

        Raises:
            ImageError: The photo cannot be read.
            ModelError: A model that is named cannot be had or run.
            GalleryError: The gallery cannot be searched.
        """
        wanted = self._wanted(looks, models, call, largest, thorough)
        return self._one(photo, lambda images: self._analyse(images, wanted))

    def analyze_many(
        self,
        photos: Iterable[Photo],
        *,
        looks: Looks | None = None,
        models: Sequence[str] = (),
        call: Call | None = None,
        largest: bool = False,
        thorough: bool = False,
    ) -> Iterator[Analysis | Failure]:
        """Like `analyze` for a stream: results in order, a failed photo as a `Failure`."""
        wanted = self._wanted(looks, models, call, largest, thorough)
        return self._many(photos, lambda images: self._analyse(images, wanted))

    def analyze_embedded(
        self, photo: EmbeddedPhoto, *, looks: Looks | None = None, models: Sequence[str] = ()
    ) -> Analysis:
        """Like `analyze` for the faces of `embed` or `identify`, which are not searched for again."""
        (analysis,) = self._analyse_embedded([photo], self._wanted(looks, models))
        return analysis

    def segment(
        self, photo: Photo, *, largest: bool = False, thorough: bool = False
    ) -> Segmentation:
        """What each pixel of the heads in one photo shows: skin, hair, eyes, as far as the parser knows them.

        Nobody is identified, and the gallery is neither read nor written.

        Args:
            photo: Path, encoded bytes, binary file object or array.
            largest: Parse the largest face alone.
            thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.

        Raises:
            ImageError: The photo cannot be read.
            ModelError: The parser cannot be had or run.
        """
        return self._one(photo, lambda images: self._segment(images, largest, thorough))

    def segment_many(
        self, photos: Iterable[Photo], *, largest: bool = False, thorough: bool = False
    ) -> Iterator[Segmentation | Failure]:
        """Like `segment` for a stream: results in order, a failed photo as a `Failure`."""
        return self._many(photos, lambda images: self._segment(images, largest, thorough))

    def identify_video(
        self,
        video: str | Path,
        *,
        call: Call,
        plan: VideoPlan | None = None,
        on_progress: OnProgress | None = None,
        stop: Stop | None = None,
    ) -> VideoIdentification:
        """Who is in a video, and when: each face is followed, and named once for all its frames.

        Args:
            video: Path of a video.
            call: Who asks, and what for.
            plan: How it is looked through.
            on_progress: Told how far the work is.
            stop: Asked between frames; once true, the result is what was found so far, marked as
                partial.

        Raises:
            VideoError: It cannot be read, or shows no picture.
            GalleryError: The gallery cannot be searched.
        """
        # Decoders of video take time to import, and photos need none.
        from faceprint.pipeline.video.identify import identify_video
        from faceprint.pipeline.video.results import VideoPlan

        return identify_video(
            self, video, call=call, plan=plan or VideoPlan(), on_progress=on_progress, stop=stop
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
        """Who ready embeddings of this object's model belong to, one answer per row.

        Raises:
            EmbeddingError: They are of another model or length, or not finite unit vectors.
        """
        return decide_search(
            self.gallery,
            self._models.calibration,
            self._checked(embeddings),
            call=call,
            fpir=fpir,
            fmr=fmr,
            top_k=top_k,
        )

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
        keep: KeepPicture = "crop",
        notes: str = "",
    ) -> Enrolment:
        """Adds photos of one person to the gallery, all usable ones or none.

        Args:
            name: A name that exists once adds to that person.
            photos: At least one; each must show one face, unless `largest` or `face` says which.
            call: Who asks, and what for.
            consent: The person's consent; needed unless the person has one that is valid now.
            person_id: Add to that person, whatever the name.
            new: Make another person of the same name.
            largest: Where there are several faces, take the largest.
            face: Take the face of that number, from 0 in the order of `detect`; or one number for each
                photo.
            thorough: Look as `detect` does when thorough; the numbers of the faces differ with it.
            keep: What picture to keep: the aligned crop, the whole photo, or nothing.
            notes: For a new person.

        Returns:
            What was done, which photos could not be used, and warnings.

        Raises:
            FaceprintError: No photo could be used: the reason of the first.
            ConsentError: There is no valid consent.
            PersonNotFoundError: The name exists several times, or the id does not.
        """
        request = EnrolRequest(
            name=name,
            consent=consent,
            person_id=person_id,
            new=new,
            largest=largest,
            face=face,
            thorough=thorough,
            keep=keep,
            notes=notes,
        )
        return enrol(self, request, photos, call=call)

    def erase(self, person_id: str, *, call: Call) -> EraseReceipt:
        """Removes a person with all that belongs to them, also results of background jobs.

        Args:
            person_id: Whom.
            call: Who asks, and what for.

        Raises:
            PersonNotFoundError: There is no such person.
            OutputError: A result that names the person cannot be deleted.
        """
        from faceprint.pipeline.erasing import erase

        return erase(self, person_id, call=call)

    def close(self) -> None:
        """Closes the gallery if it was opened."""
        with self._lock:
            if "_gallery" in self.__dict__:
                self._gallery.close()
                del self.__dict__["_gallery"]

    def __enter__(self) -> Faceprint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _detect(
        self, images: list[NamedImage], thorough: bool, *, largest: bool = False
    ) -> list[Detection]:
        found = self._models.detect([image.pixels for image in images], thorough=thorough)
        if largest:
            found = [tuple(sorted(faces, key=lambda f: -f.area)[:1]) for faces in found]
        return [
            Detection(
                image=image.name,
                width=image.pixels.shape[1],
                height=image.pixels.shape[0],
                faces=faces,
                pixels=image.pixels,
                digest=image.digest,
            )
            for image, faces in zip(images, found, strict=True)
        ]

    def _embed(
        self, images: list[NamedImage], thorough: bool, *, largest: bool = False
    ) -> list[EmbeddedPhoto]:
        models = self._models
        found = self._detect(images, thorough, largest=largest)
        located = models.all_with_landmarks(
            [image.pixels for image in images], [d.faces for d in found]
        )
        detections = [replace(d, faces=faces) for d, faces in zip(found, located, strict=True)]
        crops = [models.crops(d.pixels, d.faces) for d in detections]
        embeddings = models.embedder.embed(np.concatenate(crops))
        ends = np.cumsum([len(some) for some in crops])
        return [
            EmbeddedPhoto(d, embeddings.part(slice(end - len(some), end)), some)
            for d, end, some in zip(detections, ends, crops, strict=True)
        ]

    def _wanted(
        self,
        looks: Looks | None,
        models: Sequence[str],
        call: Call | None = None,
        largest: bool = False,
        thorough: bool = False,
    ) -> _Wanted:
        looks = looks or Looks()
        attributes, notes = (
            attributes_here(self._models, models, automatic=self._settings.attributes == "auto")
            if looks.appearance
            else ((), {})
        )
        asked = None if call is None else _Asked(call, fpir=0.01, fmr=None, top_k=5)
        return _Wanted(looks, attributes, notes, asked, largest, thorough)

    def _analyse(self, images: list[NamedImage], wanted: _Wanted) -> list[Analysis]:
        if wanted.asked is None:
            found = self._detect(images, wanted.thorough, largest=wanted.largest)
            analysed = analyse_faces(
                self._models,
                wanted.attributes,
                found,
                detector=self._settings.detector,
                looks=wanted.looks,
            )
            return [replace(one, notes={**one.notes, **wanted.notes}) for one in analysed]
        named = self._identify(images, wanted.thorough, wanted.asked, largest=wanted.largest)
        analysed = self._analyse_embedded([one.embedded for one in named], wanted)
        return [
            replace(
                one,
                faces=tuple(
                    replace(face, who=item.who)
                    for face, item in zip(one.faces, names.faces, strict=True)
                ),
            )
            for one, names in zip(analysed, named, strict=True)
        ]

    def _analyse_embedded(self, photos: Sequence[EmbeddedPhoto], wanted: _Wanted) -> list[Analysis]:
        embedder = self._models.embedder
        analysed = analyse_faces(
            self._models,
            wanted.attributes,
            [photo.detection for photo in photos],
            detector=self._settings.detector,
            located=self._models.located,
            looks=wanted.looks,
            crops={
                (embedder.alignment, embedder.crop_size_px): np.concatenate(
                    [photo.crops for photo in photos]
                )
            },
        )
        return [replace(one, notes={**one.notes, **wanted.notes}) for one in analysed]

    def _segment(
        self, images: list[NamedImage], largest: bool, thorough: bool
    ) -> list[Segmentation]:
        from faceprint.pipeline.segmenting import segment_faces

        return segment_faces(self._models, self._detect(images, thorough, largest=largest))

    def _identify(
        self,
        images: list[NamedImage],
        thorough: bool,
        asked: _Asked,
        *,
        largest: bool = False,
    ) -> list[Identification]:
        results = []
        for embedded in self._embed(images, thorough, largest=largest):
            faces = measure_quality(
                embedded.detection.faces,
                embedded.crops,
                embedded.embeddings,
                detector=self._settings.detector,
            )
            embedded = replace(embedded, detection=replace(embedded.detection, faces=faces))
            named = decide_search(
                self.gallery,
                self._models.calibration,
                embedded.embeddings,
                call=asked.call,
                fpir=asked.fpir,
                fmr=asked.fmr,
                top_k=asked.top_k,
            )
            pairs = zip(faces, named, strict=True)
            threshold = named[0].threshold if named else None
            results.append(
                Identification(
                    embedded,
                    tuple(IdentifiedFace(f, n) for f, n in pairs),
                    threshold,
                    asked.fpir,
                    asked.fmr,
                )
            )
        return results

    def _checked(self, embeddings: Embeddings, *, rows: int | None = None) -> Embeddings:
        vectors = np.asarray(embeddings.vectors, dtype=np.float32)
        size = self._models.dimension
        if embeddings.model_id != self.model_id:
            raise EmbeddingError(
                f"The embedding is of model {embeddings.model_id!r}, and this gallery compares "
                f"{self.model_id!r}. Embed the photo again with that model."
            )
        if vectors.ndim != 2 or vectors.shape[1] != size or rows not in (None, len(vectors)):
            raise EmbeddingError(
                f"Expected {rows or 'N'} x {size} numbers, got an array of shape {vectors.shape}."
            )
        norms = np.linalg.norm(vectors, axis=1)
        if not np.all(np.abs(norms - 1) < 0.01):
            raise EmbeddingError(
                "An embedding has finite numbers and an L2 norm of 1; this has not."
            )
        return replace(embeddings, vectors=vectors / norms[:, None])

    def _one(self, photo: Photo, work: Callable[[list[NamedImage]], list[Result]]) -> Result:
        image = read_image(photo, max_pixels=self._settings.max_pixels)
        return work([image])[0]

    def _many(
        self, photos: Iterable[Photo], work: Callable[[list[NamedImage]], list[Result]]
    ) -> Iterator[Result | Failure]:
        def run(group: list[Photo]) -> list[Result | Failure]:
            read = [self._read(photo) for photo in group]
            images = [item for item in read if isinstance(item, NamedImage)]
            results = iter(work(images) if images else ())
            return [item if isinstance(item, Failure) else next(results) for item in read]

        return in_order(run, chunks(photos), workers=self._models.workers)

    def _read(self, photo: Photo) -> NamedImage | Failure:
        try:
            return read_image(photo, max_pixels=self._settings.max_pixels)
        except FaceprintError as error:
            return Failure.of(photo_name(photo), error)
