"""The tables, as SQLAlchemy's models."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAME = 64  # characters of a user's name
REQUEST = 64  # characters of a request's id as its caller has it
OWN = 32  # hex digits of our own id of a request
SHA256 = 64  # hex digits

# SQLite counts rows by itself only where the column is an INTEGER, which there has 64 bits.
Identity = BigInteger().with_variant(Integer, "sqlite")

# What Alembic is to change or drop later needs a name that all databases agree on.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """A moment; SQLite, which knows no zones, keeps it as that of UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC.

        Raises:
            ValueError: it says no zone.
        """
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} says no zone, so it is no moment")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Role(StrEnum):
    """What a user may do."""

    CALLER = "caller"
    OPERATOR = "operator"


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMES)


class User(Base):
    """Somebody who may ask.

    Attributes:
        id: what tokens and requests name; never given to another.
        name: what its owner logs in with.
        password_hash: by argon2, with its salt and parameters.
        role: what the user may do.
        disabled: whether nothing is answered any more.
        created: when.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(
        Enum(
            Role,
            name="role",
            native_enum=False,
            create_constraint=True,
            length=16,
            values_callable=lambda roles: [role.value for role in roles],
        )
    )
    disabled: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=lambda: datetime.now(UTC))


class Request(Base):
    """One request that was answered.

    Attributes:
        id: ours, by which requests sort in the order of their answers.
        request_id: what the caller knows it by, who may give one to several requests.
        at: when it was answered.
        user_id: who asked; None where accounts are off.
        method: of HTTP.
        path: as it was asked for.
        status: of the answer.
        milliseconds: from the whole request to its answer.
        images: how many were answered.
    """

    __tablename__ = "requests"
    __table_args__ = (Index(None, "user_id", "id"),)

    id: Mapped[str] = mapped_column(String(OWN), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(REQUEST), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(Identity, ForeignKey(User.id))
    method: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    milliseconds: Mapped[float]
    images: Mapped[int] = mapped_column(default=0)


class Response(Base):
    """What one image of a request was answered with.

    Attributes:
        request_id: our id of the request.
        position: of the image in it, from 0.
        image_sha256: of the pixels, in hex.
        version: of the model.
        index: of the likeliest class.
        name: of that class.
        label: what the answer says: the name, or `other`.
        confidence: the probability of that class.
    """

    __tablename__ = "responses"

    request_id: Mapped[str] = mapped_column(
        ForeignKey(Request.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    image_sha256: Mapped[str] = mapped_column(String(SHA256), index=True)
    version: Mapped[str] = mapped_column(String(SHA256))
    index: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float]


class Feedback(Base):
    """What the right answer would have been.

    Attributes:
        request_id: our id of the request.
        position: of the image in it, from 0.
        label: the name of the true class.
        user_id: who says so; None where accounts are off.
        at: when it was said last.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(
            ("request_id", "position"),
            (Response.request_id, Response.position),
            ondelete="CASCADE",
        ),
    )

    request_id: Mapped[str] = mapped_column(String(OWN), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(Identity, ForeignKey(User.id))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Image(Base):
    """The pixels of an image, where they are kept.

    Attributes:
        sha256: of the pixels, in hex.
        png: the pixels as a PNG file.
        at: when they were answered last.
        user_id: of whose images it is one, who sent it first; None where accounts are off. It is no
            foreign key, as SQLite adds none to a table that is there.
    """

    __tablename__ = "images"

    sha256: Mapped[str] = mapped_column(String(SHA256), primary_key=True)
    png: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(Identity, index=True)
