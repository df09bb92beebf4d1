"""Starts the service: first the database, then the port, so that a task that listens can also answer."""
import logging
import os
import signal
import sys

import uvicorn

from triggers.api import create_api
from triggers.database import Unavailable, connect

log = logging.getLogger("triggers")


def main() -> int:
    logging.basicConfig(
        stream=sys.stdout, level=os.environ.get("LOG_LEVEL", "INFO"),
        format="%(asctime)s %(levelname)s %(message)s")
    try:
        store = connect(
            os.environ.get("DATABASE_URL", "sqlite:///triggers.db"),
            attempts=int(os.environ.get("DATABASE_ATTEMPTS", "5")),
            pause_s=float(os.environ.get("DATABASE_PAUSE_SECONDS", "2")))
    except Unavailable as error:
        log.error("giving up: %s", error)
        return 1
    port = int(os.environ.get("PORT", "8000"))
    log.info("listening on port %d", port)
    # On SIGTERM uvicorn stops accepting, finishes what it has begun and raises the signal again, which must not
    # end the process before the store is closed.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(create_api(store), host="0.0.0.0", port=port, log_config=None, access_log=False,
                timeout_graceful_shutdown=20)
    store.close()
    log.info("stopped")
    return 0


sys.exit(main())
