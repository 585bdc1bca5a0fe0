"""The first tables: people, consents, models, templates, changes, accesses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    _make_people()
    _make_templates()
    _make_logs()


def _make_people() -> None:
    op.create_table(
        "people",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("person_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_people"),
        sa.UniqueConstraint("person_id", name="uq_people_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_people_name_key", "people", ["name_key"])
    op.create_table(
        "consents",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("person_key", _KEY, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("document_name", sa.Text),
        sa.Column("document", sa.LargeBinary),
        sa.PrimaryKeyConstraint("key", name="pk_consents"),
        sa.ForeignKeyConstraint(
            ["person_key"], ["people.key"], ondelete="CASCADE", name="fk_consents_person_key"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consents_person_key", "consents", ["person_key"])


def _make_templates() -> None:
    op.create_table(
        "models",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_models"),
        sa.UniqueConstraint("model_id", name="uq_models_model_id"),
        sa.CheckConstraint("dimension > 0", name="ck_models_dimension"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "templates",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("template_id", sa.String(36), nullable=False),
        sa.Column("person_key", _KEY, nullable=False),
        sa.Column("model_key", _KEY, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("box", sa.LargeBinary(16), nullable=False),
        sa.Column("quality", sa.Float, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("picture_digest", sa.LargeBinary(32)),
        sa.Column("picture_kind", sa.String(8), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_templates"),
        sa.UniqueConstraint("template_id", name="uq_templates_template_id"),
        sa.ForeignKeyConstraint(
            ["person_key"], ["people.key"], ondelete="CASCADE", name="fk_templates_person_key"
        ),
        sa.ForeignKeyConstraint(["model_key"], ["models.key"], name="fk_templates_model_key"),
        sa.CheckConstraint("length(source_digest) = 32", name="ck_templates_source_digest"),
        sa.CheckConstraint("length(box) = 16", name="ck_templates_box"),
        sa.CheckConstraint(
            "picture_digest IS NULL OR length(picture_digest) = 32",
            name="ck_templates_picture_digest",
        ),
        sa.CheckConstraint("picture_kind IN ('crop', 'photo')", name="ck_templates_picture_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_templates_person_key", "templates", ["person_key", "model_key"])
    op.create_index("ix_templates_picture_digest", "templates", ["picture_digest"])


def _make_logs() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", _KEY, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("person_id", sa.String(36), nullable=False),
        sa.Column("person_key", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accesses",
        sa.Column("sequence", _KEY, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("answered", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_accesses"),
        sqlite_autoincrement=True,
    )
