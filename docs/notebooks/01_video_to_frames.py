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
# # 1. From a video to frames
#
# A face recogniser looks at pictures. A video is a stream of them, squeezed together so that most
# pictures only say what changed. This lesson takes a video apart:
#
# 1. what the file says of itself,
# 2. frames with exact times,
# 3. how much changes from frame to frame, and where the cuts are,
# 4. keeping only frames that show something new.
#
# You need, in a checkout: `pip install '.[notebooks,sample]'`.

# %%
import material
import matplotlib.pyplot as plt
import numpy as np

from faceprint.media.video import Video, contact_sheet, skip_alike

path = material.video()
print(path.name)

# %% [markdown]
# ## What the file says
#
# A container (MP4, MKV, WebM) holds streams: pictures, sound, subtitles. It also says how the camera was
# held. faceprint turns the pictures upright, so that width and height here are those that you see.

# %%
video = Video(path)
info = video.info
print(f"{info.width} x {info.height} pixels, {info.codec}, sound: {info.has_audio}")
print(
    f"{info.duration_s:.2f} s, {info.fps:.2f} frames/s on average, turned by {info.rotation_deg} deg"
)

# %% [markdown]
# ## One frame
#
# A frame is an array of height x width x 3 bytes: red, green, blue, 0 to 255. Nothing more. Everything
# that follows in this course is arithmetic on such arrays.

# %%
frame = next(video.frames())
print(frame.pixels.shape, frame.pixels.dtype, f"at {frame.time_s:.3f} s")
print("the pixel in the middle:", frame.pixels[info.height // 2, info.width // 2])

plt.figure(figsize=(8, 5))
plt.imshow(frame.pixels)
plt.title(f"frame {frame.index}, {frame.time_s:.3f} s")
plt.axis("off")
plt.show()

# %% [markdown]
# ## A frame every half second
#
# A face does not change much within a second, so we need not look at every frame. `every_s` gives the
# first frame at or after each step.

# %%
some = list(video.frames(every_s=0.5))
print(len(some), "frames at", [round(frame.time_s, 3) for frame in some[:5]], "...")

plt.figure(figsize=(11, 6))
plt.imshow(contact_sheet(some, columns=5, tile_px=240))
plt.axis("off")
plt.show()

# %% [markdown]
# ## Times, not frame numbers
#
# "Frame 100 of a 25 fps video is at 4 s" is wrong for many phones: they record fewer frames in the dark.
# Each frame carries its own time. Here are the steps between them.

# %%
times_s = np.array([frame.time_s for frame in video.frames()])
steps_ms = np.diff(times_s) * 1000
print(f"{len(times_s)} frames, steps from {steps_ms.min():.2f} to {steps_ms.max():.2f} ms")

plt.figure(figsize=(9, 2.5))
plt.plot(times_s[1:], steps_ms, ".", markersize=3)
plt.ylim(0, 1.3 * steps_ms.max())
plt.xlabel("time, s")
plt.ylabel("step, ms")
plt.title("Time between neighbouring frames")
plt.show()

# %% [markdown]
# ## What changes from frame to frame
#
# The mean absolute difference of two neighbouring frames is small while the camera runs, and jumps at a
# cut. That is enough to find cuts: no learning needed.


# %%
def change(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two frames, in grey levels; every fourth pixel is enough."""
    return float(np.abs(a[::4, ::4].astype(int) - b[::4, ::4]).mean())


changes = []
before = None
for frame in video.frames():
    if before is not None:
        changes.append(change(before, frame.pixels))
    before = frame.pixels
limit = 25.0
cuts_s = times_s[1:][np.array(changes) > limit]
print("cuts at", np.round(cuts_s, 2), "s")

plt.figure(figsize=(9, 3))
plt.plot(times_s[1:], changes, linewidth=1)
plt.axhline(limit, color="tab:red", linestyle="--", label="limit")
plt.xlabel("time, s")
plt.ylabel("change, grey levels")
plt.title("How much each frame differs from the one before")
plt.legend()
plt.show()

# %% [markdown]
# ## Frames that show something new
#
# For a data set, near-copies are a burden: they make it large, and if one copy lands in training and the
# other in testing, the test lies. `skip_alike` leaves out frames that differ too little from the last one
# that it kept.

# %%
kept = list(skip_alike(video.frames(every_s=0.1), min_change=0.05))
print(f"{len(kept)} of {len(np.arange(0, times_s[-1], 0.1))} frames kept")

plt.figure(figsize=(11, 6))
plt.imshow(contact_sheet(kept[:20], columns=5, tile_px=240))
plt.axis("off")
plt.show()
video.close()

# %% [markdown]
# ## In the terminal
#
# ```
# faceprint video fetch URL
# faceprint video trim interview.mp4 minute.mp4 --start 10 --end 70
# faceprint video frames interview.mp4 --every 0.5s --out frames
# ```
#
# ## Questions to try
#
# 1. Lower `limit` until something that is no cut counts as one. What is it?
# 2. Which `min_change` keeps one frame per shot? Does one value suit two different videos?
# 3. A talking head hardly moves. Would you rather take frames by time or by change for a training set?
# 4. In some videos every fifth change is almost 0. What left it? (Film has 24 frames/s, television 30.)
# 5. How many bytes are all frames together, and how large is the file? Where did the rest go?
