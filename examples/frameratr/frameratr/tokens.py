"""Who asks: a JWT in `Authorization: Bearer`, signed (RS256) by whoever holds the other half of JWT_PUBLIC_KEY."""
import os
from collections.abc import Mapping

import jwt


class Refused(Exception):
    """No token, or one that must not be believed."""


class Verifier:
    def __init__(self, settings: Mapping[str, str] = os.environ):
        self.key = settings.get("JWT_PUBLIC_KEY", "").replace("\\n", "\n")
        self.issuer = settings.get("JWT_ISSUER", "")
        self.audience = settings.get("JWT_AUDIENCE", "frameratr")

    def user(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("a bearer token is needed")
        if not self.key:
            raise Refused("this service has no JWT_PUBLIC_KEY and believes nobody")
        try:
            # The algorithm is ours to choose, never the token's.
            claims = jwt.decode(token.strip(), self.key, algorithms=["RS256"], audience=self.audience,
                                issuer=self.issuer or None, options={"require": ["exp", "sub", "aud"]})
        except jwt.PyJWTError as error:
            raise Refused(str(error)) from error
        return claims["sub"]
