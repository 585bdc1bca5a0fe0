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
# # 4. The web app and its API from Python
#
# Other programs rarely want to import a face recogniser: they want to ask one. faceprint's web app answers
# over HTTP, to browsers with pages and to programs with JSON. This lesson starts it, and talks to it as a
# program in any language would.
#
# You need, in a checkout: `pip install '.[notebooks,web,sample]'`.

# %%
import atexit
import os
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import httpx
import material
import matplotlib.pyplot as plt

from faceprint.media import encode_image, read_image

# %% [markdown]
# ## Starting the app
#
# In a terminal this is `faceprint serve`. Here it runs beside the notebook, on a free port, with an empty
# gallery of its own and none of your settings. It listens on 127.0.0.1, so only this machine can reach it;
# for any other address it wants a key. It ends with the notebook, even where a cell fails.

# %%
gallery = Path(material.empty_gallery())
where = ("FACEPRINT_CACHE", "FACEPRINT_WEIGHTS", "FACEPRINT_OFFLINE")
environment = {
    name: value
    for name, value in os.environ.items()
    if name in where or not name.startswith("FACEPRINT_")
}
environment["FACEPRINT_GALLERY"] = str(gallery)
environment["FACEPRINT_JOBS"] = str(gallery.with_name("jobs"))
command = [sys.executable, "-m", "faceprint", "serve", "--port", "0"]
server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
atexit.register(server.kill)
assert server.stdout is not None
ready = re.search(r"http://[\d.:]+", server.stdout.readline())
assert ready is not None, "the app did not start"
address = ready[0]
print("open this in a browser too:", address)

api = httpx.Client(base_url=f"{address}/api/v1", timeout=60)

# %% [markdown]
# ## What can be asked
#
# The app describes itself: every route, field and answer, in OpenAPI. Client code for other languages can
# be generated from it. People read it at `/api/docs`.

# %%
description = httpx.get(f"{address}/api/openapi.json").json()
for route, methods in list(description["paths"].items())[:12]:
    print(", ".join(methods).upper().ljust(14), route)

# %% [markdown]
# ## Finding faces
#
# A photo goes in as a file of a form. What comes back is JSON.

# %%
photo = encode_image(material.group_photo())
answer = api.post("/detect", files={"photo": ("group.jpg", photo)})
print(answer.status_code, answer.json()["faces"][0])

# %% [markdown]
# ## Enrolling, and being refused
#
# Without a consent the app says no. The status code is for the program, the message for the person in front
# of it.

# %%
name, photos = next(iter(material.people().items()))
if material.data_folder() is not None:
    name, photos = "Barack Obama", material.people()["Barack Obama"]
files = [("photos", ("one.jpg", encode_image(photos[0])))]
refused = api.post("/enrol", data={"name": name}, files=files)
print(refused.status_code, refused.json()["error"])

# %%
fields = {"name": name, "consent": "Public figure or public sample, for this lesson"}
enrolled = api.post("/enrol", data=fields, files=files)
print(enrolled.status_code, enrolled.json())

# %% [markdown]
# ## Asking who it is

# %%
answer = api.post("/identify", files={"photo": ("group.jpg", photo)}).json()
for face in answer["faces"]:
    score = "-" if face["score"] is None else f"{face['score']:.3f}"
    print(f"{face['name'] or 'Unknown'}: {face['decision']}, score {score}")

# %% [markdown]
# ## The labelled photo
#
# The same question, answered with a picture.

# %%
picture = api.post("/identify/picture", files={"photo": ("group.jpg", photo)})
print(picture.headers["content-type"], len(picture.content), "bytes")

plt.figure(figsize=(9, 6))
plt.imshow(read_image(picture.content).pixels)
plt.axis("off")
plt.show()

# %% [markdown]
# ## When something is wrong
#
# A program must be able to tell "no face" (an answer) from "not a photo" (an error).

# %%
empty = read_image(photo).pixels[:40, :40]
nobody = api.post("/identify", files={"photo": ("corner.png", encode_image(empty, format="png"))})
print(nobody.status_code, nobody.json()["faces"])
broken = api.post("/identify", files={"photo": ("letter.txt", b"Dear Sir or Madam")})
print(broken.status_code, broken.json()["error"])

# %% [markdown]
# ## How fast?
#
# A few requests one after the other. The app works on several at a time; ask from several threads and the
# total grows until all cores are busy.

# %%
laps_ms = []
for _ in range(10):
    start = perf_counter()
    api.post("/identify", files={"photo": ("group.jpg", photo)}).raise_for_status()
    laps_ms.append((perf_counter() - start) * 1000)
print(f"{min(laps_ms):.0f} to {max(laps_ms):.0f} ms per request")

plt.figure(figsize=(7, 2.5))
plt.bar(range(1, 11), laps_ms)
plt.xlabel("request")
plt.ylabel("ms")
plt.title("Identify over HTTP")
plt.show()

# %% [markdown]
# ## Erasing
#
# Whoever can be enrolled can be erased, in one request, with everything that belongs to them.

# %%
everybody = api.get("/people").json()["people"]
for person in everybody:
    print(api.delete(f"/people/{person['person_id']}").json())
print("left:", api.get("/people").json()["people"])

# %%
api.close()
server.terminate()
server.wait(20)
print("the app has ended")

# %% [markdown]
# ## Questions to try
#
# 1. Ask with `curl -F photo=@group.jpg ADDRESS/api/v1/identify`. What is the same, what is missing?
# 2. Start the app with `FACEPRINT_API_KEY` set. What does a request without the key get?
# 3. Send ten requests at once with `concurrent.futures`. How much faster are they than one by one?
# 4. A website that you visit could send requests to 127.0.0.1 too. Try with a header
#    `Origin: https://example.com`. Why is it refused?
