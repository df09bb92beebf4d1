"""Takes events in from any source and keeps them until their consumer acknowledges them."""
