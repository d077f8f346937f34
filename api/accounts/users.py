"""Users, as the database has them."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.errors import AccountsAway, NameTaken
from api.errors import Absent
from database.breaker import Breaker
from database.database import Database
from database.errors import DatabaseError
from database.models import Role, User

STAMP = 16  # hex digits


@dataclass(frozen=True)
class Account:
    """One user.

    Attributes:
        id: what tokens and the audit trail name.
        name: what the user logs in with.
        role: what the user may do.
        disabled: whether nothing is answered any more.
        created: when.
        stamp: which password it has; each new one has another, and ends the tokens of the old one.
    """

    id: int
    name: str
    role: Role
    disabled: bool
    created: datetime
    stamp: str


class Users:
    """Finds and changes users.

    Every method raises AccountsAway if the database is, and at once if it has just been.

    Args:
        database: where they are.
        clock: seconds that never go back.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._breaker = Breaker(clock)

    def add(self, name: str, password_hash: str, role: Role = Role.CALLER) -> Account:
        """Make a user.

        Raises:
            NameTaken: there is one of that name.
        """
        user = User(name=name, password_hash=password_hash, role=role, disabled=False)
        try:
            with self._session() as session:
                session.add(user)
                session.flush()
                return _account(user)
        except IntegrityError:
            raise NameTaken(f"there is a user {name} already: take another name") from None

    def get(self, user_id: int) -> Account | None:
        """The user of that id."""
        with self._session() as session:
            user = session.get(User, user_id)
            return _account(user) if user else None

    def login(self, name: str) -> tuple[Account, str] | None:
        """The user of that name, and the hash of the password."""
        with self._session() as session:
            user = session.scalar(select(User).where(User.name == name))
            return (_account(user), user.password_hash) if user else None

    def all(self) -> Sequence[Account]:
        """Every user, by name."""
        with self._session() as session:
            return [_account(user) for user in session.scalars(select(User).order_by(User.name))]

    def change(self, name: str, **values: object) -> Account:
        """Give a user other values.

        Args:
            name: of the user.
            values: of columns, by their names.

        Raises:
            Absent: there is no such user.
        """
        with self._session() as session:
            change = update(User).where(User.name == name).values(values).returning(User)
            user = session.scalar(change)
            if user is None:
                raise Absent(f"there is no user {name}")
            return _account(user)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with self._breaker.trying(), self._database.session() as session:
                yield session
        except DatabaseError as error:
            # Where the database is and what it said is no caller's business.
            raise AccountsAway("users cannot be looked up now: try again soon") from error


def _account(user: User) -> Account:
    # Of a hash, whose salt is new with each password and nowhere else.
    stamp = hashlib.sha256(user.password_hash.encode()).hexdigest()[:STAMP]
    return Account(user.id, user.name, user.role, user.disabled, user.created, stamp)
