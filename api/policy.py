"""What our pages may load and ask: nothing but what this service itself answers."""

from flask import Response

# Pictures may stand in a style or an answer as data.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def strict(response: Response) -> Response:
    """The response, which a browser holds to that policy."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
