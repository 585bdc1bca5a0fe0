"""faceprint in a small Flask app: upload a photo, get it back with faces outlined and named.

Run it with::

    pip install 'faceprint[examples]'
    flask --app examples/flask_app.py run

People come from the gallery that the command line uses: enrol them with `faceprint enrol`. For a
full app with enrolment, sign-in and a REST API run `faceprint serve` instead.
"""

from __future__ import annotations

import base64

from flask import Flask, render_template_string, request
from werkzeug.exceptions import HTTPException

from faceprint import Call, Faceprint, FaceprintError, Identification
from faceprint.media import COLOURS, Mark, draw_faces, encode_image

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Who is in the photo?</title>
<h1>Who is in the photo?</h1>
<form method="post" enctype="multipart/form-data">
  <label>Photo <input type="file" name="photo" accept="image/*" required></label>
  <button>Identify</button>
</form>
{% if message %}<p role="alert">{{ message }}</p>{% endif %}
{% if faces is not none %}
  <h2>{{ faces|length }} face{{ "" if faces|length == 1 else "s" }}</h2>
  <img src="data:image/jpeg;base64,{{ picture }}" alt="The photo, labelled" width="800">
  <ol>{% for face in faces %}
    <li>{{ face.name or "Unknown" }}
      {% if face.score is not none %}(score {{ "%.2f"|format(face.score) }}){% endif %}</li>
  {% endfor %}</ol>
{% endif %}
</html>
"""


def create_app(engine: Faceprint | None = None) -> Flask:
    """The app. One engine serves all requests: models load once, and it is safe across threads."""
    app = Flask(__name__)
    faceprint = engine or Faceprint()
    # Flask stops larger uploads with 413; faceprint itself limits the pixels.
    app.config["MAX_CONTENT_LENGTH"] = faceprint.settings.max_upload_bytes

    @app.get("/")
    def ask() -> str:
        return render_template_string(PAGE, faces=None)

    @app.post("/")
    def identify() -> tuple[str, int]:
        upload = request.files.get("photo")
        if upload is None:
            return render_template_string(PAGE, faces=None, message="Choose a photo first."), 422
        # Every search says who asks and what for. The photo stays in memory and is not kept.
        call = Call(actor="flask-example", purpose="identify")
        try:
            found = faceprint.identify(upload.stream.read(), call=call)
        except FaceprintError as error:
            return render_template_string(PAGE, faces=None, message=str(error)), 422
        picture = base64.b64encode(labelled(found)).decode()
        return render_template_string(PAGE, faces=found.faces, picture=picture), 200

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[str, int]:
        return render_template_string(
            PAGE, faces=None, message=error.description
        ), error.code or 500

    return app


def labelled(found: Identification) -> bytes:
    """The photo as JPEG, with an outline and a name for each face, coloured by decision."""
    marks = [
        Mark(
            box=face.face.box,
            landmarks=None,
            label=face.name or "Unknown",
            colour=COLOURS[face.decision] if face.decision else (255, 255, 255),
        )
        for face in found.faces
    ]
    return encode_image(draw_faces(found.detection.pixels, marks), format="jpeg")
