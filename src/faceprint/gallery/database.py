"""The SQLite file under a gallery: opening, transactions, migrations, and leaving no traces."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from faceprint.errors import (
    GalleryCorruptError,
    GalleryError,
    GalleryUnavailableError,
    GalleryVersionError,
)
from faceprint.gallery.faults import storage_error, translated
from faceprint.gallery.schema import APPLICATION_ID, REVISION

__all__ = ["Database"]

_log = logging.getLogger(__name__)

_SET_UP_TIMEOUT_S = 60.0
_BEGIN = "faceprint_begin"


class Database:
    """One gallery's SQLite file. Safe to use from several threads; open it anew after a fork.

    Attributes:
        path: The file, symbolic links resolved.
        read_only: Whether writes are refused.
        closed: Whether it was given up.
    """

    def __init__(self, path: Path, engine: Engine, *, read_only: bool) -> None:
        """Use `open`."""
        self.path = path
        self.read_only = read_only
        self._engine = engine
        self._write_lock = threading.Lock()
        self.closed = False

    @classmethod
    def open(
        cls, path: Path, *, create: bool, read_only: bool = False, timeout_s: float = 10.0
    ) -> Database:
        """Opens a gallery's database; makes a missing one, migrates an old one.

        Args:
            path: The file.
            create: Whether to make a missing one.
            read_only: Refuse writes. A file or folder that cannot be written is opened so anyway.
            timeout_s: How long to wait for another process that is writing, in seconds.

        Raises:
            GalleryUnavailableError: Missing and not to be made, locked, no plain file, or
            unreadable.
            GalleryCorruptError: No gallery.
            GalleryVersionError: Written by a newer faceprint.
        """
        path = path.expanduser().resolve()
        _check_file(path, create=create and not read_only)
        if read_only or not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return cls(path, _open_to_read(path, timeout_s), read_only=True)
        engine = _engine(path, "mode=rw", timeout_s)
        try:
            if not _is_current(engine, path):
                _set_up(engine, path)
        except BaseException:
            engine.dispose()
            raise
        return cls(path, engine, read_only=False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database, whatever others write meanwhile."""
        with (
            self._in_use(),
            translated(self.path),
            self._engine.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that nobody else writes beside; all or nothing is kept.

        Raises:
            GalleryUnavailableError: Read-only, full, or locked for longer than the timeout.
        """
        self._refuse_if_closed()
        if self.read_only:
            raise GalleryUnavailableError(
                f"The gallery {self.path} was opened read-only; nothing was changed. "
                "Make the file and its folder writable, or copy both elsewhere."
            )
        with (
            self._in_use(),
            self._write_lock,
            translated(self.path),
            self._engine.connect().execution_options(**{_BEGIN: "IMMEDIATE"}) as connection,
            connection.begin(),
        ):
            yield connection

    def owe_scrub(self, connection: Connection) -> None:
        """Notes, within a transaction that erases, that `scrub` has to follow it."""
        owed = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA user_version = {(owed + 1) % 2**31 or 1}")

    def scrub(self) -> bool:
        """Rewrites the file and empties the write-ahead log if an erasure left that to be done.

        `secure_delete` overwrites what is deleted, but copies that SQLite made while it balanced
        its trees can survive that; only a rewritten file is free of them.

        Returns:
            Whether nothing is owed any more. False while others keep the database busy, or where
            the disk has no room for the copy; the next opening tries again.
        """
        try:
            with self._in_use(), self._write_lock, translated(self.path), self._raw() as run:
                return _scrub(run)
        except GalleryUnavailableError as error:
            _log.warning(
                "An erasure is not overwritten yet; the next opening tries again: %s", error
            )
            return False

    def close(self) -> None:
        """Closes all connections; the last one of all processes removes the write-ahead log.

        What other threads are doing at that moment is finished; their connections close after it.
        """
        self.closed = True
        # Not `Engine.dispose`: it changes the pool, and connections at work return to the old one.
        self._engine.pool.dispose()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Around whatever takes a connection: closes it if `close` was called meanwhile."""
        self._refuse_if_closed()
        try:
            yield
        finally:
            if self.closed:
                self._engine.pool.dispose()

    @contextmanager
    def _raw(self) -> Iterator[Callable[[str], int]]:
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            yield lambda sql: int((cursor.execute(sql).fetchone() or (0,))[0])

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise GalleryError(f"The gallery {self.path} was closed. Open it again.")


def _scrub(run: Callable[[str], int]) -> bool:
    owed = run("PRAGMA user_version")
    if not owed:
        return True
    run("VACUUM")
    if run("PRAGMA wal_checkpoint(TRUNCATE)"):
        return False
    run("BEGIN IMMEDIATE")
    # Another process may have erased since; its scrub is still to come.
    if run("PRAGMA user_version") == owed:
        run("PRAGMA user_version = 0")
    run("COMMIT")
    return True


def _check_file(path: Path, *, create: bool) -> None:
    """Refuses what is no plain file, and makes a missing one that only its owner can read."""
    try:
        if path.exists():
            if not stat.S_ISREG(path.stat().st_mode):
                raise GalleryUnavailableError(
                    f"A gallery is a plain file; {path} is something else, as in a folder. "
                    f"Name a file, as in {path / 'gallery.db'}."
                )
            return
        if not create:
            raise GalleryUnavailableError(
                f"There is no gallery at {path}. Enrol somebody first, or check the path."
            )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise storage_error(error, path) from error


def _engine(path: Path, query: str, timeout_s: float) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.as_uri()}?{query}",
            uri=True,
            timeout=timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            # The first statement that reads the file finds out that it is no database.
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=-1,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(
            f"BEGIN {connection.get_execution_options().get(_BEGIN, 'DEFERRED')}"
        )

    return engine


