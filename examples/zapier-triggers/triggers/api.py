"""The HTTP surface: health, event intake, the inbox of unacknowledged events."""
import logging
import time
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, StringConstraints

from triggers.database import Store, Unavailable

log = logging.getLogger("triggers")
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class NewEvent(BaseModel):
    source: Name
    event_type: Name
    payload: dict[str, Any]


def create_api(store: Store) -> FastAPI:
    api = FastAPI(title="zapier-triggers")

    @api.middleware("http")
    async def log_request(request: Request, call_next):
        started = time.monotonic()
        response = await call_next(request)
        took_ms = (time.monotonic() - started) * 1000
        client = request.client.host if request.client else "-"
        log.info("%s %s %s %d %.1fms", client, request.method, request.url.path, response.status_code, took_ms)
        return response

    @api.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable):
        log.error("%s", error)
        return JSONResponse({"detail": "the database is unavailable"}, status_code=503)

    @api.get("/health")
    def health():
        return {"status": "healthy", "service": "zapier-triggers-api"}

    @api.post("/api/v1/events", status_code=201)
    def create(event: NewEvent):
        return store.add(event.source, event.event_type, event.payload)

    @api.get("/api/v1/inbox")
    def inbox(limit: Annotated[int, Query(ge=1, le=100)] = 50, cursor: Annotated[int, Query(ge=0)] = 0):
        events, next_cursor = store.pending(limit, cursor)
        return {"events": events, "count": len(events), "next_cursor": next_cursor}

    @api.get("/api/v1/events/{event_id}")
    def get(event_id: str):
        event = store.get(event_id)
        if event is None:
            raise HTTPException(404, f"no event {event_id}")
        return event

    @api.delete("/api/v1/events/{event_id}")
    def acknowledge(event_id: str):
        # Acknowledging twice is the same as once: a consumer that got no answer asks again.
        event = store.acknowledge(event_id)
        if event is None:
            raise HTTPException(404, f"no event {event_id}")
        return event

    return api
