"""The tables of a gallery. Change them only together with a new migration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

__all__ = [
    "APPLICATION_ID",
    "REVISION",
    "UtcTime",
    "accesses",
    "changes",
    "consents",
    "metadata",
    "models",
    "people",
    "templates",
]

APPLICATION_ID = 0x46_50_52_47
"""Marks an SQLite file as a gallery ("FPRG")."""

REVISION = "0001"
"""The newest migration; a test holds it equal to theirs, so that opening need not load Alembic."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """A timezone-aware time, stored as microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """The stored number."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The time in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


_Key = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Keys are never reused (AUTOINCREMENT), so that an index in memory can go by them.
people = Table(
    "people",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("person_id", String(36), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, index=True),
    Column("notes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

consents = Table(
    "consents",
    metadata,
    Column("key", _Key, primary_key=True),
    Column(
        "person_key", _Key, ForeignKey("people.key", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("text", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("given_at", UtcTime, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("expires_at", UtcTime),
    Column("document_name", Text),
    Column("document", LargeBinary),
    sqlite_autoincrement=True,
)

models = Table(
    "models",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("model_id", Text, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
    CheckConstraint("dimension > 0", name="dimension"),
    sqlite_autoincrement=True,
)

templates = Table(
    "templates",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("template_id", String(36), nullable=False, unique=True),
    Column("person_key", _Key, ForeignKey("people.key", ondelete="CASCADE"), nullable=False),
    Column("model_key", _Key, ForeignKey("models.key"), nullable=False),
    Column("detector", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_digest", LargeBinary(32), nullable=False),
    Column("box", LargeBinary(16), nullable=False),
    Column("quality", Float, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("picture_digest", LargeBinary(32)),
    Column("picture_kind", String(8), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    CheckConstraint("length(source_digest) = 32", name="source_digest"),
    CheckConstraint("length(box) = 16", name="box"),
    CheckConstraint("picture_digest IS NULL OR length(picture_digest) = 32", name="picture_digest"),
    CheckConstraint("picture_kind IN ('crop', 'photo')", name="picture_kind"),
    Index("ix_templates_person_key", "person_key", "model_key"),
    Index("ix_templates_picture_digest", "picture_digest"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", _Key, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("person_id", String(36), nullable=False),
    Column("person_key", _Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    sqlite_autoincrement=True,
)

accesses = Table(
    "accesses",
    metadata,
    Column("sequence", _Key, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    sqlite_autoincrement=True,
)
