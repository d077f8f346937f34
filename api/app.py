"""The Flask application, made of ready objects."""

from flask import Flask

from api import access, docs_routes, info_routes, model_routes, predict_routes
from api.audit import routes as audit_routes
from api.inference import routes as inference_routes
from api.inference.problems import answer_error
from api.page import routes as page_routes
from api.payloads import MAX_BODY
from api.service import Service

# What waits for nothing but the model, and so needs no thread of its own; with accounts also for
# the database, but for probes.
PROBES = (("GET", "/health"), ("GET", "/ready"))
QUICK = (("POST", "/"), *PROBES)

MODULES = (
    predict_routes,
    inference_routes,
    info_routes,
    model_routes,
    docs_routes,
    page_routes,
    audit_routes,
)


def create_app(behind: Service) -> Flask:
    """Make the application; it starts no thread and reads no environment."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["service"] = behind
    for module in MODULES:
        app.register_blueprint(module.routes)
    app.register_error_handler(Exception, answer_error)
    if behind.tracing is not None:
        behind.tracing.install(app)
    access.install(app)
    if behind.accounts is not None:
        # What they are made of takes as long to import as all the rest.
        from api.accounts import guard
        from api.accounts import routes as accounts_routes

        app.register_blueprint(accounts_routes.routes)
        guard.install(app, behind.accounts)
    return app
