"""Photos in which nobody, or only some, can be recognised.

Where in doubt, a face is hidden: the detector is set to miss as little as it can, and a face whose
name is unsure or undecided counts as a stranger where strangers are hidden, and as enrolled where the
enrolled are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceprint.errors import CalibrationError, FaceprintError, InputError
from faceprint.media import photo_name, read_image
from faceprint.media.hide import FaceMask, HideStyle, hide_faces
from faceprint.pipeline.results import Failure, NamedEmbedding
from faceprint.pipeline.stream import chunks, in_order
from faceprint.types import Decision, Face, FloatArray, Image, Photo

if TYPE_CHECKING:
    from faceprint.gallery.records import Call
    from faceprint.pipeline.facade import Faceprint

__all__ = ["Anonymiser", "HiddenPhoto", "HidePlan", "HideShape", "Rule", "Whom", "boxes_of"]

HideShape = Literal["ellipse", "face"]
"""What of a head is hidden: all of it, in an ellipse, or the face alone as a parser sees it."""


class Whom(StrEnum):
    """Whose faces are hidden."""

    EVERYONE = "everyone"
    EXCEPT_ENROLLED = "except-enrolled"
    ONLY_ENROLLED = "only-enrolled"


@dataclass(frozen=True, slots=True)
class HidePlan:
    """How faces are hidden, and whose.

    Attributes:
        how: Blurred, in coarse squares, or covered.
        whom: Whose faces.
        people: Names or ids; only these people count as enrolled. Empty for all.
        fpir: Share of searches for a stranger that may name somebody.
        thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.
        sound: Keep the sound of a video.
        shape: What of a head is hidden. A face whose shape is in doubt is hidden in an ellipse all the same;
            videos know the ellipse alone.
    """

    how: HideStyle = "blur"
    whom: Whom = Whom.EVERYONE
    people: tuple[str, ...] = ()
    fpir: float = 0.01
    thorough: bool = False
    sound: bool = True
    shape: HideShape = "ellipse"

    def __post_init__(self) -> None:
        if self.people and self.whom is Whom.EVERYONE:
            raise InputError(
                "People are named where everyone is hidden. Say whether all but these, or only "
                "these are to be hidden."
            )


@dataclass(frozen=True, slots=True, eq=False)
class HiddenPhoto:
    """A photo with faces hidden.

    Attributes:
        image: What the photo is called.
        pixels: (H, W, 3) uint8 RGB.
        faces: How many faces were found, or what looked a little like one.
        hidden: How many of them were hidden.
        shown: Names of the people whose faces were left, as far as they are enrolled.
        shaped: How many were hidden in the shape of the face rather than in an ellipse.
    """

    image: str
    pixels: Image
    faces: int
    hidden: int
    shown: tuple[str, ...]
    shaped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        height, width = self.pixels.shape[:2]
        return {
            "image": self.image,
            "width": width,
            "height": height,
            "faces": self.faces,
            "hidden": self.hidden,
            "shaped": self.shaped,
            "shown": list(self.shown),
        }


class Rule:
    """Whether a face is hidden, from who it seems to be.

    Args:
        whom: Whose faces are hidden.
        people: Ids of those who count as enrolled; None for everybody who is.
    """

    def __init__(self, whom: Whom, people: frozenset[str] | None) -> None:
        self.whom = whom
        self._people = people

    def counts(self, person_id: str) -> bool:
        """Whether a person is one of those that the plan names."""
        return self._people is None or person_id in self._people

    def hides(self, who: NamedEmbedding | None) -> bool:
        """Whether a face is hidden.

        Args:
            who: Who it seems to be; None where that is not known.
        """
        if self.whom is Whom.EVERYONE or who is None:
            return True
        if self.whom is Whom.EXCEPT_ENROLLED:
            return who.person_id is None or not self.counts(who.person_id)
        if who.threshold is None:
            return False
        likely = (
            c for c in who.candidates if who.threshold.decide(c.score) is not Decision.UNKNOWN
        )
        return any(self.counts(candidate.person_id) for candidate in likely)

    @property
    def by_look(self) -> bool:
        """Whether each look at a face in a video counts by itself.

        A mean of looks that are weak but for one names nobody: right for naming and for showing, but
        not where the enrolled are to be hidden.
        """
        return self.whom is Whom.ONLY_ENROLLED

    def hides_over_time(self, named: Sequence[Sequence[NamedEmbedding]]) -> list[bool]:
        """Whether the face of one track is hidden, for each stretch of it.

        A stretch is hidden if one of its answers says so, and where there is none. One that is
        unsure follows a sure one of the same person. Otherwise each stands for itself where
        strangers are hidden, for a track may pass from one person to another; where the enrolled are
        hidden, one sure look hides the whole track.

        Args:
            named: For each stretch who the face seems to be: `by_look` an answer for each look, else
                at most one for all.
        """
        hidden = [not answers or any(map(self.hides, answers)) for answers in named]
        sure = {w.person_id for answers in named for w in answers if w.person_id is not None}
        if self.whom is Whom.ONLY_ENROLLED:
            return [hide or any(map(self.counts, sure)) for hide in hidden]
        if self.whom is Whom.EXCEPT_ENROLLED:
            shown = {person for person in sure if self.counts(person)}
            return [
                hide and not (answers and all(_likeliest(who) in shown for who in answers))
                for answers, hide in zip(named, hidden, strict=True)
            ]
        return hidden


def _likeliest(who: NamedEmbedding) -> str | None:
    """The person whom an unsure answer points to."""
    return who.candidates[0].person_id if who.decision is Decision.UNSURE else None


class Anonymiser:
    """Hides faces in photos. Safe to use from several threads.

    Args:
        engine: Whose models and gallery are used.
        plan: How faces are hidden, and whose.
        call: Who asks, and what for; kept with every search.

    Raises:
        PersonNotFoundError: A person of the plan is not enrolled, or several have that name.
        InputError: Enrolled people are to be hidden or spared, and nobody is enrolled.
        CalibrationError: The same, and these models give scores but no decisions.
        ModelError: Faces are to be hidden in their shape, and the parser cannot be had or run.
    """

    def __init__(self, engine: Faceprint, plan: HidePlan, *, call: Call) -> None:
        self.engine = engine
        self.plan = plan
        self.call = call
        self.rule = Rule(plan.whom, self._named_people())
        if plan.shape == "face":
            # A parser that cannot be had is told at once, not in the middle of the work.
            _ = engine.models.parser

    def photo(self, photo: Photo) -> HiddenPhoto:
        """One photo with faces hidden.

        Raises:
            ImageError: The photo cannot be read.
            GalleryError: The gallery cannot be searched.
        """
        image = read_image(photo, max_pixels=self.engine.settings.max_pixels)
        faces = self.find(image.pixels)
        named = self._name(image.pixels, faces)
        hidden = [self.rule.hides(who) for who in named]
        goals = [face for face, hide in zip(faces, hidden, strict=True) if hide]
        masks = self._masks(image.pixels, goals)
        pixels = hide_faces(image.pixels, boxes_of(goals), how=self.plan.how, masks=masks)
        shown = {
            who.name
            for who, hide in zip(named, hidden, strict=True)
            if not hide and who is not None and who.name is not None
        }
        shaped = sum(mask is not None for mask in masks)
        return HiddenPhoto(
            image.name, pixels, len(faces), sum(hidden), tuple(sorted(shown)), shaped
        )

    def photos(self, photos: Iterable[Photo]) -> Iterator[HiddenPhoto | Failure]:
        """Like `photo` for a stream: results in order, a failed photo as a `Failure`."""

        def run(group: list[Photo]) -> list[HiddenPhoto | Failure]:
            return [self._or_failure(photo) for photo in group]

        return in_order(run, chunks(photos), workers=self.engine.models.workers)

    def find(self, pixels: Image) -> tuple[Face, ...]:
        """Everything in an image that may be a face."""
        return self.engine.models.detect([pixels], thorough=self.plan.thorough, watch=True)[0]

    def _masks(self, pixels: Image, faces: Sequence[Face]) -> list[FaceMask | None]:
        """The shapes of faces; None for those that are hidden in an ellipse."""
        if self.plan.shape == "ellipse":
            return [None] * len(faces)
        from faceprint.pipeline.hiding.shapes import face_masks

        return face_masks(self.engine.models, pixels, faces)

    def _or_failure(self, photo: Photo) -> HiddenPhoto | Failure:
        try:
            return self.photo(photo)
        except FaceprintError as error:
            return Failure.of(photo_name(photo), error)

    def _name(self, pixels: Image, faces: tuple[Face, ...]) -> Sequence[NamedEmbedding | None]:
        if self.plan.whom is Whom.EVERYONE or not faces:
            return [None] * len(faces)
        models = self.engine.models
        crops = models.crops(pixels, models.with_landmarks(pixels, faces))
        return self.engine.identify_embeddings(
            models.embedder.embed(crops), call=self.call, fpir=self.plan.fpir
        )

    def _named_people(self) -> frozenset[str] | None:
        if self.plan.whom is Whom.EVERYONE:
            return None
        engine = self.engine
        if engine.gallery.template_count(engine.model_id) == 0:
            raise InputError(
                "Nobody is enrolled for this model, so nobody can be told from strangers. Enrol "
                "people first (faceprint enrol NAME PHOTO --consent TEXT), or hide everyone."
            )
        if engine.models.calibration is None:
            raise CalibrationError(
                f"{engine.model_id} has no calibration with this detector, so nobody can be told "
                "from strangers. Calibrate it (faceprint calibrate FOLDER), or hide everyone."
            )
        if not self.plan.people:
            return None
        return frozenset(engine.gallery.person(who).person_id for who in self.plan.people)


def boxes_of(faces: Sequence[Face]) -> FloatArray:
    """The boxes of some faces: (N, 4) float32 pixels."""
    return np.array([face.box for face in faces], dtype=np.float32).reshape(-1, 4)
