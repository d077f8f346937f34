"""From settings to an audit trail."""

from alerts.sender import AlertSender
from api.audit.buffer import Buffer
from api.audit.settings import AuditSettings
from api.audit.store import Store
from api.audit.trail import Trail
from api.audit.writer import BATCH, Writer
from database.database import Database
from images.encode import png


def open_trail(settings: AuditSettings, database: Database, alerts: AlertSender) -> Trail:
    """Make the trail of a service in a database; it writes nothing before its ``start()``."""
    buffer = Buffer(settings.buffer, BATCH)
    store = Store(database, png, settings.images_per_user)
    return Trail(buffer, Writer(buffer, store, alerts, settings), store, settings)
