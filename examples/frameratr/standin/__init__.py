"""A stand-in for the outside movie API, for machines that do not reach it: the same routes over a handful of movies."""