def _open_to_read(path: Path, timeout_s: float) -> Engine:
    """Opens a file to read; on a read-only disk SQLite has to be told that nobody writes."""
    queries = ["mode=ro"]
    log = path.with_name(path.name + "-wal")
    if not (log.exists() and log.stat().st_size):
        queries.append("mode=ro&immutable=1")
    for query in queries:
        engine = _engine(path, query, timeout_s)
        try:
            if _is_current(engine, path):
                return engine
        except GalleryUnavailableError:
            engine.dispose()
            if query is queries[-1]:
                raise
        except BaseException:
            engine.dispose()
            raise
        else:
            engine.dispose()
            break
    raise GalleryUnavailableError(
        f"The gallery {path} has to be set up or brought up to date, and cannot be written. "
        "Open it once where its file and folder are writable."
    )


def _is_current(engine: Engine, path: Path) -> bool:
    """Whether a database has the tables of this version; False for an empty or older one."""
    with translated(path), engine.connect() as connection, connection.begin():
        tables = set(
            connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).scalars()
        )
        mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if not tables and mark in (0, APPLICATION_ID):
            return False
        if mark != APPLICATION_ID or "alembic_version" not in tables:
            raise GalleryCorruptError(
                f"{path} is an SQLite database, but not a gallery of faceprint. Choose another "
                "file."
            )
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision == REVISION:
        return True
    from faceprint.gallery import migrations

    if revision is None or not migrations.is_known(str(revision)):
        raise GalleryVersionError(
            f"The gallery {path} has the table version {revision}; this faceprint knows those up "
            "to "
            f"{REVISION}. It was written by a newer faceprint: upgrade faceprint. Nothing was "
            "changed."
        )
    return False


def _set_up(engine: Engine, path: Path) -> None:
    """Makes or migrates the tables; one process does, the others wait."""
    from faceprint.gallery import migrations

    try:
        with FileLock(f"{path}.lock", timeout=_SET_UP_TIMEOUT_S, mode=0o600), translated(path):
            if _is_current(engine, path):
                return
            with closing(engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            options = {_BEGIN: "IMMEDIATE"}
            with engine.connect().execution_options(**options) as connection, connection.begin():
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                migrations.upgrade(connection)
    except Timeout as error:
        raise GalleryUnavailableError(
            f"Another process has been setting up the gallery {path} for {_SET_UP_TIMEOUT_S:.0f} "
            "s. "
            f"If none is running, remove {path}.lock and try again."
        ) from error
    except OSError as error:
        raise storage_error(error, path) from error
