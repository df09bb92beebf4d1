"""Keeps events in SQLite or PostgreSQL, whichever DATABASE_URL names."""
import json
import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

log = logging.getLogger("triggers")

TABLE = """
CREATE TABLE IF NOT EXISTS events (
  position {serial},
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at TEXT NOT NULL,
  acknowledged_at TEXT
)"""
INDEX = "CREATE INDEX IF NOT EXISTS events_pending ON events (position) WHERE acknowledged_at IS NULL"
COLUMNS = "position, id, source, event_type, payload, created_at, acknowledged_at"


class Unavailable(Exception):
    """The database cannot be used; the text says what to look at."""


class Connection(Protocol):
    def execute(self, sql: str, values: tuple = ()) -> Any: ...


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def event_of(row: tuple) -> dict[str, Any]:
    _, event_id, source, event_type, payload, created_at, acknowledged_at = row
    return {
        "id": event_id, "source": source, "event_type": event_type, "payload": json.loads(payload),
        "status": "acknowledged" if acknowledged_at else "pending",
        "created_at": created_at, "acknowledged_at": acknowledged_at,
    }


class Store:
    """Events over a `connection()` that a subclass provides; statements are written with ? for values."""

    serial = ""

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def create_tables(self) -> None:
        with self.connection() as db:
            db.execute(TABLE.format(serial=self.serial))
            db.execute(INDEX)

    def add(self, source: str, event_type: str, payload: dict) -> dict[str, Any]:
        values = (str(uuid.uuid4()), source, event_type, json.dumps(payload), now())
        with self.connection() as db:
            row = db.execute(
                "INSERT INTO events (id, source, event_type, payload, created_at) VALUES (?, ?, ?, ?, ?)"
                f" RETURNING {COLUMNS}", values).fetchone()
        return event_of(row)

    def pending(self, limit: int, after: int) -> tuple[list[dict[str, Any]], int | None]:
        with self.connection() as db:
            rows = db.execute(
                f"SELECT {COLUMNS} FROM events WHERE acknowledged_at IS NULL AND position > ?"
                " ORDER BY position LIMIT ?", (after, limit + 1)).fetchall()
        more = len(rows) > limit
        rows = rows[:limit]
        return [event_of(row) for row in rows], rows[-1][0] if more else None

    def get(self, event_id: str) -> dict[str, Any] | None:
        with self.connection() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM events WHERE id = ?", (event_id,)).fetchone()
        return event_of(row) if row else None

    def acknowledge(self, event_id: str) -> dict[str, Any] | None:
        with self.connection() as db:
            row = db.execute(
                "UPDATE events SET acknowledged_at = COALESCE(acknowledged_at, ?) WHERE id = ?"
                f" RETURNING {COLUMNS}", (now(), event_id)).fetchone()
        return event_of(row) if row else None


class SqliteStore(Store):
    serial = "INTEGER PRIMARY KEY AUTOINCREMENT"

    def __init__(self, path: str):
        self.lock = threading.Lock()
        try:
            self.db = sqlite3.connect(path, check_same_thread=False)
        except sqlite3.Error as error:
            raise Unavailable(f"cannot open the SQLite file {path}: {error}") from error

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with self.lock:
            try:
                with self.db:
                    yield self.db
            except sqlite3.Error as error:
                raise Unavailable(f"SQLite: {error}") from error

    def close(self) -> None:
        self.db.close()


class PostgresConnection:
    def __init__(self, db: psycopg.Connection):
        self.db = db

    def execute(self, sql: str, values: tuple = ()):
        return self.db.execute(sql.replace("?", "%s"), values)


class PostgresStore(Store):
    serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"

    def __init__(self, url: str):
        # One plain connection first: its error is the server's own words, a pool only says that it timed out.
        try:
            with closing(psycopg.connect(url, connect_timeout=5)):
                pass
        except psycopg.Error as error:
            raise Unavailable(explain(url, error)) from error
        self.pool = ConnectionPool(
            url, min_size=1, max_size=5, timeout=5, open=True, kwargs={"connect_timeout": 5},
            check=ConnectionPool.check_connection)

    def create_tables(self) -> None:
        with self.connection() as db:
            # IF NOT EXISTS is not safe against another task that starts at the same moment.
            db.execute("SELECT pg_advisory_xact_lock(8000)")
            db.execute(TABLE.format(serial=self.serial))
            db.execute(INDEX)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        try:
            with self.pool.connection() as db:
                yield PostgresConnection(db)
        except (psycopg.Error, PoolTimeout) as error:
            raise Unavailable(f"PostgreSQL: {error}") from error

    def close(self) -> None:
        self.pool.close()


def explain(url: str, error: psycopg.Error) -> str:
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or 5432}"
    name = parts.path.lstrip("/")
    said = " ".join(str(error).split())
    if "does not exist" in said and "database" in said:
        return f'database "{name}" does not exist at {where}; create it: CREATE DATABASE {name}; ({said})'
    if "password authentication" in said:
        return f"{where} refuses user {parts.username}: wrong password ({said})"
    if "timeout" in said or "timed out" in said:
        return f"cannot reach {where}: no answer; does its security group allow the port from here? ({said})"
    return f"cannot use database {name} at {where}: {said}"


def open_store(url: str) -> Store:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return SqliteStore(url.removeprefix("sqlite:///") or ":memory:")
    if scheme in ("postgres", "postgresql"):
        return PostgresStore(url)
    raise Unavailable(f"DATABASE_URL must begin with sqlite:/// or postgresql://, not '{scheme}'")


def connect(url: str, attempts: int, pause_s: float) -> Store:
    """Opens the store and makes its tables; raises Unavailable after `attempts` failures."""
    for attempt in range(1, attempts + 1):
        try:
            store = open_store(url)
            store.create_tables()
            return store
        except Unavailable as error:
            if attempt == attempts:
                raise
            log.warning("attempt %d of %d: %s", attempt, attempts, error)
            time.sleep(pause_s)
    raise AssertionError("attempts must be at least 1")
