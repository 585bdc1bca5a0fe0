"""The pages: the same as the API, for people."""

from faceprint.web.pages import (
    about,
    account,
    analyse,
    anonymise,
    compare,
    enrol,
    folder,
    identify,
    jobs,
    live,
    people,
    video,
)

__all__ = ["ROUTERS"]

ROUTERS = (
    identify.router,
    video.router,
    live.router,
    folder.router,
    analyse.router,
    compare.router,
    anonymise.router,
    jobs.router,
    enrol.router,
    people.router,
    about.router,
    account.router,
)
