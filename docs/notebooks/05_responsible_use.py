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
# # 5. Responsible use
#
# Faces cannot be changed like passwords. A system that recognises them can be wrong, can be wrong more often
# for some people than for others, can be used on people who never agreed, and costs energy. None of this
# goes away by being ignored; all of it can be measured. In this lesson:
#
# 1. false matches in a growing gallery,
# 2. consent, and erasing,
# 3. bias: errors by group, with honest intervals,
# 4. hiding faces,
# 5. the energy of inference and of training.
#
# You need, in a checkout: `pip install '.[notebooks,sample]'`.

# %%
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import material
import matplotlib.pyplot as plt
import numpy as np

from faceprint import Call, Consent, Faceprint, FaceprintError
from faceprint.match import clopper_pearson, comparison_rate
from faceprint.media import encode_image, read_image
from faceprint.media.hide import HIDE_STYLES, hide_faces

engine = Faceprint(gallery=material.empty_gallery())
call = Call(actor="lesson 5", purpose="teaching")

# %% [markdown]
# ## 1. What can go wrong: many chances to be mistaken
#
# "One false match in 1,000" sounds rare. But a stranger who is compared with everybody in a gallery gets one
# chance per face in it. With N faces the chance that *somebody* matches is 1 - (1 - FMR)^N.

# %%
sizes = np.logspace(0, 5, 200)
plt.figure(figsize=(8, 4))
for fmr in (1e-2, 1e-3, 1e-4, 1e-6):
    plt.semilogx(sizes, 1 - (1 - fmr) ** sizes, label=f"FMR {fmr:g}")
plt.axhline(0.01, color="grey", linestyle=":", label="1 % of strangers")
plt.xlabel("faces in the gallery")
plt.ylabel("chance that a stranger is named")
plt.legend()
plt.title("A search is many comparisons")
plt.show()

calibration = engine.models.calibration
assert calibration is not None
for size in (1, 10, 100, 1_000, 10_000):
    needed = comparison_rate(0.01, size)
    threshold = calibration.threshold(needed)
    note = "" if threshold.supported else "  <- stricter than what was measured: not promised"
    print(f"{size:>6} faces: FMR {needed:.1e} needed, threshold {threshold.score:.3f}{note}")

# %% [markdown]
# A match is a lead, never proof. Say beforehand what happens on a match, who looks at it, and what a false
# one would do to the person.
#
# ## 2. Consent
#
# faceprint refuses to enrol without a consent record, and refuses one that has expired.

# %%
name, photos = next(iter(material.people().items()))
photo = encode_image(photos[0])
yesterday = datetime.now(UTC) - timedelta(days=1)
expired = Consent.given("Form 17", "door", by="lesson", expires_at=yesterday)
for what, consent in (("none", None), ("expired", expired)):
    try:
        engine.enrol(name, [photo], call=call, consent=consent, largest=True)
    except FaceprintError as error:
        print(f"consent {what}: refused ({error.code}). {error}")

# %% [markdown]
# The record says what was agreed, for what, when, and until when. It can be shown to the person, and the
# person can take it back: then everything goes.

# %%
agreed = Consent.given("Public figure or public sample, for this lesson", "teaching", by="lesson")
engine.enrol(name, [photo], call=call, consent=agreed, largest=True)
person = engine.gallery.person(name)
print(person.name, "agreed to:", person.consents[0].text)

receipt = engine.gallery.erase(person.person_id, call=call)
print(
    f"erased: {receipt.templates} template, {receipt.pictures} picture, overwritten: {receipt.scrubbed}"
)
print("left to find:", engine.gallery.template_count())

# %% [markdown]
# A consent is only worth something if it was free: is there another way through the door for who says no?
#
# ## 3. Bias: errors by group
#
# An average hides who pays for the errors. Measure them by group, on people like those whom the system will
# meet, and always with an interval: a small group can look bad, or good, by chance.
#
# Here: which share of faces does the *detector* miss, by age, when they are as small as on a distant camera?
# (The photos are UTKFace, whose labels of age are guesses of others. It also has labels of "race". faceprint
# does not use them, and does not classify ethnicity.)

# %%
AGES = ((0, 3), (4, 12), (13, 25), (26, 45), (46, 65), (66, 116))


