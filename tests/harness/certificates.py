"""Certificates for servers of the tests, signed by a Landfall's own authority or by nobody, through the openssl command."""
import http.server
import ssl
import subprocess
import threading
from pathlib import Path

from harness.server import Server


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificate(folder: Path, server: Server | None) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1: of the server's authority, or signed by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key, request, names = (folder / name for name in ("tls.crt", "tls.key", "tls.csr", "names"))
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    signed_by = ("-CA", server.data / "ca/ca.crt", "-CAkey", server.data / "ca/ca.key", "-set_serial", "7777") if server else (
        "-signkey", key)
    _openssl("x509", "-req", "-in", request, "-days", "2", "-extfile", names, "-out", certificate, *signed_by)
    return certificate, key


def serve_tls(handler: type, folder: Path, server: Server | None) -> http.server.ThreadingHTTPServer:
    """Serves on a free port of the loopback address in a thread of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder, server))
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listening.socket = context.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return listening
