"""The Flask application, made of ready objects."""

from flask import Flask

from api import access, docs_routes, info_routes, model_routes, predict_routes
from api.payloads import MAX_BODY
from api.problems import answer_error
from api.service import Service

# What waits for nothing but the model, and so needs no thread of its own.
QUICK = (("POST", "/"), ("GET", "/health"), ("GET", "/ready"))


def create_app(behind: Service) -> Flask:
    """Make the application; it starts no thread and reads no environment."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["service"] = behind
    for module in (predict_routes, info_routes, model_routes, docs_routes):
        app.register_blueprint(module.routes)
    app.register_error_handler(Exception, answer_error)
    access.install(app)
    return app
