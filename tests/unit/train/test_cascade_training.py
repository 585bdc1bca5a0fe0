"""Training of cascades on painted photos: mining, resuming, ending."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.detect import load_detector
from faceprint.detect.viola_jones.cascade import Cascade, read_cascade
from faceprint.detect.viola_jones.framing import box_of, window_of
from faceprint.detect.viola_jones.lookups import look_up
from faceprint.detect.viola_jones.scan import Scanner
from faceprint.errors import InputError, TrainingError
from faceprint.media import write_image
from faceprint.runtime import RuntimeOptions
from faceprint.train.cascade.checkpoints import CascadeState, read_state
from faceprint.train.cascade.mining import Mine
from faceprint.train.cascade.run import CascadeRequest, train_cascade
from faceprint.train.cascade.samples import chosen_faces, face_pool, stages_passed
from faceprint.train.cascade.training import CascadeTrainer, Ending, trained_stages
from faceprint.train.cascade.tuning import score_within, tune
from faceprint.train.data.records import Part
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.cascade import CascadeRecipe
from faceprint.train.scenes import Scene, Scenes
from faceprint.types import FloatArray, Image
from faceprint.zoo import WeightStore
from faceprint.zoo.cards import Licence

SHAPE = np.array([[-12, -12], [12, -12], [0, 1], [-10, 12], [10, 12]], dtype=np.float32)
BACKGROUNDS = {
    "count": 120,
    "held_out": 60,
    "fewest": 5,
    "per_photo": 16,
    "rounds": 2,
}
GREEDY = {"count": 10**4, "fewest": 10**4}
"""More than the photos have."""
SMALL = {
    "name": "small",
    "task": "cascade",
    "stages": 3,
    "detection": 0.98,
    "false_positives": 0.4,
    "stumps": 8,
    "features": 300,
    "faces": {"count": 60, "copies": 2, "smallest_px": 24},
    "backgrounds": BACKGROUNDS,
    "tuning": {"photos": 4},
}


def paint(path: Path, place: tuple[float, float] | None, seed: int) -> FloatArray:
    """A noisy photo, with a face of dark eyes and mouth where one is wanted; its landmarks."""
    random = np.random.default_rng(seed)
    noise = cv2.resize(random.integers(60, 190, (24, 24), dtype=np.uint8), (120, 120))
    photo: Image = np.ascontiguousarray(np.repeat(noise[..., None], 3, axis=2), dtype=np.uint8)
    points = np.zeros((0, 5, 2), dtype=np.float32)
    if place is not None:
        points = (SHAPE + np.array(place, dtype=np.float32))[None]
        x, y = (round(one) for one in place)
        cv2.ellipse(photo, (x, y), (26, 32), 0, 0, 360, (205, 205, 205), -1)
        for eye in points[0, :2]:
            cv2.circle(photo, (round(float(eye[0])), round(float(eye[1]))), 5, (30, 30, 30), -1)
        cv2.rectangle(photo, (x - 11, y + 10), (x + 11, y + 14), (50, 50, 50), -1)
    write_image(path, photo)
    return points


def scene(folder: Path, number: int, part: Part, *, face: bool) -> Scene:
    random = np.random.default_rng(number)
    place = (40 + 40 * random.random(), 45 + 30 * random.random()) if face else None
    path = folder / f"{number}.png"
    points = paint(path, place, number)
    windows = np.zeros((0, 4), dtype=np.float32)
    one = Scene(
        name=path.name,
        path=path,
        boxes=windows,
        landmarks=points,
        scores=np.full(len(points), 0.95, dtype=np.float32),
        part=part,
        doubtful=np.array([[0, 0, 20, 20]], dtype=np.float32),
        width=120,
        height=120,
        photo=f"{number:064d}",
        background=not face,
    )
    return replace(one, boxes=box_of(window_of(points)))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    folder = tmp_path_factory.mktemp("photos")
    parts: tuple[Part, ...] = ("train", "train", "train", "validation")
    some = [scene(folder, k, parts[k % 4], face=k % 8 < 6) for k in range(32)]
    return Scenes(tuple(some), "painted", "0" * 64, Licence("made up", "allowed"), "paintings")


def recipe(**changes: object) -> CascadeRecipe:
    return CascadeRecipe.model_validate({**SMALL, **changes})


def trained(
    folder: Path, scenes: Scenes, wanted: CascadeRecipe
) -> tuple[CascadeState, Ending, RunFolder]:
    run = RunFolder(folder)
    trainer = CascadeTrainer(wanted, scenes, threads=2)
    state, ending = trained_stages(trainer, wanted, run, trained_on="paintings")
    return state, ending, run


def timeless(cascade: Cascade) -> Cascade:
    stages = tuple(replace(stage, seconds=0, cpu_seconds=0) for stage in cascade.stages)
    return replace(cascade, stages=stages)


def test_a_run_that_was_broken_off_makes_the_same_cascade(tmp_path: Path, scenes: Scenes) -> None:
    whole, ending, _ = trained(tmp_path / "whole", scenes, recipe())
    assert (ending, len(whole.cascade.stages)) == ("all stages", 3)

    class Stopped(CascadeTrainer):
        def next_stage(self, state: CascadeState) -> CascadeState | Ending:
            if len(state.cascade.stages) == 1:
                raise KeyboardInterrupt
            return super().next_stage(state)

    run = RunFolder(tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        trained_stages(Stopped(recipe(), scenes), recipe(), run, trained_on="paintings")
    kept = read_state(run)
    assert kept is not None
    assert len(kept.cascade.stages) == 1
    again, _, _ = trained(tmp_path / "broken", scenes, recipe())
    assert timeless(again.cascade) == timeless(whole.cascade)
    assert np.array_equal(again.train.windows, whole.train.windows)
    assert np.array_equal(again.held_out.beside, whole.held_out.beside)


def test_each_stage_lets_enough_faces_pass(tmp_path: Path, scenes: Scenes) -> None:
    state, _, _ = trained(tmp_path / "run", scenes, recipe())
    for stage in state.cascade.stages:
        assert stage.detection_rate >= 0.98
        assert stage.positives == 60
        assert stage.windows_seen > 0
    assert state.cascade.features is not None
    assert sum(state.cascade.features.values()) == 162_336
    assert state.cascade.trained_on == "paintings"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stages": 60, "stumps": 30, "false_positives": 0.01}, "no backgrounds left"),
        ({"backgrounds": {**BACKGROUNDS, **GREEDY}}, "no backgrounds left"),
    ],
)
def test_it_ends_with_the_stages_that_are_done(
    tmp_path: Path, scenes: Scenes, changes: dict[str, object], why: str
) -> None:
    state, ending, _ = trained(tmp_path / "run", scenes, recipe(**changes))
    assert ending == why
    assert len(state.cascade.stages) < 20
    again, ending, _ = trained(tmp_path / "run", scenes, recipe(**changes))
    assert (again.cascade, ending) == (state.cascade, why)


def test_backgrounds_are_no_faces_and_pass_the_cascade(tmp_path: Path, scenes: Scenes) -> None:
    config = recipe().backgrounds
    mine = Mine(scenes, config, seed=1)
    blank = mine.mine(look_up(Cascade(())), 50, beside=5, start=0)
    assert blank.windows.shape == (50, 24, 24)
    assert blank.beside.sum() <= 5
    assert blank.seen > 50
    state, _, _ = trained(tmp_path / "run", scenes, recipe(stages=1))
    lookups = look_up(state.cascade)
    hard = mine.mine(lookups, 30, beside=30, start=blank.next_view)
    assert len(hard.windows)
    assert (stages_passed(lookups, hard.windows) == 1).all()
    assert hard.next_view > blank.next_view


def test_mining_goes_on_where_it_stopped_and_ends_after_all_rounds(scenes: Scenes) -> None:
    config = recipe().backgrounds
    nothing = look_up(Cascade(()))
    # Eight photos without faces are shown in eight ways, the others once a round.
    views = 2 * (24 + 8 * 8)
    whole = Mine(scenes, config, seed=1).mine(nothing, 10**6, beside=0, start=0)
    assert whole.next_view == views
    assert len(whole.windows) <= views * config.per_photo
    first = Mine(scenes, config, seed=1).mine(nothing, 40, beside=0, start=0)
    assert np.array_equal(first.windows, whole.windows[:40])
    assert not whole.beside.any()


def test_no_background_shows_a_face(scenes: Scenes) -> None:
    """All windows of one view, placed by what they show."""
    config = recipe().backgrounds.model_copy(update={"per_photo": 10**6, "beside": 1.0})
    with_faces = Scenes(
        tuple(one for one in scenes.scenes if not one.background)[:1], "", "", scenes.terms, ""
    )
    mined = Mine(with_faces, config, seed=0).mine(
        look_up(Cascade(())), 10**6, beside=10**6, start=0
    )
    centre = mined.windows[:, 6:18, 6:18].reshape(len(mined.windows), -1)
    face = face_pool(with_faces, recipe().faces, seed=0)[0, 6:18, 6:18].ravel()
    alike = [np.corrcoef(one, face)[0, 1] for one in centre if one.std() > 0]
    assert max(alike) < 0.9


def test_windows_that_pass_agree_with_the_scanner(tmp_path: Path, scenes: Scenes) -> None:
    """What Numba judges in training, NumPy finds in a photo."""
    state, _, _ = trained(tmp_path / "run", scenes, recipe())
    cascade, grey = state.cascade.first(1), scenes.grey(0)
    found = Scanner(cascade, scale=10).scan(grey).windows[:, :2].astype(int)
    views = np.lib.stride_tricks.sliding_window_view(grey, (24, 24))
    passed = stages_passed(look_up(cascade), views.reshape(-1, 24, 24)).reshape(97, 97)
    wanted = {(x, y) for y, x in np.argwhere(passed == 1).tolist()}
    assert {tuple(place) for place in found.tolist()} == wanted
    assert wanted


def test_faces_that_are_turned_or_doubted_are_left_out(scenes: Scenes) -> None:
    first = scenes.scenes[0]
    turned = first.landmarks.copy()
    turned[:, 2, 0] += 15
    unsure = np.full(1, 0.5, dtype=np.float32)
    unknown = np.full((1, 5, 2), np.nan, dtype=np.float32)
    some = (
        first,
        replace(first, landmarks=turned),
        replace(first, scores=unsure),
        replace(first, landmarks=unknown),
    )
    kept = chosen_faces(replace(scenes, scenes=some), recipe().faces)
    assert [len(one.boxes) for one in kept.scenes] == [1, 0, 0, 1]


def test_the_pool_of_faces(scenes: Scenes) -> None:
    pool = face_pool(scenes, recipe().faces, seed=0)
    assert pool.shape == (24 * 3 * 2, 24, 24)
    assert np.array_equal(pool, face_pool(scenes, recipe().faces, seed=0))
    assert not np.array_equal(pool, face_pool(scenes, recipe().faces, seed=1))


def test_without_faces_there_is_nothing_to_train_on(scenes: Scenes) -> None:
    with pytest.raises(InputError, match="0 windows of faces to train on"):
        CascadeTrainer(recipe(), scenes.backgrounds())


def test_damaged_windows_are_said_to_be(tmp_path: Path, scenes: Scenes) -> None:
    _, _, run = trained(tmp_path / "run", scenes, recipe(stages=1))
    (windows,) = (run.path / "checkpoints").glob("*.npz")
    windows.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(TrainingError, match="cannot be read"):
        read_state(run)


def test_scores_that_keep_false_finds_rare() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.3], dtype=np.float32)
    for allowed in range(4):
        least = score_within(scores, allowed)
        assert (scores >= least).sum() == allowed
    assert score_within(scores, 4) == 0
    assert score_within(np.zeros(0, np.float32), 0) == 0


def test_tuning_finds_painted_faces(tmp_path: Path, scenes: Scenes) -> None:
    state, _, _ = trained(tmp_path / "run", scenes, recipe(stages=4))
    wanted = recipe().tuning.model_copy(update={"false_positives": 0.5, "photos": 100})
    tuned = tune(state.cascade, scenes.part("validation"), wanted)
    assert tuned.photos == 8
    assert tuned.false_positives <= 0.5
    assert tuned.found >= 0.5
    assert 0 < tuned.min_score < 1


def test_a_run_from_recipe_to_detector(tmp_path: Path, scenes: Scenes) -> None:
    tested = (
        replace(one, part="test") if k % 16 == 3 else one for k, one in enumerate(scenes.scenes)
    )
    some = replace(scenes, scenes=tuple(tested))
    request = CascadeRequest(some, tmp_path / "My run", command="faceprint train small")
    told: list[str] = []
    finished = train_cascade(
        recipe(), request, progress=lambda text, done, total: told.append(text)
    )
    assert told[0] == "stage 1"
    assert (finished.ending, len(finished.cascade.stages)) == ("all stages", 3)
    folder = finished.folder
    assert read_cascade(folder.model / "cascade.json") == finished.cascade
    history = json.loads((folder.path / "history.json").read_text("utf-8"))
    assert [row["stumps"] for row in history["stages"]] == [
        len(stage.stumps) for stage in finished.cascade.stages
    ]
    assert history["tuning"]["min_score"] == finished.cascade.min_score
    assert (folder.report / "report.html").is_file()
    store = WeightStore(tmp_path / "weights", tmp_path / "cache")
    card = store.card(str(folder.model), kind="detector")
    assert (card.name, card.data_licence.name) == ("my-run", "made up")
    detector = load_detector(str(folder.model), store, RuntimeOptions(cache=tmp_path / "cache"))
    assert sum(len(faces) for faces in detector.detect([scenes.read(k) for k in range(6)])) > 0
    with pytest.raises(InputError, match="--resume"):
        train_cascade(recipe(), request)
    told.clear()
    again = train_cascade(
        recipe(),
        replace(request, resume=True),
        progress=lambda text, done, total: told.append(text),
    )
    assert (again.cascade, again.tuned) == (finished.cascade, finished.tuned)
    assert told == []
    # Of another cascade, or broken off: it is chosen again.
    for text in ("{", json.dumps({**history, "stages": []}), json.dumps({**history, "tuning": 3})):
        (folder.path / "history.json").write_text(text)
        again = train_cascade(recipe(), replace(request, resume=True))
        assert again.tuned == finished.tuned


def test_a_run_without_backgrounds_says_so(tmp_path: Path, scenes: Scenes) -> None:
    greedy = recipe(backgrounds={**BACKGROUNDS, **GREEDY})
    with pytest.raises(TrainingError, match="no backgrounds left"):
        train_cascade(greedy, CascadeRequest(scenes, tmp_path / "run"))
