"""Makes the pictures of the README: the sample's photo, named, in the terminal's output and the web app.

Run with the test dependencies and Chromium installed: python docs/images/make.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

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
        consent = ["--consent", "NASA photo, public domain", *gallery]
        subprocess.run([command, "enrol", "Eileen Collins", photo, *consent], check=True)
        subprocess.run([command, "identify", photo, "--out", FOLDER, *gallery], check=True)
        server = subprocess.Popen(
            [command, "serve", "--port", "0", *gallery], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        address = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        threading.Thread(target=server.stdout.read, daemon=True).start()
        try:
            _screenshots(address, photo)
        finally:
            server.terminate()


def _screenshots(address: str, photo: Path) -> None:
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, width, height in (("web", 1280, 860), ("web-phone", 390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address)
            page.set_input_files("input[type=file]", str(photo))
            page.get_by_text("Eileen Collins").first.wait_for()
            page.wait_for_timeout(500)
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