def photos_by_age(folder: Path, each: int) -> dict[str, list[Path]]:
    """Some photos of each age group; the age is the start of the file name."""
    groups: dict[str, list[Path]] = {f"{low} to {high}": [] for low, high in AGES}
    for path in sorted(folder.iterdir()):
        age = path.name.partition("_")[0]
        for (low, high), chosen in zip(AGES, groups.values(), strict=True):
            if age.isdecimal() and low <= int(age) <= high and len(chosen) < each:
                chosen.append(path)
    return groups


def seen_from_afar(path: Path) -> np.ndarray:
    """A photo of a face at 32 by 32 pixels, in the middle of a grey picture."""
    small = cv2.resize(read_image(path).pixels, (32, 32), interpolation=cv2.INTER_AREA)
    canvas = np.full((160, 160, 3), 128, dtype=np.uint8)
    canvas[64:96, 64:96] = small
    return canvas


missed: dict[str, tuple[int, int]] = {}
folder = material.data_folder()
if folder is not None:
    for group, paths in photos_by_age(folder / "utkface", each=150).items():
        found = engine.models.detect([seen_from_afar(path) for path in paths], thorough=False)
        missed[group] = (sum(not faces for faces in found), len(found))
else:
    print("Without the data folder these are made-up counts, to show how to read the plot.")
    missed = {"group A": (1, 400), "group B": (0, 25), "group C": (9, 400)}

# %%
figure, axes = plt.subplots(figsize=(8, 3.5))
for row, (group, (errors, total)) in enumerate(missed.items()):
    low, high = clopper_pearson(errors, total)
    axes.plot([100 * low, 100 * high], [row, row], "-", color="tab:blue", lw=3)
    axes.plot(100 * errors / total, row, "o", color="tab:red")
    print(f"{group}: {errors} of {total} missed, 95 % interval {low:.1%} to {high:.1%}")
axes.set_yticks(range(len(missed)), list(missed))
axes.set_xlabel("faces missed, %")
axes.invert_yaxis()
axes.set_title("Misses by group, with 95 % intervals")
plt.show()

# %% [markdown]
# Where two intervals lie apart, the groups differ, at least in these photos: find out why before anybody has
# to live with it. Where they overlap widely, the data does not show a difference; nor does it show equality.
# More photos make the intervals narrower. The same plot is due for false matches and false non-matches.
#
# ## 4. Hiding faces
#
# Who did not agree need not be recognisable. Hiding must be strong: a light blur looks anonymous to people
# and is no hurdle to a network. So test with the network: does the hidden face still match?

# %%
example = photos[0]
clear = engine.embed(example)
largest = int(np.argmax([face.area for face in clear.detection.faces]))
face = clear.detection.faces[largest]
limit = calibration.threshold(1e-3).score


