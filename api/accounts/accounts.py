"""The ready objects behind accounts, made of the settings."""

import logging
from dataclasses import dataclass

from argon2 import PasswordHasher

from api.accounts.passwords import Passwords
from api.accounts.policy import Policy, make_policy
from api.accounts.rates import Rate
from api.accounts.recent import RecentUsers
from api.accounts.settings import AccountsSettings
from api.accounts.tokens import Tokens
from api.accounts.users import Users
from database.database import Database
from database.errors import DatabaseAway

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accounts:
    """Who may ask the service.

    Attributes:
        users: all of them.
        recent: those who were looked up lately.
        passwords: makes and checks hashes.
        tokens: makes and reads tokens.
        policy: whom each route is for.
        logins: how often passwords may be tried.
        requests: how often a user may ask.
        proxies: how many of ours stand before the service.
    """

    users: Users
    recent: RecentUsers
    passwords: Passwords
    tokens: Tokens
    policy: Policy
    logins: Rate
    requests: Rate
    proxies: int


def open_accounts(
    settings: AccountsSettings, database: Database, hasher: PasswordHasher | None = None
) -> Accounts:
    """Accounts as the settings ask for them; the database may be away meanwhile.

    Args:
        settings: which are enabled.
        database: where users are.
        hasher: of passwords.

    Raises:
        SettingsError: a rate is none.
        WrongSchema: the database must be upgraded.
    """
    users = Users(database)
    accounts = Accounts(
        users=users,
        recent=RecentUsers(users.get, settings.grace_seconds),
        passwords=Passwords(hasher or PasswordHasher()),
        tokens=Tokens(settings.keys, settings.token_seconds),
        policy=make_policy(settings),
        logins=Rate(settings.login_rate, "ACCOUNTS_LOGIN_RATE"),
        requests=Rate(settings.request_rate, "ACCOUNTS_REQUEST_RATE"),
        proxies=settings.proxies,
    )
    try:
        database.check()
    except DatabaseAway as error:
        logger.warning("nobody can log in before it is back: %s", error)
    return accounts
