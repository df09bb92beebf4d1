"""The service over SQLite and over PostgreSQL."""
import pytest
from fastapi.testclient import TestClient

from triggers.api import create_api
from triggers.database import Unavailable, connect

EVENT = {"source": "stripe", "event_type": "payment.succeeded", "payload": {"amount": 100}}


@pytest.fixture(params=["sqlite", "postgresql"])
def client(request, tmp_path):
    url = f"sqlite:///{tmp_path}/events.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    store = connect(url, attempts=1, pause_s=0)
    with store.connection() as db:
        db.execute("DELETE FROM events")
    yield TestClient(create_api(store))
    store.close()


def test_health(client):
    assert client.get("/health").json() == {"status": "healthy", "service": "zapier-triggers-api"}


def test_an_event_stays_in_the_inbox_until_it_is_acknowledged(client):
    created = client.post("/api/v1/events", json=EVENT)
    assert created.status_code == 201
    event = created.json()
    assert {key: event[key] for key in EVENT} == EVENT and event["status"] == "pending"
    assert client.get("/api/v1/inbox").json()["events"] == [event]
    assert client.get(f"/api/v1/events/{event['id']}").json() == event

    gone = client.delete(f"/api/v1/events/{event['id']}").json()
    assert gone["status"] == "acknowledged"
    assert client.delete(f"/api/v1/events/{event['id']}").json() == gone
    assert client.get("/api/v1/inbox").json() == {"events": [], "count": 0, "next_cursor": None}
    assert client.get(f"/api/v1/events/{event['id']}").json() == gone


def test_the_inbox_is_read_in_pages(client):
    ids = [client.post("/api/v1/events", json=EVENT).json()["id"] for _ in range(5)]
    seen, cursor = [], 0
    while cursor is not None:
        page = client.get("/api/v1/inbox", params={"limit": 2, "cursor": cursor}).json()
        seen += [event["id"] for event in page["events"]]
        cursor = page["next_cursor"]
    assert seen == ids


@pytest.mark.parametrize("body", [{}, {**EVENT, "source": " "}, {**EVENT, "payload": 3}, {**EVENT, "event_type": "x" * 256}])
def test_a_bad_event_is_refused(client, body):
    assert client.post("/api/v1/events", json=body).status_code == 422


def test_unknown_event(client):
    assert client.get("/api/v1/events/nope").status_code == 404
    assert client.delete("/api/v1/events/nope").status_code == 404


@pytest.mark.parametrize("url, words", [
    ("mysql://h/db", "must begin with"),
    ("sqlite:////nowhere/at/all.db", "cannot open the SQLite file"),
    ("postgresql://u:secret@127.0.0.1:1/db", "127.0.0.1:1"),
])
def test_an_unusable_database_is_named_without_its_password(url, words):
    with pytest.raises(Unavailable) as raised:
        connect(url, attempts=2, pause_s=0)
    assert words in str(raised.value) and "secret" not in str(raised.value)
