"""Traces by OpenTelemetry: where the time of a request goes.

None of it but the settings is imported unless it is on.
"""
