"""E-mail alerts to the operators: de-duplicated, rate-limited, and never in anybody's way."""
