"""A small OpenID Connect provider at a public address: one user, who is always willing."""
import base64
import http.server
import json
import secrets
import ssl
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from harness.packets import Place, socket_in

PORT = 8443


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*words: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def certificate(folder: Path, authority: Path, address: str) -> Path:
    """A server certificate of Landfall's own authority, with its key."""
    key, request, signed, names = (folder / f"provider.{end}" for end in ("key", "csr", "crt", "ext"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out", str(request),
            "-subj", "/CN=provider")
    names.write_text(f"subjectAltName=IP:{address}\n")
    openssl("x509", "-req", "-in", str(request), "-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key"), "-set_serial",
            "4711", "-days", "2", "-extfile", str(names), "-out", str(signed))
    both = folder / "provider.pem"
    both.write_text(key.read_text() + signed.read_text())
    return both


class Provider:
    def __init__(self, place: Place, address: str, folder: Path, authority: Path):
        self.place, self.url = place, f"https://{address}:{PORT}"
        self.client, self.secret = "the-client", "hush/+& " + secrets.token_hex(8)
        self.claims = {"sub": "alice", "email": "alice@example.com", "name": "Älice"}
        self.access_s, self.gives_refresh, self.one_use = 3600, False, False
        self.ends = 0.0  # when the last access token expires
        self.broken: dict[str, int] = {}  # path: the status it answers with
        self.calls: list[str] = []  # paths, and what was granted
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()
        self.access_tokens: set[str] = set()
        self.key = folder / "jwks.key"
        openssl("genrsa", "-out", str(self.key), "2048")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate(folder, authority, address))
        self.server: http.server.ThreadingHTTPServer | None = None
        self.open()

    def open(self) -> None:
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - the library's name
                provider.answer(self, b"")

            def do_POST(self) -> None:  # noqa: N802
                provider.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.socket.close()
        raw = socket_in(self.place.namespace)
        raw.setsockopt(1, 2, 1)  # SO_REUSEADDR
        raw.bind(("0.0.0.0", PORT))
        self.server.socket = self.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def action(self, **changes) -> dict:
        """What stands before a rule's routing action."""
        config = {"Issuer": self.url, "AuthorizationEndpoint": self.url + "/authorize", "TokenEndpoint": self.url + "/token",
                  "UserInfoEndpoint": self.url + "/userinfo", "ClientId": self.client, "ClientSecret": self.secret, **changes}
        return {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {k: v for k, v in config.items() if v is not None}}

    def sign(self, claims: dict, **header) -> str:
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one", **header}, claims))
        return text + "." + base64url(openssl("dgst", "-sha256", "-sign", str(self.key), given=text.encode()))

    def token(self, **changes) -> str:
        claims = {"iss": self.url, "exp": int(time.time()) + 300, "scope": "read write", "aud": ["api", "web"], **changes}
        return self.sign({k: v for k, v in claims.items() if v is not None})

    def jwks(self) -> dict:
        modulus = openssl("rsa", "-in", str(self.key), "-noout", "-modulus").decode().strip().partition("=")[2]
        return {"keys": [{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "e": "AQAB", "n": base64url(bytes.fromhex(modulus))}]}

    def answer(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(request.path)
        self.calls.append(parts.path)
        if parts.path in self.broken:
            return self.say(request, self.broken[parts.path], {"error": "server_error"})
        if parts.path == "/authorize":
            asked = dict(parse_qsl(parts.query))
            assert asked["client_id"] == self.client and asked["response_type"] == "code", asked
            code = secrets.token_urlsafe(12)
            self.codes[code] = asked
            request.send_response(302)
            request.send_header("Location", asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"]}))
            request.send_header("Content-Length", "0")
            return request.end_headers()
        if parts.path == "/token":
            return self.say(request, *self.grant(request.headers, dict(parse_qsl(body.decode()))))
        if parts.path == "/userinfo":
            known = request.headers.get("Authorization", "").removeprefix("Bearer ") in self.access_tokens
            return self.say(request, 200 if known else 401, self.claims if known else {})
        if parts.path == "/jwks":
            return self.say(request, 200, self.jwks())
        return self.say(request, 404, {})

    def grant(self, headers, form: dict[str, str]) -> tuple[int, dict]:
        quoted = f"{percent(self.client)}:{percent(self.secret)}"
        if headers.get("Authorization") != "Basic " + base64.b64encode(quoted.encode()).decode():
            return 401, {"error": "invalid_client"}
        out = {"token_type": "Bearer", "expires_in": self.access_s, "access_token": secrets.token_urlsafe(16)}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
                return 400, {"error": "invalid_grant"}
            now = int(time.time())
            out["id_token"] = self.sign({"iss": self.url, "aud": self.client, "sub": self.claims["sub"], "iat": now, "exp": now + 300,
                                         "nonce": asked["nonce"]})
        elif form["refresh_token"] not in self.refresh_tokens:
            return 400, {"error": "invalid_grant"}
        elif self.one_use:
            self.refresh_tokens.remove(form["refresh_token"])
        self.ends = time.time() + self.access_s
        self.calls.append(form["grant_type"])
        self.access_tokens.add(out["access_token"])
        if self.gives_refresh:
            out["refresh_token"] = secrets.token_urlsafe(16)
            self.refresh_tokens.add(out["refresh_token"])
        return 200, out

    @staticmethod
    def say(request: http.server.BaseHTTPRequestHandler, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def percent(text: str) -> str:
    """RFC 3986: all but the unreserved characters."""
    return "".join(c if c.isalnum() or c in "-._~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)


def read_signed(token: str, public_pem: str, folder: Path) -> tuple[dict, dict]:
    """Header and claims of what a load balancer tells a target, after its signature was verified with the public key."""
    head, claims, signature = token.split(".")
    assert all(len(part) % 4 == 0 for part in (head, claims, signature)), "AWS pads"
    raw = base64.urlsafe_b64decode(signature)
    numbers = b"".join(bytes([2, len(n)]) + n for n in (integer(raw[:32]), integer(raw[32:])))
    (folder / "signature").write_bytes(bytes([0x30, len(numbers)]) + numbers)
    (folder / "public.pem").write_text(public_pem)
    openssl("dgst", "-sha256", "-verify", str(folder / "public.pem"), "-signature", str(folder / "signature"), given=f"{head}.{claims}".encode())
    first, second = (json.loads(base64.urlsafe_b64decode(part)) for part in (head, claims))
    return first, second


def integer(number: bytes) -> bytes:
    short = number.lstrip(b"\0") or b"\0"
    return b"\0" + short if short[0] & 0x80 else short
