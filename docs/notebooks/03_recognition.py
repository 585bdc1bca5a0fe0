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
# # 3. Embeddings and recognition
#
# A recognition network turns a face into a few hundred numbers, an *embedding*. It was trained so that
# photos of one person come out close together and photos of different people far apart. To recognise then
# means: compare two lists of numbers.
#
# 1. the numbers,
# 2. how alike: the cosine,
# 3. a matrix and a map of all faces,
# 4. from a score to a decision: the threshold and what it promises,
# 5. names: enrol and identify.
#
# You need, in a checkout: `pip install '.[notebooks,sample]'`.

# %%
import material
import matplotlib.pyplot as plt
import numpy as np

from faceprint import Call, Consent, Faceprint
from faceprint.match import clopper_pearson, comparison_rate
from faceprint.media import draw_faces
from faceprint.pipeline.labels import identification_marks

engine = Faceprint(gallery=material.empty_gallery())
people = material.people()
for name, photos in people.items():
    print(f"{name}: {len(photos)} photos")

# %% [markdown]
# ## The numbers
#
# Each photo is searched for its largest face, the face is cut out upright, and the network gives 128
# numbers. Their squares add up to 1: each embedding is a point on a sphere.

# %%
names: list[str] = []
crops, rows = [], []
for name, photos in people.items():
    for photo in photos:
        found = engine.embed(photo)
        if not found.detection.faces:
            print("no face found in a photo of", name)
            continue
        largest = int(np.argmax([face.area for face in found.detection.faces]))
        names.append(name)
        crops.append(found.crops[largest])
        rows.append(found.embeddings.vectors[largest])
vectors = np.stack(rows)
print(vectors.shape, "length of the first:", round(float(np.linalg.norm(vectors[0])), 4))

