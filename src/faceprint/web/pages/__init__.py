"""The pages: the same as the API, for people."""

from faceprint.web.pages import about, account, compare, enrol, identify, people

__all__ = ["ROUTERS"]

ROUTERS = (
    identify.router,
    compare.router,
    enrol.router,
    people.router,
    about.router,
    account.router,
)
