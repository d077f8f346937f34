"""A clock for tests."""


class Clock:
    """Seconds that go on when they are told to; they begin anywhere."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
