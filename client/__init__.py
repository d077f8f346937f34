"""A client of the service, which needs nothing else of this repository.

    with Client("https://classifier.example") as client:
        prediction = client.classify(Path("photo.jpg").read_bytes())

``classify photo.jpg``, or ``python -m client photo.jpg``, does so from a shell.
"""

from client.client import Client
from client.errors import (
    ClientError,
    Denied,
    NoClassifier,
    Problem,
    Refused,
    Unavailable,
    Unreachable,
    WrongAddress,
    WrongToken,
)
from client.predictions import Explanation, Prediction

__all__ = [
    "Client",
    "ClientError",
    "Denied",
    "Explanation",
    "NoClassifier",
    "Prediction",
    "Problem",
    "Refused",
    "Unavailable",
    "Unreachable",
    "WrongAddress",
    "WrongToken",
]
