"""Real clients against a real server: what the conformance and system tests are written with."""
