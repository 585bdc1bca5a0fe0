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
# # 2. Finding faces with MTCNN
#
# Before a face can be recognised it must be found. MTCNN (Zhang et al., 2016) does that with three small
# networks, each of which sends only the promising places on to the next:
#
# | network | looks at | asks |
# |---|---|---|
# | P-Net | every 12 x 12 window, at many sizes | could this be a face? |
# | R-Net | what is left, at 24 x 24 | really? |
# | O-Net | what is left, at 48 x 48 | where exactly, and where are eyes, nose, mouth? |
#
# This lesson shows boxes, landmarks, probabilities and crops, and what the settings do.
#
# You need, in a checkout: `pip install '.[notebooks,sample]'`.

# %%
from time import perf_counter

import cv2
import material
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from faceprint import Face, Faceprint
from faceprint.detect import load_detector
from faceprint.detect.mtcnn import Mtcnn, MtcnnOptions
from faceprint.geometry import iou_matrix
from faceprint.pipeline.models import weight_store
from faceprint.runtime import RuntimeOptions
from faceprint.settings import read_settings

photo = material.group_photo()
print(photo.shape)

# %% [markdown]
# ## Boxes and probabilities
#
# A detector answers with a list: one box (left, top, right, bottom in pixels) and one score from 0 to 1
# for each face. No face is an empty list, not an error.

# %%
engine = Faceprint(detector="mtcnn")
found = engine.detect(photo)
for number, face in enumerate(found.faces):
    left, top, right, bottom = face.box
    print(
        f"face {number}: probability {face.score:.4f}, "
        f"{face.width:.0f} x {face.height:.0f} pixels at ({left:.0f}, {top:.0f})"
    )

# %% [markdown]
# ## On the photo
#
# The five points are the subject's right eye, left eye, nose, and the corners of the mouth. "Right" is the
# subject's own right, so it is on the left of a photo that looks at you.


# %%
def show_faces(axes: Axes, image: np.ndarray, faces: tuple[Face, ...], colour: str) -> None:
    """Draws boxes, points and probabilities over an image."""
    axes.imshow(image)
    for face in faces:
        left, top = face.box[:2]
        axes.add_patch(
            Rectangle((left, top), face.width, face.height, fill=False, color=colour, lw=2)
        )
        axes.annotate(
            f"{face.score:.3f}",
            (left, top),
            xytext=(0, 4),
            textcoords="offset points",
            color=colour,
            weight="bold",
        )
        if face.landmarks is not None:
            axes.plot(*face.landmarks.T, "o", color=colour, markersize=3)
    axes.axis("off")


figure, axes = plt.subplots(figsize=(9, 6))
show_faces(axes, photo, found.faces, "lime")
axes.set_title(f"MTCNN: {len(found.faces)} faces")
plt.show()

# %% [markdown]
# ## Crops
#
# What a recogniser gets to see is not the photo but a small crop of each face. From the points the face is
# turned, scaled and moved so that the eyes lie at the same place in every crop. Comparing two faces then
# means comparing like with like.

# %%
crops = engine.embed(photo).crops
figure, row = plt.subplots(1, len(crops), figsize=(2.4 * len(crops), 2.8), squeeze=False)
for axes, crop, face in zip(row[0], crops, found.faces, strict=True):
    axes.imshow(crop)
    axes.set_title(f"{face.score:.3f}")
    axes.axis("off")
figure.suptitle(f"Aligned crops, {crops.shape[1]} x {crops.shape[2]} pixels")
plt.show()

# %% [markdown]
# ## A tilted head
#
# The points make up for a tilt in the plane of the photo. Turn the photo by 20 degrees: the box hardly
# says so, the crop comes out upright.

# %%
height, width = photo.shape[:2]
turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1.0)
tilted = np.asarray(cv2.warpAffine(photo, turn, (width, height)), dtype=np.uint8)
tilted_found = engine.embed(tilted)

figure, (wide, narrow) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=[3, 1])
show_faces(wide, tilted, tilted_found.detection.faces, "lime")
narrow.imshow(tilted_found.crops[0])
narrow.set_title("the first crop")
narrow.axis("off")
plt.show()

# %% [markdown]
# ## What the settings do
#
# So far faceprint chose. MTCNN itself has three settings:
#
# | setting | default | means |
# |---|---|---|
# | `min_face_px` | 20 | the photo is shrunk so that a face of this width fills P-Net's window |
# | `scale_factor` | 0.709 | size of each level of the pyramid as a share of the one before |
# | `min_scores` | 0.6, 0.7, 0.7 | what P-Net, R-Net and O-Net must each give a candidate |
#
# A smaller `min_face_px` or a finer pyramid means more windows, so more time. Lower scores let in more
# candidates: rather something else for a face than a face missed. Here is the bare detector with each.

# %%
detector = load_detector("mtcnn", weight_store(read_settings()), RuntimeOptions())
assert isinstance(detector, Mtcnn)
bare: Mtcnn = detector


def detect_with(options: MtcnnOptions, image: np.ndarray) -> tuple[Face, ...]:
    """What the bare detector finds in one photo."""
    bare.options = options
    return bare.detect([image])[0]


