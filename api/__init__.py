"""The service: raw image bytes in, the production model's class out, over HTTP."""
