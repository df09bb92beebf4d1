"""PostgreSQL, from the DB_* variables that the task gets out of a secret."""
import os
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout


class Unavailable(Exception):
    """The database cannot be used; the text says what to look at."""


def conninfo(settings: Mapping[str, str] = os.environ) -> str:
    if settings.get("DATABASE_URL"):
        return settings["DATABASE_URL"]
    missing = [name for name in ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASS") if not settings.get(name)]
    if missing:
        raise Unavailable(f"not set: {', '.join(missing)}")
    return psycopg.conninfo.make_conninfo(
        host=settings["DB_HOST"], port=settings.get("DB_PORT", "5432"), dbname=settings["DB_NAME"],
        user=settings["DB_USER"], password=settings["DB_PASS"], connect_timeout=5)


class Database:
    """Connects when it is first asked: the service answers /health while the database is still being made."""

    def __init__(self, settings: Mapping[str, str] = os.environ):
        self.settings = settings
        self.pool: ConnectionPool | None = None

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Runs one statement in a transaction of its own; the rows it gives, if any."""
        try:
            if self.pool is None:
                self.pool = ConnectionPool(conninfo(self.settings), min_size=0, max_size=8, timeout=5, open=True,
                                           kwargs={"row_factory": dict_row}, check=ConnectionPool.check_connection)
            with self.pool.connection() as db:
                done = db.execute(sql, values)
                return done.fetchall() if done.description else []
        except psycopg.errors.UndefinedTable as error:
            raise Unavailable("the tables are missing: run `python -m frameratr.schema` in a task") from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable(f"PostgreSQL: {' '.join(str(error).split())}") from error
