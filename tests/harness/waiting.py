"""Waiting for what takes its time."""
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], within_s: float = 30, every_s: float = 0.1, what: str = "") -> Found:
    """The first truthy answer of `look`; an exception in it counts as not yet. Fails with the last answer."""
    deadline = time.monotonic() + within_s
    while True:
        last: object
        try:
            last = look()
            if last:
                return last
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not there yet
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:.0f} s: {what or look.__name__}; last: {last!r}")
        time.sleep(every_s)
