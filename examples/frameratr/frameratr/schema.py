"""`python -m frameratr.schema`: runs schema.sql. The exit code says whether it went well."""
import sys
from pathlib import Path

import psycopg

from frameratr.database import Unavailable, conninfo


def main() -> int:
    schema = Path(__file__).resolve().parent.parent / "schema.sql"
    try:
        with psycopg.connect(conninfo()) as db:
            db.execute(schema.read_text())
            tables = db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchone()
    except (Unavailable, psycopg.Error) as error:
        print(f"schema.sql failed: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(f"schema.sql done: {tables[0]} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
