"""The REST API under /api/v1."""

from faceprint.web.api import people, recognition, system

__all__ = ["ROUTERS"]

ROUTERS = (system.router, recognition.router, people.router)
