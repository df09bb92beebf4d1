"""Serves on STANDIN_PORT (4000); TMDB_TOKEN is the token it asks for."""
import os

from flask import Flask, request

MOVIES = [
    {"id": 268, "title": "Batman", "release_date": "1989-06-21", "overview": "A city, a bat, a clown."},
    {"id": 272, "title": "Batman Begins", "release_date": "2005-06-10", "overview": "How he came to it."},
    {"id": 123, "title": "The Lord of the Rings", "release_date": "1978-11-15", "overview": "A ring has to go."},
    {"id": 19995, "title": "Avatar", "release_date": "2009-12-15", "overview": "A far moon."},
]


def create_standin(token: str) -> Flask:
    app = Flask("standin")

    @app.before_request
    def authenticate():
        if request.path != "/health" and request.headers.get("Authorization") != f"Bearer {token}":
            return {"status_code": 7, "status_message": "Invalid API key: You must be granted a valid key."}, 401
        return None

    def page(found: list[dict]) -> dict:
        return {"page": 1, "results": found, "total_pages": 1, "total_results": len(found)}

    @app.get("/health")
    def health():
        return {"ok": True}

    @app.get("/3/search/movie")
    def search():
        wanted = request.args.get("query", "").lower()
        return page([movie for movie in MOVIES if wanted in movie["title"].lower()])

    @app.get("/3/trending/movie/<window>")
    def trending(window: str):
        return page(MOVIES[::-1]) if window in ("day", "week") else ({"status_message": "Invalid time window"}, 400)

    @app.get("/3/movie/<int:movie_id>")
    def movie(movie_id: int):
        found = next((one for one in MOVIES if one["id"] == movie_id), None)
        return found or ({"status_code": 34, "status_message": "The resource you requested could not be found."}, 404)

    return app


if __name__ == "__main__":
    create_standin(os.environ.get("TMDB_TOKEN", "")).run(host="0.0.0.0", port=int(os.environ.get("STANDIN_PORT", "4000")))