def light_blur(image: np.ndarray) -> np.ndarray:
    """What some take for anonymous."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), face.width / 25), dtype=np.uint8)


versions = {"clear": example, "light blur": light_blur(example)}
versions |= {how: hide_faces(example, face.box[None], how=how) for how in HIDE_STYLES}
side = max(face.width, face.height)
left, top = np.maximum(face.box[:2] - 0.5 * side, 0).astype(int)
right, bottom = (face.box[2:] + 0.5 * side).astype(int)

figure, row = plt.subplots(1, len(versions), figsize=(12, 3.2))
for axes, (title, image) in zip(row, versions.items(), strict=True):
    crop = engine.models.crops(image, (face,))
    score = float(clear.embeddings.vectors[largest] @ engine.models.embedder.embed(crop).vectors[0])
    verdict = "matches" if score >= limit else "no match"
    print(f"{title}: score {score:.3f}, {verdict} at FMR 0.001")
    axes.imshow(image[top:bottom, left:right])
    axes.set_title(f"{title}\n{score:.2f}, {verdict}", fontsize=9)
    axes.axis("off")
plt.show()

# %% [markdown]
# Hair, clothes, place and voice still tell who somebody is. `faceprint anonymise` hides faces in photos and
# videos, and drops the camera's data (place and time) with them.
#
# ## 5. Energy
#
# Many machines have a meter: RAPL, which counts the energy of the processor in microjoules. Where it cannot
# be read (virtual machines, no permission) we measure processor time and multiply it by an *assumed* power.
# That is an estimate, and the printout says so.

# %%
WATTS_PER_CORE = 10.0  # assumed: a server core under load, its share of memory and fans included
METERS = [p / "energy_uj" for p in Path("/sys/class/powercap").glob("intel-rapl:[0-9]")]


def readable(meter: Path) -> bool:
    """Whether a meter can be read; many machines keep it for the administrator."""
    try:
        meter.read_text()
    except OSError:
        return False
    return True


METERS = [meter for meter in METERS if readable(meter)]


def cpu_s() -> float:
    """Processor time of this process so far, over all its threads."""
    return time.process_time()


def energy(work: Callable[[], object]) -> tuple[float, float, str]:
    """Joules and seconds that some work takes, and how the joules were found."""
    before, cpu, start = [int(m.read_text()) for m in METERS], cpu_s(), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    if METERS:
        after = [int(m.read_text()) for m in METERS]
        # A meter that passed its end starts again from 0: such a reading is left out.
        used = sum(b - a for a, b in zip(before, after, strict=True) if b >= a)
        return used / 1e6, seconds, "RAPL, whole processor"
    return (cpu_s() - cpu) * WATTS_PER_CORE, seconds, f"CPU time x {WATTS_PER_CORE:g} W, assumed"


# %% [markdown]
# ### Inference
#
# Detecting and embedding the faces of 100 photos.

# %%
list(
    engine.embed_many([photo] * 10)
)  # once beforehand: loading the networks is not what we measure
joules, seconds, method = energy(lambda: list(engine.embed_many([photo] * 100)))
per_photo = joules / 100
print(f"{joules:.1f} J in {seconds:.2f} s for 100 photos ({method})")
print(f"{per_photo:.2f} J a photo; a 10 W lamp burns that in {per_photo / 10:.2f} s")
print(f"a million photos: {per_photo * 1e6 / 3.6e6:.2f} kWh")

# %% [markdown]
# ### Training
#
# Training a recognition network takes days on GPUs; here is a small stand-in that shows how to measure: a
# linear classifier on 128 numbers, by gradient descent, in NumPy.

# %%
random = np.random.default_rng(5)
people_count, each = 50, 20
centres = random.normal(size=(people_count, 128)).astype(np.float32)
labels = np.repeat(np.arange(people_count), each)
inputs = centres[labels] + 0.5 * random.normal(size=(len(labels), 128)).astype(np.float32)
inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
losses: list[float] = []


def train(steps: int) -> None:
    """Softmax regression by plain gradient descent."""
    weights = np.zeros((128, people_count), np.float32)
    wanted = np.eye(people_count, dtype=np.float32)[labels]
    for _ in range(steps):
        logits = inputs @ weights
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        losses.append(float(-np.log(chances[np.arange(len(labels)), labels]).mean()))
        weights -= 20 * inputs.T @ (chances - wanted) / len(labels)


train_joules, train_seconds, method = energy(lambda: train(300))
print(f"300 steps: {train_joules:.1f} J in {train_seconds:.2f} s ({method})")

plt.figure(figsize=(7, 3))
plt.plot(np.linspace(0, train_joules, len(losses)), losses)
plt.xlabel("energy spent, J")
plt.ylabel("loss")
plt.title("What the first joules buy, and the last ones")
plt.show()

# %% [markdown]
# ### On a larger scale
#
# For a real training run the sum is: devices x hours x watts x PUE (what the building adds for cooling, often
# 1.1 to 1.6), and the grid turns it into CO2. These are inputs to look up for your own case, not constants.

# %%
gpus, hours, watts, pue, grams_per_kwh = 8, 48, 350, 1.3, 350
kwh = gpus * hours * watts * pue / 1000
print(f"{gpus} GPUs for {hours} h at {watts} W, PUE {pue}: {kwh:.0f} kWh")
print(f"at {grams_per_kwh} g CO2 per kWh: {kwh * grams_per_kwh / 1000:.0f} kg")
print(f"as many photos could be embedded here with it: {kwh * 3.6e6 / per_photo:,.0f}")
engine.close()

# %% [markdown]
# ## Questions to try
#
# 1. Your gallery has 5,000 faces and the door sees 300 strangers a day. How many false alarms a day at FPIR
#    1 %? What does each cost the person at the door?
# 2. How many photos per group does it take until the interval is narrower than one percentage point?
# 3. Hide a face with a light blur of your own. From which strength on does it no longer match?
# 4. What takes more energy over a year: training once, or answering a million requests a day?
# 5. Who was never asked whether this system should exist, and how would you ask them?
