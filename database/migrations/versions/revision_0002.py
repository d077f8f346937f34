"""Whose each image is, of which not more than so many are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IDENTITY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the column; images that are there already are nobody's."""
    op.add_column("images", sa.Column("user_id", IDENTITY, nullable=True))
    op.create_index("ix_images_user_id", "images", ["user_id"])
