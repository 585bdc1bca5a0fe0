# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Viola and Jones
#
# In 2001 two researchers let a computer find faces in film, 15 times a second, on a processor of 700 MHz. For
# a decade every camera and phone did it their way. It needs no neural network, it can be understood whole,
# and it has four ideas:
#
# 1. the **integral image**: the sum over any rectangle in four look-ups,
# 2. **Haar-like features**: rectangles that are compared in brightness,
# 3. **AdaBoost**: out of 162,336 features the few that matter, one after the other,
# 4. the **cascade**: most of a photo is no face, so that is to be noticed fast.
#
# Here you build each of them, train a small cascade in about a minute, and let the one that comes with
# faceprint look at a photo. The paper: Viola, Jones, *Robust Real-Time Face Detection*, IJCV 2004.
#
# You need, in a checkout: `pip install '.[train,notebooks,sample]'`.

# %%
import tempfile
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import material
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from skimage import data as samples

from faceprint import Face, Faceprint
from faceprint.detect import load_detector
from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.detector import ViolaJones, evidence_of, score_of
from faceprint.detect.viola_jones.framing import box_of
from faceprint.detect.viola_jones.grouping import group_windows
from faceprint.detect.viola_jones.haar import (
    FEATURE_KINDS,
    WINDOW_PX,
    Feature,
    enumerate_features,
    responses,
    table_of,
)
from faceprint.detect.viola_jones.integral import inverse_deviations, squared_sums, summed
from faceprint.detect.viola_jones.lookups import look_up
from faceprint.detect.viola_jones.scan import Scanner
from faceprint.media import write_image
from faceprint.pipeline.models import weight_store
from faceprint.runtime import RuntimeOptions
from faceprint.settings import read_settings
from faceprint.train.cascade.boost import Booster, best_threshold, window_sums
from faceprint.train.cascade.checkpoints import CascadeState
from faceprint.train.cascade.samples import stages_passed
from faceprint.train.cascade.training import CascadeTrainer
from faceprint.train.recipes.cascade import BackgroundConfig, CascadeRecipe, FaceConfig
from faceprint.train.results.cascade_pictures import draw_feature, mean_face
from faceprint.train.scenes.finding import find_scenes
from faceprint.train.scenes.records import Scene, Scenes, scenes_digest
from faceprint.train.scenes.windows import Jitter, background_windows, face_windows
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

photo = material.group_photo()
grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
with Faceprint(detector="yunet") as modern:
    theirs = modern.detect(photo).faces
print(photo.shape, "with", len(theirs), "faces, as YuNet sees it")

# %% [markdown]
# ## 1. The integral image
#
# A cascade asks again and again: how bright is this rectangle? Adding up its pixels takes the longer the
# larger it is. So a table is made once, in one pass over the photo: at each place the sum of *all* pixels
# above and to the left of it.
#
# $$ii(x, y) = \sum_{x' < x,\; y' < y} i(x', y')$$
#
# Then any rectangle is four look-ups, however large: **D − B − C + A**.

# %%
sums = summed(grey)
left, top, wide, tall = (
    round(float(value)) for value in (*theirs[0].box[:2].clip(0), theirs[0].width, theirs[0].height)
)
a, b = int(sums[top, left]), int(sums[top, left + wide])
c, d = int(sums[top + tall, left]), int(sums[top + tall, left + wide])
print(f"A {a:,}  B {b:,}  C {c:,}  D {d:,}")
print(f"D - B - C + A = {d - b - c + a:,}")
print(f"pixel by pixel: {int(grey[top : top + tall, left : left + wide].sum()):,}")

figure, (first, second) = plt.subplots(1, 2, figsize=(11, 4.5))
first.imshow(grey, cmap="gray")
second.imshow(sums, cmap="viridis")
for axes in (first, second):
    axes.add_patch(Rectangle((left, top), wide, tall, fill=False, color="red", lw=2))
    axes.axis("off")
for letter, x, y in (("A", 0, 0), ("B", wide, 0), ("C", 0, tall), ("D", wide, tall)):
    second.plot(left + x, top + y, "o", color="red")
    second.annotate(
        letter, (left + x, top + y), xytext=(5, 5), textcoords="offset points", color="white"
    )
