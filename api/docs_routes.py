"""The description of this interface, for programs and for people; nothing is fetched elsewhere."""

from importlib import resources

import flask_openapi3_swagger
from flask import Blueprint, Response, current_app, jsonify

from api.errors import Absent
from api.operation import documented
from api.policy import strict
from api.service import service

routes = Blueprint("docs", __name__)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Image classifier</title>
<link rel="icon" href="docs/swagger.svg">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: new URL("openapi.json", window.location.href).href,
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
});
"""

SWAGGER = resources.files(flask_openapi3_swagger) / "templates" / "swagger"
ASSETS = {
    "swagger-ui-bundle.js": ("js", "text/javascript"),
    "swagger-ui.css": ("css", "text/css"),
    "swagger.svg": ("images", "image/svg+xml"),
}


@routes.get("/openapi.json")
@documented("{}", media_type="application/json")
def description() -> Response:
    """Describe this interface to programs, as OpenAPI 3.1."""
    from api import openapi  # what it takes is slow to import

    found = openapi.document(current_app)
    if (accounts := service().accounts) is not None:
        from api.accounts.description import secure

        found = secure(found, accounts.policy)
    return jsonify(found)


@routes.get("/docs")
def page() -> Response:
    """Describe this interface to people, by Swagger UI."""
    return strict(Response(PAGE, content_type="text/html; charset=utf-8"))


@routes.get("/docs/<name>")
def asset(name: str) -> Response:
    """A part of the page."""
    if name == "start.js":
        return strict(Response(START, content_type="text/javascript; charset=utf-8"))
    if name not in ASSETS:
        raise Absent(f"there is no {name} here; the page is at /docs")
    folder, media_type = ASSETS[name]
    content = (SWAGGER / folder / name).read_bytes()
    return strict(Response(content, content_type=f"{media_type}; charset=utf-8"))
