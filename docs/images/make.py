"""Makes the pictures of the README: the sample's photo, named, in the terminal's output and the web app.

Run with the test dependencies and Chromium installed: python docs/images/make.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

from faceprint.media.video import VideoWriter

FOLDER = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Makes them."""
    command = str(Path(sys.executable).parent / "faceprint")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photo = folder / "astronaut.jpg"
        Image.fromarray(data.astronaut()).save(photo, quality=95)
        gallery = ["--gallery", str(folder / "gallery.db")]
        environment = os.environ | {"FACEPRINT_JOBS": str(folder / "jobs")}
        video = _pan(folder / "astronaut.mp4")
        consent = ["--consent", "NASA photo, public domain", *gallery]
        subprocess.run([command, "enrol", "Eileen Collins", photo, *consent], check=True)
        subprocess.run([command, "identify", photo, "--out", FOLDER, *gallery], check=True)
        server = subprocess.Popen(
            [command, "serve", "--port", "0", *gallery],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert server.stdout is not None
        address = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        threading.Thread(target=server.stdout.read, daemon=True).start()
        try:
            _screenshots(address, photo, video)
        finally:
            server.terminate()


def _screenshots(address: str, photo: Path, video: Path) -> None:
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, width, height in (("web", 1280, 860), ("web-phone", 390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address)
            page.set_input_files("input[type=file]", str(photo))
            page.get_by_text("Eileen Collins").first.wait_for()
            page.wait_for_timeout(500)
            page.screenshot(path=FOLDER / f"{name}.png")
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(f"{address}/analyse")
        page.set_input_files("input[type=file]", str(photo))
        page.get_by_text("Eileen Collins").first.wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=FOLDER / "analyse.png")
        page = browser.new_page(viewport={"width": 1280, "height": 1100})
        page.goto(f"{address}/video")
        page.set_input_files("input[type=file]", str(video))
        page.get_by_role("button", name="Find people").click()
        page.locator("[data-timeline]").wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / "video.png")
        browser.close()


def _pan(target: Path) -> Path:
    """A video of eight seconds: the camera finds the face, looks away, and comes back."""
    photo = data.astronaut()
    width, height = 384, 216
    with VideoWriter(target, width=width, height=height, fps=25) as writer:
        for index in range(200):
            away = 0.5 - 0.5 * np.cos(2 * np.pi * index / 100)
            top, left = round(20 + 270 * away), round(40 + 80 * away)
            view = photo[top : top + height, left : left + width]
            writer.write(np.ascontiguousarray(view), index / 25)
    return target


if __name__ == "__main__":
    main()
