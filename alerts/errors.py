"""What can go wrong between an alert and its readers.

    AlertError
    ├── BadCertificateFile  ALERT_SMTP_CA_FILE cannot be read
    ├── Refused             the mail server says no, and would say no again
    └── Unavailable         the mail server cannot be reached, or asks for another try

Refused and Unavailable never leave this package: whoever sends an alert has other work to do.
"""

from process.errors import Failure, UsageError


class AlertError(Failure):
    """The base of every error of this package."""


class BadCertificateFile(AlertError, UsageError):
    """The file of extra certificate authorities is missing or holds no certificate."""


class Refused(AlertError):
    """The server refuses the e-mail, the login or the encryption: a retry would not help."""


class Unavailable(AlertError):
    """The server did not answer, or answered that it cannot take the e-mail now."""