trials = {
    "as it comes": MtcnnOptions(),
    "min_face_px 12": MtcnnOptions(min_face_px=12),
    "min_face_px 80": MtcnnOptions(min_face_px=80),
    "scale_factor 0.5": MtcnnOptions(scale_factor=0.5),
    "scale_factor 0.85": MtcnnOptions(scale_factor=0.85),
    "min_scores 0.1": MtcnnOptions(min_scores=(0.1, 0.1, 0.1)),
    "min_scores 0.9, 0.99, 0.9999": MtcnnOptions(min_scores=(0.9, 0.99, 0.9999)),
}
for title, options in trials.items():
    detect_with(options, photo)  # once beforehand: the first run of a size prepares the network
    start = perf_counter()
    several = detect_with(options, photo)
    took_ms = (perf_counter() - start) * 1000
    print(f"{title:<30} {len(several):>3} found, {took_ms:4.0f} ms")

loose = detect_with(trials["min_scores 0.1"], photo)
figure, axes = plt.subplots(figsize=(9, 6))
show_faces(axes, photo, loose, "orange")
axes.set_title(f"min_scores 0.1: {len(loose)} finds, few of them faces")
plt.show()

# %% [markdown]
# ## How small may a face be?
#
# P-Net's window is 12 pixels wide. To find larger faces the photo is shrunk again and again: an image
# pyramid. What is much smaller than the window is lost, and with the default, what is much smaller than 20
# pixels. Let us shrink the photo ourselves and see when.
#
# The third column is faceprint as a whole. It finds smaller faces than MTCNN can, by a search around the
# detector: where nothing is found, the photo is shown again at 160 pixels in a wide border. A tiny photo is
# *enlarged* by that, and its faces with it. So "found at 6 pixels" is the search's doing, not P-Net's.

# %%
shares = (1.0, 0.5, 0.25, 0.15, 0.1, 0.07, 0.05, 0.04, 0.03)
sizes = [np.median([face.width for face in found.faces]) * share for share in shares]
lines: dict[str, list[int]] = {"min_face_px 20": [], "min_face_px 12": [], "with the search": []}
for share, size in zip(shares, sizes, strict=True):
    small = np.asarray(
        cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    lines["min_face_px 20"].append(len(detect_with(MtcnnOptions(min_face_px=20), small)))
    lines["min_face_px 12"].append(len(detect_with(MtcnnOptions(min_face_px=12), small)))
    lines["with the search"].append(len(engine.detect(small).faces))
    counts = ", ".join(f"{title}: {line[-1]}" for title, line in lines.items())
    print(f"faces about {size:5.1f} pixels wide, found by {counts}")

plt.figure(figsize=(8, 3))
for (title, line), style in zip(lines.items(), ("o-", "s--", "^:"), strict=True):
    plt.semilogx(sizes, line, style, label=title)
plt.xlabel("width of the faces, pixels")
plt.ylabel("found")
plt.yticks(range(max(map(max, lines.values())) + 1))
plt.legend()
plt.title("Smaller and smaller")
plt.show()

# %% [markdown]
# ## A second opinion
#
# YuNet (2023) does the same with one small network in a single pass, and is faceprint's default. Where two
# detectors of different build agree, there is nearly always a face. The measure of agreement is the
# intersection over union (IoU) of the boxes: 1 for the same box, 0 for boxes apart.

# %%
with Faceprint(detector="yunet") as other:
    other_found = other.detect(photo)
    for name, one in (("mtcnn", engine), ("yunet", other)):
        start = perf_counter()
        for _ in range(5):
            one.detect(photo)
        print(f"{name}: {(perf_counter() - start) / 5 * 1000:.0f} ms per photo")

overlaps = iou_matrix(
    np.stack([face.box for face in found.faces]),
    np.stack([face.box for face in other_found.faces]),
)
print("IoU of each MTCNN box with each YuNet box:")
print(np.round(overlaps, 2))

figure, pair = plt.subplots(1, 2, figsize=(12, 4.5))
show_faces(pair[0], photo, found.faces, "lime")
show_faces(pair[1], photo, other_found.faces, "cyan")
pair[0].set_title("MTCNN")
pair[1].set_title("YuNet")
plt.show()

# %% [markdown]
# ## Where no face is
#
# A detector can also find what is not there. In noise there is no face; a find would be a false one. How
# often that happens is measured on photos without people, never guessed from a few.

# %%
noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8)
print("faces in noise:", len(engine.detect(noise).faces))
engine.close()

# %% [markdown]
# ## In the terminal
#
# ```
# faceprint detect party.jpg --detector mtcnn --out marked
# ```
#
# ## Questions to try
#
# 1. At which tilt does MTCNN lose a face? Is it the same for YuNet?
# 2. Cover the mouth with a grey box (`photo[a:b, c:d] = 128`). What happens to the probability?
# 3. Make the photo darker (`photo // 4`), then noisier. Which hurts more?
# 4. The scores of MTCNN and YuNet are both called probability. Why may they not be compared?
