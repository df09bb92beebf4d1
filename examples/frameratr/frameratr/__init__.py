"""FrameRatr's backend: movies, ratings, reviews and favorites over PostgreSQL, and a window to an outside movie API."""
from frameratr.api import create_app

__all__ = ["create_app"]