first.set_title("the photo")
second.set_title("its integral image: it only ever grows to the right and down")
plt.show()

# %% [markdown]
# How much is that worth? One rectangle of each size, a few thousand times:

# %%
print("rectangle   pixel by pixel   integral image")


def shortest_us(work: Callable[[], object]) -> float:
    """Microseconds of one call, undisturbed."""
    return min(timeit.repeat(work, number=500, repeat=7)) / 500 * 1e6


def add_up(side: int) -> int:
    """The sum over a square, pixel by pixel."""
    return int(grey[40 : 40 + side, 40 : 40 + side].sum(dtype=np.int64))


def look_four_times(side: int) -> int:
    """The same by the integral image."""
    end, at = 40 + side, sums.item
    return at(end, end) - at(40, end) - at(end, 40) + at(40, 40)


for side in (8, 32, 128, 360):
    assert add_up(side) == look_four_times(side)
    slow, fast = (shortest_us(partial(how, side)) for how in (add_up, look_four_times))
    print(f"{side:>4} x {side:<4}   {slow:8.2f} us      {fast:8.2f} us")

# %% [markdown]
# (Python itself costs most of a microsecond here. What counts is how the columns grow.)
#
# A second integral image, of the *squares*, gives the spread of any window: $\sigma^2 = \overline{x^2} -
# \overline{x}^2$. Answers are divided by it, so that a face in the shade looks like one in the sun.
#
# ## 2. Haar-like features
#
# A feature is two to four rectangles of equal size, side by side: the light ones are summed, the dark ones
# subtracted. There are five kinds. Each is put at every place and in every size that fits a window of
# 24 × 24 pixels.

# %%
table = enumerate_features()
for kind, count in table.counts().items():
    print(f"{kind:<16} {count:>7,}")
print(
    f"{'all':<16} {len(table):>7,}: more than there are pixels in the window by {len(table) // 576}"
)

examples = (
    Feature("edge-vertical", 5, 6, 14, 12),
    Feature("edge-horizontal", 3, 6, 18, 8),
    Feature("line-vertical", 4, 6, 15, 10),
    Feature("line-horizontal", 4, 5, 16, 12),
    Feature("checker", 6, 6, 12, 12),
)
blank = np.full((WINDOW_PX, WINDOW_PX), 128, dtype=np.uint8)
figure, panels = plt.subplots(1, 5, figsize=(11, 2.6))
for axes, feature in zip(panels, examples, strict=True):
    axes.imshow(draw_feature(blank, feature))
    axes.set_title(feature.kind, fontsize=10)
    axes.axis("off")
plt.show()
assert {feature.kind for feature in examples} == set(FEATURE_KINDS)

# %% [markdown]
# ## Faces to learn from
#
# With the data folder: some photos of Labeled Faces in the Wild. Nobody drew boxes into them; YuNet, a small
# network, says where the faces are, and where there *may* be one (such a place is used for nothing). Without
# the folder: the 100 small faces that scikit-image carries, laid over photos of bricks, grass and a cat.
#
# Training never sees the faces as photos have them, but square windows from the forehead to the mouth, all
# put to 24 × 24 grey pixels.

# %%
folder = Path(tempfile.mkdtemp(prefix="faceprint-lesson-"))
GROUNDS = ("brick", "grass", "gravel", "chelsea", "coffee", "rocket", "coins")


