"""Images in and out: reading and finding photos, writing them, drawing faces on them."""

from faceprint.media.drawing import COLOURS, Mark, draw_faces
from faceprint.media.folder import find_photos
from faceprint.media.read import photo_name, read_image
from faceprint.media.write import encode_image, write_image

__all__ = [
    "COLOURS",
    "Mark",
    "draw_faces",
    "encode_image",
    "find_photos",
    "photo_name",
    "read_image",
    "write_image",
]
