"""The HTTP surface."""
import logging
import os
import sys
from collections.abc import Mapping

from flask import Flask, jsonify, request

from frameratr.database import Database, Unavailable
from frameratr.movies import Movies, Upstream
from frameratr.tokens import Refused, Verifier

log = logging.getLogger("frameratr")
MOVIE = "id, title, released, overview"


class Bad(Exception):
    """What was sent cannot be understood."""


def number(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Bad(f"{name} must be a whole number from {low} to {high}")
    return value


def body() -> dict:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise Bad("a JSON object is needed")
    return sent


def create_app(settings: Mapping[str, str] = os.environ) -> Flask:
    logging.basicConfig(stream=sys.stdout, level=settings.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s")
    app = Flask("frameratr")
    database, movies, tokens = Database(settings), Movies(settings), Verifier(settings)

    def user() -> str:
        return tokens.user(request.headers.get("Authorization", ""))

    def known(movie: object) -> int:
        """The movie's id; one that only the outside API knows is copied first, so that ratings can point to it."""
        movie_id = number(movie, "movie_id", 1, 2**53)
        if not database.rows("SELECT 1 FROM movies WHERE id = %s", movie_id):
            found = movies.get(f"/movie/{movie_id}")
            database.rows("INSERT INTO movies (id, title, released, overview) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                          movie_id, found["title"], found.get("release_date") or None, found.get("overview", ""))
        return movie_id

    @app.errorhandler(Bad)
    def bad(error: Bad):
        return {"error": str(error)}, 400

    @app.errorhandler(Refused)
    def refused(error: Refused):
        return {"error": str(error)}, 401, {"WWW-Authenticate": "Bearer"}

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable):
        log.error("%s", error)
        return {"error": "the database is unavailable"}, 503

    @app.errorhandler(Upstream)
    def upstream(error: Upstream):
        log.error("%s", error)
        return {"error": "the movie API did not answer"}, 502

    @app.get("/health")
    def health():
        return {"ok": True}

    @app.get("/api/tmdb/search/movies")
    def search():
        wanted = request.args.get("q", "").strip()
        if not wanted:
            raise Bad("q is missing")
        return jsonify(movies.get("/search/movie", query=wanted))

    @app.get("/api/tmdb/trending/movies")
    def trending():
        return jsonify(movies.get("/trending/movie/week"))

    @app.get("/api/movies")
    def list_movies():
        return {"movies": database.rows(f"SELECT {MOVIE} FROM movies ORDER BY title, id LIMIT 100")}

    @app.get("/api/movies/<int:movie_id>")
    def get_movie(movie_id: int):
        found = database.rows(f"SELECT {MOVIE}, (SELECT round(avg(stars), 2)::float FROM ratings WHERE movie_id = movies.id)"
                              " AS stars FROM movies WHERE id = %s", movie_id)
        if not found:
            return {"error": f"no movie {movie_id}"}, 404
        reviews = database.rows("SELECT user_id, body, written_at FROM reviews WHERE movie_id = %s"
                                " ORDER BY written_at DESC LIMIT 20", movie_id)
        return {**found[0], "reviews": reviews}

    @app.post("/api/ratings")
    def rate():
        who, sent = user(), body()
        stars = number(sent.get("stars"), "stars", 1, 5)
        movie_id = known(sent.get("movie_id"))
        database.rows("INSERT INTO ratings (user_id, movie_id, stars) VALUES (%s, %s, %s) ON CONFLICT (user_id, movie_id)"
                      " DO UPDATE SET stars = excluded.stars, rated_at = now()", who, movie_id, stars)
        return {"movie_id": movie_id, "stars": stars}, 201

    @app.post("/api/reviews")
    def review():
        who, sent = user(), body()
        text = sent.get("body")
        if not isinstance(text, str) or not 1 <= len(text) <= 10000:
            raise Bad("body must be a text of 1 to 10000 characters")
        movie_id = known(sent.get("movie_id"))
        made = database.rows("INSERT INTO reviews (user_id, movie_id, body) VALUES (%s, %s, %s) RETURNING id", who, movie_id, text)
        return {"id": made[0]["id"], "movie_id": movie_id}, 201

    @app.get("/api/favorites/movies")
    def favorites():
        return {"movies": database.rows(f"SELECT {MOVIE} FROM movies JOIN favorites ON movie_id = id WHERE user_id = %s"
                                        " ORDER BY added_at DESC", user())}

    @app.put("/api/favorites/movies/<int:movie_id>")
    def add_favorite(movie_id: int):
        who = user()
        database.rows("INSERT INTO favorites (user_id, movie_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", who, known(movie_id))
        return "", 204

    @app.delete("/api/favorites/movies/<int:movie_id>")
    def remove_favorite(movie_id: int):
        database.rows("DELETE FROM favorites WHERE user_id = %s AND movie_id = %s", user(), movie_id)
        return "", 204

    return app
