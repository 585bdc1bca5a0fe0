"""The REST API under /api/v1."""

from faceprint.web.api import analysis, jobs, people, recognition, system

__all__ = ["ROUTERS"]

ROUTERS = (system.router, recognition.router, analysis.router, people.router, jobs.router)
