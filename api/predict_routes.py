"""The routes that classify images."""

from flask import Blueprint, Response, g, jsonify, request

from api.payloads import check_type, single_image
from api.service import service

routes = Blueprint("predict", __name__)


@routes.post("/")
def classify() -> Response:
    """Answer the raw bytes of one image with the index of its class."""
    check_type(request.mimetype, request.headers.get("Content-Encoding", ""))
    image = single_image(request.get_data(cache=False))
    service().holder.require()
    answer = service().batcher.submit(image, service().request_timeout)
    g.version = answer.version
    return jsonify(message=str(answer.index))
