-- Run once by `python -m frameratr.schema`, and again without harm.
CREATE TABLE IF NOT EXISTS movies (
  id BIGINT PRIMARY KEY,
  title TEXT NOT NULL,
  released DATE,
  overview TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS ratings (
  user_id TEXT NOT NULL,
  movie_id BIGINT NOT NULL REFERENCES movies,
  stars SMALLINT NOT NULL CHECK (stars BETWEEN 1 AND 5),
  rated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, movie_id)
);
CREATE TABLE IF NOT EXISTS reviews (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id TEXT NOT NULL,
  movie_id BIGINT NOT NULL REFERENCES movies,
  body TEXT NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
  written_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS favorites (
  user_id TEXT NOT NULL,
  movie_id BIGINT NOT NULL REFERENCES movies,
  added_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, movie_id)
);
CREATE INDEX IF NOT EXISTS reviews_of_movie ON reviews (movie_id, written_at DESC);
