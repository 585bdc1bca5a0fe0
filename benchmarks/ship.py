"""Takes what a run trained into the package: weights in 16 bits, and the lines of its card.

    python benchmarks/ship.py RUN NAME

Writes src/faceprint/ROOM/weights/NAME.onnx, for attributes NAME-attributes.json beside it, and prints what
src/faceprint/zoo/listed/ours.py must say. The calibration of an embedder is of its very file: first make
that, and ship its folder.

    faceprint models quantise RUN --how half --name NAME --data DIR --split FILE --out FOLDER
    python benchmarks/ship.py FOLDER NAME
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from faceprint.attributes.serving import SERVING_FILE
from faceprint.files import write_whole
from faceprint.match import save_calibration
from faceprint.train.export.folder import read_model
from faceprint.train.export.halves import store_halves

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "faceprint"
ROOMS = {"embedder": "embed", "attributes": "attributes", "detector": "detect", "parser": "parse"}
LARGEST_MB = 8


def main(
    run: Annotated[Path, typer.Argument(help="A finished run.")],
    name: Annotated[str, typer.Argument(help="Of the shipped model.")],
) -> None:
    """Writes the files and prints their digests."""
    model = read_model(run)
    small = store_halves(model.onnx)
    if len(small) > LARGEST_MB * 1e6:
        raise typer.BadParameter(f"{len(small) / 1e6:.1f} MB, at most {LARGEST_MB} MB are shipped")
    folder = PACKAGE / ROOMS[model.card.kind] / "weights"
    folder.mkdir(exist_ok=True)
    files = {f"{name}.onnx": small}
    if model.serving is not None:
        files[f"{name}-{SERVING_FILE}"] = model.serving
    if model.calibration is not None and model.card.name == name and small == model.onnx:
        typer.echo(f"{save_calibration(model.calibration, PACKAGE / 'match' / 'tables')}")
    for file, content in files.items():
        write_whole(folder / file, content)
        typer.echo(f"{file} sha256:{hashlib.sha256(content).hexdigest()} {len(content)}")
    typer.echo(f"training_data: {model.card.training_data}")
    typer.echo(f"{model.card.input_size_px} px, {model.card.alignment}, {model.card.outputs}")


if __name__ == "__main__":
    typer.run(main)
