"""What the examples' tests share: their packages, and a PostgreSQL."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

for example in Path(__file__).resolve().parent.iterdir():
    if (example / "tests").is_dir():
        sys.path.insert(0, str(example))
SERVER = Path(os.environ.get("LANDFALL_TEST_ENGINES", "/var/lib/landfall-engines")) / "postgresql/16.6/bin"


@pytest.fixture(scope="session")
def postgresql_url():
    """TEST_DATABASE_URL, or a server of our own from tools/install-postgresql, on a socket only."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    if not (SERVER / "postgres").exists():
        pytest.skip("needs TEST_DATABASE_URL or tools/install-postgresql 16.6")
    folder = tempfile.mkdtemp(prefix="examples-")
    # PostgreSQL refuses to run as root.
    somebody = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    if somebody:
        shutil.chown(folder, "nobody")

    def run(program: str, *words: str) -> None:
        subprocess.run([*somebody, SERVER / program, "-D", f"{folder}/data", *words], check=True, cwd=folder,
                       stdout=subprocess.DEVNULL)
    try:
        run("initdb", "--username=example", "--auth=trust", "--no-sync")
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", f"-k {folder} -c listen_addresses= -c fsync=off", "start")
        try:
            yield f"postgresql://example@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder)
