"""The outside movie API: at most one request per TMDB_SLEEP_SEC, and each answer kept for a while."""
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import requests


class Upstream(Exception):
    """The movie API did not answer well."""


class Movies:
    KEPT = 500
    KEPT_FOR_S = 300

    def __init__(self, settings: Mapping[str, str] = os.environ, clock=time.monotonic, sleep=time.sleep):
        self.url = settings.get("TMDB_URL", "https://api.themoviedb.org/3").rstrip("/")
        self.pause_s = float(settings.get("TMDB_SLEEP_SEC", "0.25"))
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {settings.get('TMDB_TOKEN', '')}"
        self.clock = clock
        self.sleep = sleep
        self.lock = threading.Lock()
        self.next_at = 0.0
        self.kept: OrderedDict[tuple, tuple[float, Any]] = OrderedDict()

    def get(self, path: str, **query: str) -> Any:
        key = (path, *sorted(query.items()))
        with self.lock:
            until, answer = self.kept.get(key, (0.0, None))
            now = self.clock()
            if until > now:
                return answer
            # This request's turn is fixed under the lock; it is waited for outside.
            turn = max(now, self.next_at)
            self.next_at = turn + self.pause_s
        if turn > now:
            self.sleep(turn - now)
        try:
            said = self.session.get(self.url + path, params=query, timeout=10)
            said.raise_for_status()
            answer = said.json()
        except (requests.RequestException, ValueError) as error:
            raise Upstream(f"{self.url}{path}: {error}") from error
        with self.lock:
            self.kept[key] = (self.clock() + self.KEPT_FOR_S, answer)
            while len(self.kept) > self.KEPT:
                self.kept.popitem(last=False)
        return answer
