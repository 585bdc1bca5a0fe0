"""The most that any pipeline of these models could do on this machine.

One over the sum of the times that decoding, the bare detector and the bare embedder take per photo,
when each has all cores to itself. The networks are the prepared ones that faceprint runs, in the
precision that faceprint chooses, through OpenVINO's own queue, at whichever number of streams and
size of batch is fastest. Nothing else is counted: no scaling, no reading of the detector's outputs,
no alignment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import openvino as ov
from clock import Job, print_result, read_job

from faceprint.media import read_image
from faceprint.runtime import RuntimeOptions, choose_precision, usable_cores
from faceprint.types import Image
from faceprint.zoo import WeightStore, card
from faceprint.zoo.prepare import prepare

BATCHES = (1, 2, 4, 8, 16)
TRIAL_ITEMS = 128
DETECTOR_STRIDE_PX = 32
CROP_PX = 112


def main() -> None:
    job = read_job()
    if job.faces_per_photo is None:
        raise SystemExit(
            "the bound needs the faces per photo that faceprint finds: run faceprint too"
        )
    decode_s, images = time_decoding(job)
    parts = {"decode": decode_s / len(job.photos)}
    notes = []
    for name, batches in (("yunet", detector_inputs(images)), ("sface", face_crops(images))):
        seconds, note = time_network(name, batches, count=len(job.photos))
        parts[name] = seconds / len(job.photos)
        notes.append(note)
    parts["sface"] *= job.faces_per_photo
    milliseconds = ", ".join(f"{name} {1000 * s:.2f}" for name, s in parts.items())
    print_result(
        job,
        faces=round(job.faces_per_photo * len(job.photos)),
        seconds=sum(parts.values()) * len(job.photos),
        packages=["faceprint", "openvino"],
        note=f"ms per photo: {milliseconds}; {'; '.join(notes)}",
    )


def time_decoding(job: Job) -> tuple[float, list[Image]]:
    """Seconds to decode all photos on all cores, and the warm-up photos as inputs to cut from."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        material = [image.pixels for image in pool.map(read_image, job.warm_up)]
        started = perf_counter()
        deque(pool.map(read_image, job.photos), maxlen=0)
        return perf_counter() - started, material


def detector_inputs(images: Sequence[Image]) -> Image:
    """The photos padded to the size that the detector's strides ask for: (N, H, W, 3) uint8."""
    tallest = max(image.shape[0] for image in images)
    widest = max(image.shape[1] for image in images)
    height, width = (
        -(-side // DETECTOR_STRIDE_PX) * DETECTOR_STRIDE_PX for side in (tallest, widest)
    )
    padded = np.zeros((len(images), height, width, 3), np.uint8)
    for row, image in zip(padded, images, strict=True):
        row[: image.shape[0], : image.shape[1]] = image
    return padded


def face_crops(images: Sequence[Image]) -> Image:
    """The middle of each photo, where LFW has its face: (N, 112, 112, 3) uint8."""
    corners = [
        ((image.shape[0] - CROP_PX) // 2, (image.shape[1] - CROP_PX) // 2) for image in images
    ]
    return np.stack(
        [
            image[top : top + CROP_PX, left : left + CROP_PX]
            for image, (top, left) in zip(images, corners, strict=True)
        ]
    )


def time_network(name: str, inputs: Image, *, count: int) -> tuple[float, str]:
    """Seconds for `count` inputs at the fastest setting, and what that setting is."""
    model_card = card(name)
    with TemporaryDirectory() as folder:
        (weights,) = WeightStore(Path(folder), Path(folder), offline=True).files(model_card)
        content = prepare(weights.read_bytes(), model_card, spatial=model_card.kind == "detector")
    precision = choose_precision(
        RuntimeOptions(), "openvino", sensitive=model_card.precision == "f32"
    )
    core = ov.Core()
    trials = []
    for streams, batch in product(sorted({1, usable_cores()}), BATCHES):
        model = core.read_model(content)
        model.reshape([batch, *inputs.shape[1:]])
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": usable_cores(),
        }
        queue = ov.AsyncInferQueue(core.compile_model(model, "CPU", settings), 2 * streams)
        run_queue(queue, inputs, batch=batch, count=TRIAL_ITEMS // 4)
        trials.append(
            (run_queue(queue, inputs, batch=batch, count=TRIAL_ITEMS), streams, batch, queue)
        )
    _, streams, batch, queue = min(trials, key=lambda trial: trial[0])
    seconds = run_queue(queue, inputs, batch=batch, count=count)
    return seconds, f"{name} {precision}, {streams} streams, batches of {batch}"


def run_queue(queue: ov.AsyncInferQueue, inputs: Image, *, batch: int, count: int) -> float:
    """Seconds per `count` inputs, from runs of whole batches."""
    batches = -(-count // batch)
    started = perf_counter()
    for chunk in take(batch_views(inputs, batch), batches):
        queue.start_async({0: chunk}, share_inputs=True)
    queue.wait_all()
    return (perf_counter() - started) * count / (batches * batch)


def batch_views(inputs: Image, batch: int) -> list[Image]:
    """The inputs cut into whole batches, repeated where there are too few for one."""
    whole = np.resize(inputs, (max(batch, len(inputs) // batch * batch), *inputs.shape[1:]))
    return [whole[start : start + batch] for start in range(0, len(whole), batch)]


def take(chunks: Sequence[Image], count: int) -> Iterator[Image]:
    for index in range(count):
        yield chunks[index % len(chunks)]


if __name__ == "__main__":
    main()