columns = 7
lines = -(-len(crops) // columns)
figure, grid = plt.subplots(lines, columns, figsize=(11, 1.9 * lines), squeeze=False)
for axes in grid.flat:
    axes.axis("off")
for axes, crop, name in zip(grid.flat, crops, names, strict=False):
    axes.imshow(crop)
    axes.set_title(name, fontsize=8)
plt.show()

# %% [markdown]
# ## How alike? The cosine
#
# On a sphere, closeness is an angle. Its cosine is the sum of the products of the numbers: 1 for the same
# direction, 0 for unrelated ones, below 0 for opposite. All pairs at once are one matrix product.

# %%
scores = vectors @ vectors.T

figure, axes = plt.subplots(figsize=(8, 7))
picture = axes.imshow(scores, vmin=-0.2, vmax=1, cmap="viridis")
ticks = np.arange(len(names))
axes.set_xticks(ticks, names, rotation=90, fontsize=7)
axes.set_yticks(ticks, names, fontsize=7)
figure.colorbar(picture, label="cosine")
axes.set_title("Similarity matrix")
plt.show()

# %% [markdown]
# Bright squares along the diagonal are people. Everything else should be dark.
#
# ## A map
#
# 128 dimensions cannot be drawn. Classical multidimensional scaling finds the flat map whose distances come
# closest to the true ones: centre the matrix of scores, and take its two largest eigenvectors. (For
# centred points this is the same as PCA.)

# %%
count = len(scores)
centring = np.eye(count) - 1 / count
values, directions = np.linalg.eigh(centring @ scores @ centring)
flat = directions[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
kept = values[-2:].sum() / values[values > 0].sum()
print(f"the map keeps {kept:.0%} of the squared distances")

plt.figure(figsize=(8, 6))
for name in people:
    own = flat[[k for k, other in enumerate(names) if other == name]]
    plt.scatter(own[:, 1], own[:, 0], s=60, label=name)
plt.legend(fontsize=8)
plt.gca().set_aspect("equal")
plt.title("Classical MDS of the embeddings")
plt.show()

# %% [markdown]
# The map is for looking, never for deciding: two people who lie on top of each other here may be far apart
# in the other 126 dimensions.
#
# ## From a score to a decision
#
# Where to draw the line? Not where it looks nice for these few photos, but where strangers rarely get over
# it. faceprint measured that on many thousand pairs of *different* people (a calibration) and gives the
# score that at most one of 1,000 such pairs reaches: a false match rate of 0.001.

# %%
calibration = engine.models.calibration
assert calibration is not None
threshold = calibration.threshold(1e-3)
print(f"threshold at FMR 0.001: {threshold.score:.3f}, interval {threshold.interval}")
print(f"measured on {threshold.dataset}: {calibration.impostor_count:,} pairs of different people")

above = np.triu_indices(count, k=1)
same = np.array([names[i] == names[j] for i, j in zip(*above, strict=True)])
pairs = scores[above]

plt.figure(figsize=(9, 3))
bins = np.linspace(-0.3, 1, 40).tolist()
plt.hist(pairs[~same], bins=bins, alpha=0.7, label="different people")
plt.hist(pairs[same], bins=bins, alpha=0.7, label="the same person")
plt.axvline(threshold.score, color="tab:red", label="threshold, FMR 0.001")
plt.axvline(
    threshold.unsure_score, color="tab:orange", linestyle="--", label="FMR 0.01: unsure from"
)
plt.xlabel("cosine")
plt.ylabel("pairs")
plt.legend(fontsize=8)
plt.title("Cosine against threshold")
plt.show()

# %% [markdown]
# ## How sure can we be from so few pairs?
#
# Not one false match in 20 pairs does not mean a rate of 0. The exact interval (Clopper and Pearson) says
# which rates would still be believable.

# %%
for what, wrong, total in (
    ("false matches", int((pairs[~same] >= threshold.score).sum()), int((~same).sum())),
    ("false non-matches", int((pairs[same] < threshold.score).sum()), int(same.sum())),
):
    low, high = clopper_pearson(wrong, total)
    print(f"{what}: {wrong} of {total}; the true rate may be {low:.2%} to {high:.2%}")

# %% [markdown]
# ## Names
#
# To *identify* is to compare with everybody who is enrolled. Enrolment asks for consent: the record is kept
# with the person, and without one faceprint refuses. (The gallery of this lesson is a temporary one.) One
# person is left out on purpose.

# %%
call = Call(actor="lesson 3", purpose="teaching")
consent = Consent.given("Public figure or public sample, for this lesson", "teaching", by="lesson")
for name, photos in people.items():
    if name != "Joe Biden":
        engine.enrol(name, photos[:1], call=call, consent=consent, largest=True, keep="nothing")

result = engine.identify(material.group_photo(), call=call)
for item in result.faces:
    nearest = ", ".join(f"{c.name} {c.score:.2f}" for c in item.candidates[:3])
    print(f"{item.name or 'Unknown'} ({item.decision}); nearest: {nearest}")

# %% [markdown]
# Who is not enrolled is Unknown. That is the harder half of the task: the nearest person is always
# somebody, and only the threshold says that near is not near enough.
#
# A search asks more of the threshold than one comparison: with N people enrolled a stranger gets N chances
# to be mistaken for somebody.

# %%
assert result.threshold is not None
print(f"at most 1 % of strangers named, in this gallery: threshold {result.threshold.score:.3f}")
for size in (10, 100, 1000):
    stricter = calibration.threshold(comparison_rate(0.01, size))
    print(f"the same with {size} people: {stricter.score:.3f}")

plt.figure(figsize=(9, 6))
plt.imshow(draw_faces(result.detection.pixels, identification_marks(result)))
plt.axis("off")
plt.show()

# %% [markdown]
# At the end the people are erased: templates, consent records and names.

# %%
for person in engine.gallery.people():
    receipt = engine.gallery.erase(person.person_id, call=call)
    print(f"erased {receipt.templates} templates")
print("people left:", len(engine.gallery.people()))
engine.close()

# %% [markdown]
# ## Questions to try
#
# 1. Use `Faceprint(detector="mtcnn")`. Do the clusters get tighter? Why would the detector matter?
# 2. `Faceprint(flip=True)` averages each embedding with that of the mirror image. What does it change?
# 3. Which two *different* people are most alike? Is the pair above the threshold of FMR 0.01?
# 4. Draw the map of one person's photos alone. What do its directions stand for: light, pose, age?
