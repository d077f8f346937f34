"""What a first version tends to be: Flask's own server, and ``model.predict`` for each request.

``python service.py MODEL PORT``
"""

import logging
import sys

import keras
import numpy as np
from flask import Flask, Response, jsonify, request


def create_app(path: str) -> Flask:
    """The application, with the model in a variable."""
    app = Flask(__name__)
    model = keras.saving.load_model(path, compile=False)

    @app.post("/")
    def classify() -> Response:
        pixels = np.frombuffer(request.get_data(), np.uint8).astype(np.float16)
        probabilities = model.predict(pixels.reshape(1, 128, 128, 3), verbose=0)
        return jsonify(message=str(int(np.argmax(probabilities))))

    return app


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    create_app(sys.argv[1]).run("127.0.0.1", int(sys.argv[2]))
