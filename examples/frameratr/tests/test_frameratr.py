"""The service over PostgreSQL, with a stand-in of the outside movie API."""
import json
import threading
import time

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from frameratr import create_app
from frameratr.database import Unavailable, conninfo
from frameratr.movies import Movies
from frameratr.rotate import rotate
from frameratr.schema import main as run_schema
from standin.__main__ import create_standin
from werkzeug.serving import make_server


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def upstream():
    server = make_server("127.0.0.1", 0, create_standin("secret"), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/3"
    server.shutdown()
    thread.join()


@pytest.fixture
def settings(postgresql_url, upstream, key):
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"DATABASE_URL": postgresql_url, "TMDB_URL": upstream, "TMDB_TOKEN": "secret", "TMDB_SLEEP_SEC": "0",
            "JWT_PUBLIC_KEY": public.decode(), "JWT_ISSUER": "https://issuer.example"}


@pytest.fixture
def client(settings, monkeypatch):
    with psycopg.connect(settings["DATABASE_URL"]) as db:
        db.execute("DROP TABLE IF EXISTS favorites, reviews, ratings, movies")
    monkeypatch.setenv("DATABASE_URL", settings["DATABASE_URL"])
    assert run_schema() == 0
    return create_app(settings).test_client()


def bearer(key, **changes: object) -> dict[str, str]:
    claims = {"sub": "ann", "aud": "frameratr", "iss": "https://issuer.example", "exp": time.time() + 60, **changes}
    token = jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm="RS256")
    return {"Authorization": f"Bearer {token}"}


def test_health_needs_nothing():
    assert create_app({}).test_client().get("/health").json == {"ok": True}


def test_the_outside_api(client, settings):
    found = client.get("/api/tmdb/search/movies?q=batman").json
    assert [movie["title"] for movie in found["results"]] == ["Batman", "Batman Begins"]
    assert client.get("/api/tmdb/trending/movies").json["results"]
    assert client.get("/api/tmdb/search/movies").status_code == 400
    stranger = create_app({**settings, "TMDB_TOKEN": "wrong"}).test_client()
    assert stranger.get("/api/tmdb/trending/movies").status_code == 502


def test_requests_to_the_outside_api_are_spaced_and_kept(upstream):
    slept: list[float] = []
    movies = Movies({"TMDB_URL": upstream, "TMDB_TOKEN": "secret", "TMDB_SLEEP_SEC": "0.25"}, clock=lambda: 1000.0,
                    sleep=slept.append)
    for wanted in ("a", "b", "b", "c"):
        movies.get("/search/movie", query=wanted)
    assert slept == [0.25, 0.5]


def test_ratings_reviews_and_favorites(client, key):
    ann, bob = bearer(key), bearer(key, sub="bob")
    assert client.post("/api/ratings", json={"movie_id": 268, "stars": 5}, headers=ann).status_code == 201
    assert client.post("/api/ratings", json={"movie_id": 268, "stars": 2}, headers=bob).status_code == 201
    assert client.post("/api/ratings", json={"movie_id": 268, "stars": 4}, headers=ann).status_code == 201
    assert client.post("/api/reviews", json={"movie_id": 268, "body": "Dark."}, headers=ann).status_code == 201
    movie = client.get("/api/movies/268").json
    assert (movie["title"], movie["stars"]) == ("Batman", 3.0)
    assert [(one["user_id"], one["body"]) for one in movie["reviews"]] == [("ann", "Dark.")]
    assert [one["id"] for one in client.get("/api/movies").json["movies"]] == [268]

    assert client.put("/api/favorites/movies/19995", headers=ann).status_code == 204
    assert [one["title"] for one in client.get("/api/favorites/movies", headers=ann).json["movies"]] == ["Avatar"]
    assert client.get("/api/favorites/movies", headers=bob).json["movies"] == []
    assert client.delete("/api/favorites/movies/19995", headers=ann).status_code == 204
    assert client.get("/api/favorites/movies", headers=ann).json["movies"] == []


@pytest.mark.parametrize("sent", [None, [], {}, {"movie_id": 268}, {"movie_id": 268, "stars": 6}, {"movie_id": 268, "stars": True},
                                  {"movie_id": "268", "stars": 3}, {"movie_id": -1, "stars": 3}])
def test_what_cannot_be_understood(client, key, sent):
    assert client.post("/api/ratings", json=sent, headers=bearer(key)).status_code == 400


def test_tokens_that_must_not_be_believed(client, key):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    unsigned = jwt.encode({"sub": "ann", "aud": "frameratr", "exp": time.time() + 60}, None, algorithm="none")
    bad = [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic QTpC"}, {"Authorization": "Bearer x.y.z"},
           {"Authorization": f"Bearer {unsigned}"}, bearer(stranger), bearer(key, exp=time.time() - 1), bearer(key, exp=None),
           bearer(key, aud="another"), bearer(key, iss="https://elsewhere.example"), bearer(key, sub=None)]
    for headers in bad:
        answer = client.get("/api/favorites/movies", headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer", headers


def test_without_tables_or_database(settings, key):
    with psycopg.connect(settings["DATABASE_URL"]) as db:
        db.execute("DROP TABLE IF EXISTS favorites, reviews, ratings, movies")
    assert create_app(settings).test_client().get("/api/movies").status_code == 503
    client = create_app({"JWT_PUBLIC_KEY": settings["JWT_PUBLIC_KEY"]}).test_client()
    assert client.get("/api/movies").status_code == 503
    assert client.get("/health").status_code == 200
    with pytest.raises(Unavailable, match="DB_HOST, DB_NAME, DB_USER, DB_PASS"):
        conninfo({})


class Secrets:
    """Secrets Manager, as far as a rotation asks it."""

    class exceptions:  # noqa: N801 - boto3's name
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, current: dict):
        self.versions = {"": current}

    def get_secret_value(self, SecretId: str, VersionId: str = "") -> dict:  # noqa: N803
        if VersionId not in self.versions:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": json.dumps(self.versions[VersionId])}

    def put_secret_value(self, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list) -> None:  # noqa: N803
        assert VersionStages == ["AWSPENDING"]
        self.versions[ClientRequestToken] = json.loads(SecretString)

    def get_random_password(self, **_: object) -> dict:
        return {"RandomPassword": "fresh"}


def test_the_password_is_rotated(monkeypatch):
    held, said = {"password": "old"}, []

    class Connection:
        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, statement) -> None:
            said.append(statement.as_string(None))
            held["password"] = "fresh"

        def close(self) -> None:
            pass

    def connect(info: str) -> Connection:
        if f"password={held['password']}" not in info:
            raise psycopg.OperationalError("password authentication failed")
        return Connection()
    monkeypatch.setattr(psycopg, "connect", connect)
    secrets = Secrets({"DB_HOST": "h", "DB_NAME": "frameratr", "DB_USER": "fr_user", "DB_PASS": "old", "FLASK_PORT": "3000"})
    asked = {"SECRET_ARN": "arn", "CLIENT_REQUEST_TOKEN": "v2"}
    rotate(secrets, asked)
    assert secrets.versions["v2"] == {**secrets.versions[""], "DB_PASS": "fresh"}
    assert said == ["ALTER ROLE \"fr_user\" PASSWORD 'fresh'"]
    rotate(secrets, asked)  # again after a crash: nothing is left to do
    assert len(said) == 1
    held["password"] = "somebody else's"
    with pytest.raises(psycopg.OperationalError):
        rotate(secrets, asked)