def real_scenes(lfw: Path, count: int = 200) -> Scenes:
    """Photos of some people of LFW, with their faces as YuNet finds them."""
    everybody = (lfw / "peopleDevTrain.txt").read_text().splitlines()[1:]
    listed = folder / "people.txt"
    listed.write_text("\n".join(everybody[:: len(everybody) // count]))
    with Faceprint() as teacher:
        return find_scenes(teacher, [lfw], people=listed)


def sample_scene(number: int, small: FloatArray) -> Scene:
    """A face of 25 by 25 pixels, enlarged, somewhere on a ground."""
    random = np.random.default_rng(number)
    ground = np.asarray(getattr(samples, GROUNDS[number % len(GROUNDS)])(), dtype=np.uint8)
    pixels = np.dstack([ground] * 3) if ground.ndim == 2 else ground[..., :3]
    pixels = np.ascontiguousarray(cv2.resize(pixels, (300, 220)), dtype=np.uint8)
    side = int(random.integers(50, 90))
    x, y = int(random.integers(0, 300 - side)), int(random.integers(0, 220 - side))
    face = cv2.resize((small * 255).astype(np.uint8), (side, side))
    pixels[y : y + side, x : x + side] = face[..., None]
    path = folder / f"{number}.png"
    write_image(path, pixels)
    window = np.array([[x, y, x + side, y + side]], dtype=np.float32)
    parts = ("train", "train", "train", "validation", "test")
    return Scene(
        name=path.name,
        path=path,
        boxes=box_of(window),
        landmarks=np.full((1, 5, 2), np.nan, dtype=np.float32),
        scores=np.ones(1, dtype=np.float32),
        part=parts[number % 5],  # type: ignore[arg-type]
        doubtful=np.zeros((0, 4), dtype=np.float32),
        width=300,
        height=220,
        photo=str(number),
        background=False,
    )


def sample_scenes() -> Scenes:
    """The packaged faces on packaged grounds."""
    faces = np.load(Path(samples.__file__).parent / "lfw_subset.npy")[:100]
    made = tuple(sample_scene(number, face) for number, face in enumerate(faces))
    terms = Licence("research only", "forbidden")
    return Scenes(made, "", scenes_digest(made), terms, "100 packaged faces")


data = material.data_folder()
lfw = None if data is None else data / "lfw"
scenes = sample_scenes() if lfw is None or not lfw.is_dir() else real_scenes(lfw)
print(f"{scenes.sources}: {scenes.faces} faces in {len(scenes)} photos")

train = scenes.part("train")
faces, whose = face_windows(train, side_px=WINDOW_PX, mirrored=True, jitter=Jitter(2))
backgrounds = background_windows(train, 2000, side_px=WINDOW_PX)[0]
print(f"windows: {len(faces)} of faces, {len(backgrounds)} of anything else")

mixed = np.random.default_rng(0)
figure, panels = plt.subplots(1, 3, figsize=(11, 4))
for axes, windows, title in (
    (panels[0], mixed.permutation(faces)[:64], "faces"),
    (panels[1], mixed.permutation(backgrounds)[:64], "no faces"),
):
    sheet = windows.reshape(8, 8, WINDOW_PX, WINDOW_PX).swapaxes(1, 2).reshape(8 * WINDOW_PX, -1)
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title)
mean = mean_face(faces)
panels[2].imshow(mean, cmap="gray")
panels[2].set_title("the mean of all faces")
for axes in panels:
    axes.axis("off")
plt.show()

# %% [markdown]
# ## One feature as a classifier
#
# Eyes are darker than what lies below them. A feature of two cells measures just that: a light one over the
# eyes, a dark one over the cheeks. The eyes are summed, the cheeks subtracted: faces answer with large
# negative numbers. Here is what it says of faces and of anything else.
#
# A threshold makes a **decision stump** of it. To find the best one, the answers are sorted and walked
# through once: the error of a threshold between two neighbours is what lies on its wrong side. That is exact,
# and it takes no longer than the sorting.

# %%
eyes = Feature("edge-horizontal", 4, 5, 16, 10)


def answers(features: list[Feature], windows: Image) -> FloatArray:
    """What features answer in windows, for a spread of 1."""
    integral = summed(windows)
    scales = inverse_deviations(integral, squared_sums(windows), WINDOW_PX).ravel()
    return responses(table_of(features), integral, scales)


of_faces, of_others = answers([eyes], faces)[:, 0], answers([eyes], backgrounds)[:, 0]
both = np.concatenate([of_faces, of_others])
labels = np.arange(len(both)) < len(faces)
weights = np.where(labels, 0.5 / len(faces), 0.5 / len(backgrounds))
threshold, polarity, error = best_threshold(both, labels, weights)
where = "below" if polarity == 1 else "above"
print(f"best threshold: {threshold:.0f}, faces {where} it; wrong: {error:.1%}")

order = np.argsort(both)
missed = 0.5 - np.cumsum(np.where(labels, weights, 0)[order])
taken = np.cumsum(np.where(labels, 0, weights)[order])
figure, (drawn, counted, searched) = plt.subplots(
    1, 3, figsize=(12, 3.4), width_ratios=[1, 1.6, 1.6]
)
drawn.imshow(draw_feature(mean, eyes))
drawn.axis("off")
low, high = np.percentile(both, [0.5, 99.5]).tolist()
bins = np.linspace(low, high, 50)
counted.hist(of_others, bins, alpha=0.6, density=True, label="no faces")
counted.hist(of_faces, bins, alpha=0.6, density=True, label="faces")
counted.axvline(threshold, color="black", ls="--")
counted.set_title("what it answers")
counted.legend()
searched.plot(both[order], (missed + taken) if polarity == 1 else 1 - (missed + taken))
searched.plot(threshold, error, "o", color="black")
searched.set_title("share that is wrong, by threshold")
searched.set_xlim(low, high)
figure.tight_layout()
plt.show()

# %% [markdown]
# Alone it is poor. But there are 162,336 of them.
#
# ## 3. AdaBoost
#
# 1. Every window has a weight; all faces together weigh a half, all others the other half.
# 2. Of **all** features, each with its best threshold, the one with the smallest weighted error $e$ is taken.
# 3. What it got right is made lighter, by $\beta = e / (1 - e)$. So the next one is chosen for what is still
#    wrong.
# 4. Its vote counts $\alpha = \log(1/\beta)$: the better, the more.
#
# (To be quick, it chooses from 8,000 of the features here, drawn at random.)

# %%
draw = np.random.default_rng(0)
some = table.part(np.sort(draw.permutation(len(table))[:8000]))
face_sums, other_sums = window_sums(faces), window_sums(backgrounds)
start = time.perf_counter()
booster = Booster(some, face_sums, other_sums)
stumps = [booster.add() for _ in range(30)]
print(f"30 of {len(some):,} features chosen in {time.perf_counter() - start:.1f} s")
for number, stump in enumerate(stumps[:5], 1):
    print(f"{number}. {stump.feature.kind:<16} error {stump.error:.3f}, alpha {stump.weight:.2f}")

figure, panels = plt.subplots(2, 5, figsize=(11, 4.9))
for number, (axes, stump) in enumerate(zip(panels.ravel(), stumps[:10], strict=True), 1):
    axes.imshow(draw_feature(mean, stump.feature))
    axes.set_title(f"{number}: alpha {stump.weight:.2f}", fontsize=10)
    axes.axis("off")
figure.suptitle("The features chosen first, over the mean face")
plt.show()

# %% [markdown]
# The paper's first two were the same two that people would name: the eyes are darker than the cheeks, and
# darker than the bridge of the nose. What are yours?
#
# Each further feature is asked about harder windows, so its own error grows towards one half, chance, and its
# alpha shrinks. What the *votes together* get wrong still falls.


# %%
def votes(count: int, windows: Image) -> FloatArray:
    """What the first stumps together say, from 0 to 1."""
    first = stumps[:count]
    signs = np.array([stump.polarity for stump in first])
    limits = np.array([stump.threshold for stump in first])
    alphas = np.array([stump.weight for stump in first])
    yes = answers([stump.feature for stump in first], windows) * signs < limits * signs
    shares: FloatArray = yes @ alphas / alphas.sum()
    return shares


held_out = scenes.part("validation")
new_faces = face_windows(held_out, side_px=WINDOW_PX, mirrored=True)[0]
new_others = background_windows(held_out, 1000, side_px=WINDOW_PX, seed=1)[0]
counts = [1, 2, 3, 5, 8, 12, 20, 30]
wrong = {
    name: [
        ((votes(n, some_faces) < 0.5).mean() + (votes(n, others) >= 0.5).mean()) / 2 for n in counts
    ]
    for name, some_faces, others in (
        ("trained on", faces, backgrounds),
        ("never seen", new_faces, new_others),
    )
}
print(f"wrong with 1 feature: {wrong['never seen'][0]:.1%}, with 30: {wrong['never seen'][-1]:.1%}")

figure, (each, together) = plt.subplots(1, 2, figsize=(11, 3.4))
each.plot(range(1, 31), [stump.error for stump in stumps], "o-", label="error")
each.plot(range(1, 31), [stump.weight / 4 for stump in stumps], "s--", label="alpha / 4")
each.axhline(0.5, color="grey", ls=":")
each.set_title("each feature on its own")
each.set_xlabel("feature")
each.legend()
for name, line in wrong.items():
    together.plot(counts, line, "o-", label=name)
together.set_title("all votes together: share that is wrong")
together.set_xlabel("features")
together.set_ylim(bottom=0)
together.legend()
plt.show()

# %% [markdown]
# The weights themselves say what is hard. These windows weigh most after 30 rounds:

# %%
heavy = booster.weights / booster.weights.sum()
by_weight = np.argsort(-heavy[booster.labels])
firsts = np.sort(np.unique(whose[by_weight], return_index=True)[1])  # once of each photo
hardest_faces = by_weight[firsts[:10]].tolist()
hardest_others = np.argsort(-heavy[~booster.labels])[:10].tolist()
figure, panels = plt.subplots(2, 10, figsize=(11, 2.6))
for axes, row in zip(panels[0], hardest_faces, strict=True):
    axes.imshow(faces[row], cmap="gray", vmin=0, vmax=255)
for axes, row in zip(panels[1], hardest_others, strict=True):
    axes.imshow(backgrounds[row], cmap="gray", vmin=0, vmax=255)
for axes in panels.ravel():
    axes.axis("off")
figure.suptitle("Hardest: faces above, anything else below")
plt.show()

# %% [markdown]
# ## 4. The cascade
#
# A photo of 384 × 288 pixels has some 400,000 windows, and one or two faces. A classifier that is wrong in
# one of a hundred would find 4,000. One with thousands of features may do, but not 400,000 times.
#
# So there are **stages**, each a boosted classifier of its own. The first has a few features. Its threshold
# is *lowered* until nearly all faces pass; half of everything else passes with them, and is looked at again
# by the next stage. What one stage rejects no other looks at. And each stage is trained on **what all before
# it still take for faces**: the search for such hard backgrounds runs through the photos again and again.
#
# Rates multiply. Ten stages that each let 99 % of the faces and 40 % of the rest pass have 90 % of the faces
# and one in 10,000 of the rest.

# %%
recipe = CascadeRecipe(
    name="lesson",
    task="cascade",
    stages=6,
    detection=0.985,
    false_positives=0.3,
    stumps=40,
    features=2500,
    faces=FaceConfig(count=1500, copies=2, smallest_px=24),
    backgrounds=BackgroundConfig(
        count=1500, held_out=500, fewest=60, per_photo=40, rounds=2, step=3, beside=0.0
    ),
)
start = time.perf_counter()
trainer = CascadeTrainer(recipe, scenes)
state = CascadeState(Cascade((), features=trainer.table.counts()))
while len(state.cascade.stages) < recipe.stages:
    after = trainer.next_stage(state)
    if not isinstance(after, CascadeState):
        print("it ends here:", after)
        break
    state = after
    stage = state.cascade.stages[-1]
    print(
        f"stage {len(state.cascade.stages)}: {len(stage.stumps):>2} features, "
        f"{stage.detection_rate:.1%} of faces and {stage.false_positive_rate:.1%} of the rest pass; "
        f"{stage.windows_seen:,} windows searched for {stage.negatives:,}"
    )
small = state.cascade
print(f"trained in {time.perf_counter() - start:.0f} s: {len(small.stumps)} features")

found = np.cumprod([stage.detection_rate for stage in small.stages])
left_over = np.cumprod([stage.false_positive_rate for stage in small.stages])
places = range(1, len(small.stages) + 1)
figure, (rates, lengths) = plt.subplots(1, 2, figsize=(11, 3.2))
rates.semilogy(places, found, "o-", label="faces")
rates.semilogy(places, left_over, "s-", label="anything else")
rates.set_title("share that passes all stages so far")
rates.set_xlabel("stage")
rates.legend()
lengths.bar(places, [len(stage.stumps) for stage in small.stages])
lengths.set_title("features of each stage")
lengths.set_xlabel("stage")
plt.show()

# %% [markdown]
# ## What is left after each stage
#
# Let the small cascade look at the photo, at one size of windows (that of the faces, as YuNet knows), and
# colour the middle of each window by the number of stages that it passed. Walls and suits are gone after the
# first stage or two; that is where the speed comes from.

# %%
scale = float(np.median([face.width for face in theirs])) * 1.1 / WINDOW_PX
level = cv2.resize(grey, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
views = np.lib.stride_tricks.sliding_window_view(level, (WINDOW_PX, WINDOW_PX))
windows = np.ascontiguousarray(views.reshape(-1, WINDOW_PX, WINDOW_PX))
passed = stages_passed(look_up(small), windows)
features_seen = np.cumsum([0, *(len(stage.stumps) for stage in small.stages)])
looked_at = features_seen[np.minimum(passed + 1, len(small.stages))].mean()
print(f"{len(windows):,} windows of {WINDOW_PX * scale:.0f} pixels:")
for stage_number in range(len(small.stages) + 1):
    print(f"  pass {stage_number} stages: {int((passed >= stage_number).sum()):>6,}")
print(f"features looked at in a window: {looked_at:.1f} of {len(small.stumps)}, on average")

figure, axes = plt.subplots(figsize=(9, 6))
axes.imshow(level, cmap="gray", alpha=0.55)
shown = np.full(level.shape, np.nan)
half = WINDOW_PX // 2
shown[half : half + views.shape[0], half : half + views.shape[1]] = passed.reshape(views.shape[:2])
picture = axes.imshow(np.where(shown > 0, shown, np.nan), cmap="plasma", alpha=0.75)
figure.colorbar(picture, label="stages passed", shrink=0.7)
axes.axis("off")
plt.show()

# %% [markdown]
# ## From windows to faces
#
# Faces come at all sizes: the photo is shrunk step by step and scanned again at each size. Around a face many
# windows pass; around a mistake usually one or two. So windows that overlap are put together, and a find is
# as sure as its windows are together.


# %%
def show_boxes(axes: Axes, boxes: FloatArray, colour: str, width: float = 2.0) -> None:
    """Draws boxes over a photo."""
    for left, top, right, bottom in boxes:
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, lw=width)
        )
    axes.axis("off")


def show_faces(axes: Axes, faces: tuple[Face, ...], colour: str) -> None:
    """Draws faces with their scores."""
    show_boxes(axes, np.array([face.box for face in faces]).reshape(-1, 4), colour)
    for face in faces:
        axes.annotate(
            f"{face.score:.2f}",
            (face.box[0], face.box[1]),
            xytext=(0, 4),
            textcoords="offset points",
            color=colour,
            weight="bold",
        )


shrink = 400 / max(grey.shape)
few = cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
few_grey = np.asarray(cv2.cvtColor(few, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
passing = Scanner(small, smallest_px=40).scan(few_grey)
groups = group_windows(passing.windows, evidence_of(passing, len(small.stages)))
print(f"{len(passing.windows)} windows pass; put together: {len(groups.windows)} finds")

figure, pair = plt.subplots(1, 2, figsize=(12, 5))
for axes in pair:
    axes.imshow(few)
show_boxes(pair[0], passing.windows, "yellow", 0.5)
surest = zip(box_of(groups.windows), score_of(groups.evidence), strict=True)
show_faces(pair[1], tuple(Face(box, float(score)) for box, score in surest)[:6], "lime")
pair[0].set_title("windows of 40 pixels and more that pass the small cascade")
pair[1].set_title("put together, the surest six")
plt.show()

# %% [markdown]
# A minute of training and a few dozen features: some of these are no faces, and of the small windows, which
# are left out here, thousands would pass. The cascade that comes with
# faceprint has been trained in the same way, on more photos, for more stages:
#
# ```
# faceprint train viola-jones --data lfw/ --people lfw/peopleDevTrain.txt --backgrounds negatives/ \
#     --out runs/vj
# ```

# %%
shipped = load_detector("viola-jones", weight_store(read_settings()), RuntimeOptions())
assert isinstance(shipped, ViolaJones)
whole = shipped.cascade
print(f"{len(whole.stages)} stages, {len(whole.stumps):,} features; the first stages have", end=" ")
print(", ".join(str(len(stage.stumps)) for stage in whole.stages[:6]))
finds = shipped.detect([photo])[0]
print(f"faces found: {len(finds)}")

figure, pair = plt.subplots(1, 2, figsize=(12, 5))
for axes, some_faces, title in (
    (pair[0], finds, "Viola and Jones, 2001"),
    (pair[1], theirs, "YuNet, 2023"),
):
    axes.imshow(photo)
    show_faces(axes, some_faces, "lime")
    axes.set_title(title)
plt.show()

# %% [markdown]
# ## Where it ends
#
# It knows upright faces that look at the camera, for it has seen no others. Turn the photo, and see how long
# each of the two goes on. A face counts as found where a find of about its size holds its middle.

# %%
height, width = photo.shape[:2]
angles = list(range(0, 61, 10))
known = np.array([[(f.box[0] + f.box[2]) / 2, (f.box[1] + f.box[3]) / 2, 1] for f in theirs])
widths = [face.width for face in theirs]


def still_found(finds: tuple[Face, ...], turn: FloatArray) -> int:
    """How many of the known faces are among the finds in the turned photo."""
    return sum(
        any(
            (face.box[:2] < middle).all()
            and (middle < face.box[2:]).all()
            and 0.5 < face.width / size < 2
            for face in finds
        )
        for middle, size in zip(known @ turn.T, widths, strict=True)
    )


lines: dict[str, list[int]] = {"Viola and Jones": [], "YuNet": []}
network = load_detector("yunet", weight_store(read_settings()), RuntimeOptions())
for angle in angles:
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0).astype(np.float32)
    turned = np.asarray(cv2.warpAffine(photo, turn, (width, height)), dtype=np.uint8)
    for name, detector in (("Viola and Jones", shipped), ("YuNet", network)):
        lines[name].append(still_found(detector.detect([turned])[0], turn))
for name, line in lines.items():
    print(f"{name:<16}", *(f"{angle}°: {count}" for angle, count in zip(angles, line, strict=True)))

plt.figure(figsize=(7, 3))
for (name, line), style in zip(lines.items(), ("o-", "s--"), strict=True):
    plt.plot(angles, line, style, label=name)
plt.xlabel("degrees that the photo is turned by")
plt.ylabel("faces found")
plt.ylim(bottom=-0.1)
plt.legend()
plt.title("Turned heads")
plt.show()

# %% [markdown]
# And nothing that is no photo makes it fall over: black, noise, and a picture smaller than the window.

# %%
trials = {
    "black": np.zeros((120, 160, 3), dtype=np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8),
    "10 x 10": np.zeros((10, 10, 3), dtype=np.uint8),
}
for name, picture_of_none in trials.items():
    print(f"{name}: {len(shipped.detect([picture_of_none])[0])} faces")

# %% [markdown]
# How far it is behind is measured in `benchmarks/classics.csv`: on portraits hardly, in crowds by far.
#
# ## Questions to try
#
# 1. Train with `stages=10` and `count=3000`. How many finds on the photo are left, and how long does it take?
# 2. Leave out the kind `line-vertical` (`enumerate_features(kinds=[...])`). What takes its place?
# 3. Draw the first features of `whole.stages[0]`. Are they the ones of the paper?
# 4. Put a pair of dark glasses on a face (`photo[a:b, c:d] = 20`). At which stage is it lost?
# 5. Raise `detection` to 0.999 for each stage: what happens to the number of features, and why?
