"""The client's side of ECS Exec: what session-manager-plugin does with the answer of ExecuteCommand."""
import base64
import hashlib
import json
import os
import select
import socket
import struct
import time
import uuid
from urllib.parse import urlsplit

OUTPUT, SIZE, HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE, HANDSHAKE_COMPLETE, FLAG = 1, 3, 5, 6, 7, 10


class WebSocket:
    """A client of RFC 6455, as far as a test needs it."""

    def __init__(self, url: str):
        at = urlsplit(url)
        assert at.scheme == "ws", url
        self.socket = socket.create_connection((at.hostname, at.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {at.path}?{at.query} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            assert byte, f"closed in the handshake: {head!r}"
            head += byte
        self.status = int(head.split()[1])
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            assert accept in head, head

    def send(self, data: bytes, opcode: int = 2) -> None:
        mask = os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self) -> tuple[int, bytes]:
        """Opcode and data of one frame; opcode 8 is the end."""
        try:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size == 126:
                size, = struct.unpack(">H", self._exactly(2))
            elif size == 127:
                size, = struct.unpack(">Q", self._exactly(8))
            return first & 0x0F, self._exactly(size)
        except (EOFError, ConnectionResetError):
            return 8, b""


class Session:
    """One session, from its handshake to its end."""

    def __init__(self, session: dict, token: str | None = None):
        self.web = WebSocket(session["streamUrl"])
        self.sequence, self.expected = 0, 0
        self.text, self.closed, self.ready = "", None, False
        if self.web.status != 101:
            self.closed = f"HTTP {self.web.status}"
            return
        self.web.send(json.dumps({"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()),
                                  "TokenValue": token or session["tokenValue"], "ClientId": str(uuid.uuid4()),
                                  "ClientVersion": "1.2.0.0"}).encode(), 1)

    def _send(self, kind: str, payload: bytes, payload_type: int = 0, sequence: int = 0, flags: int = 0) -> None:
        raw = uuid.uuid4().bytes
        self.web.send(struct.pack(">I32sIQqQ", 116, kind.encode().ljust(32), 1, int(time.time() * 1000), sequence, flags)
                      + raw[8:] + raw[:8] + hashlib.sha256(payload).digest() + struct.pack(">II", payload_type, len(payload))
                      + payload)

    def send(self, payload: bytes, payload_type: int = OUTPUT) -> None:
        self._send("input_stream_data", payload, payload_type, self.sequence)
        self.sequence += 1

    def type(self, text: str) -> None:
        self.send(text.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.send(json.dumps({"cols": columns, "rows": rows}).encode(), SIZE)

    def _take(self) -> None:
        opcode, data = self.web.receive()
        if opcode == 8:
            self.closed = self.closed if self.closed is not None else "the connection ended"
            return
        header, kind, _, _, sequence, _ = struct.unpack(">I32sIQqQ", data[:64])
        assert header == 116
        payload_type, size = struct.unpack(">II", data[112:120])
        payload = data[120:]
        assert len(payload) == size and hashlib.sha256(payload).digest() == data[80:112]
        kind = kind.decode().strip(" \0")
        if kind == "channel_closed":
            self.closed = json.loads(payload)["Output"]
            return
        if kind != "output_stream_data":
            return
        message_id = str(uuid.UUID(bytes=data[72:80] + data[64:72]))
        self._send("acknowledge", json.dumps({
            "AcknowledgedMessageType": kind, "AcknowledgedMessageId": message_id,
            "AcknowledgedMessageSequenceNumber": sequence, "IsSequentialMessage": True}).encode(), flags=3)
        if sequence != self.expected:
            return
        self.expected += 1
        if payload_type == HANDSHAKE_REQUEST:
            actions = json.loads(payload)["RequestedClientActions"]
            assert [action["ActionType"] for action in actions] == ["SessionType"], actions
            self.send(json.dumps({"ClientVersion": "1.2.0.0", "ProcessedClientActions": [
                {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""}],
                "Errors": []}).encode(), HANDSHAKE_RESPONSE)
        elif payload_type == HANDSHAKE_COMPLETE:
            self.ready = True
        elif payload_type == OUTPUT:
            self.text += payload.decode(errors="replace")

    def until(self, wanted, within_s: float = 20) -> str:
        """Reads until `wanted` (text that is shown, or a function of this session) is there."""
        there = wanted if callable(wanted) else (lambda session: wanted in session.text)
        deadline = time.monotonic() + within_s
        while not there(self):
            assert self.closed is None, f"closed ({self.closed!r}) before it was there; so far: {self.text!r}"
            assert time.monotonic() < deadline, f"not within {within_s} s; so far: {self.text!r}"
            if select.select([self.web.socket], [], [], 0.2)[0]:
                self._take()
        return self.text

    def end(self, within_s: float = 20) -> str:
        """Reads to the end; what the server said of it."""
        deadline = time.monotonic() + within_s
        while self.closed is None and time.monotonic() < deadline:
            if select.select([self.web.socket], [], [], 0.2)[0]:
                self._take()
        assert self.closed is not None, f"still open; so far: {self.text!r}"
        return self.closed

    def hang_up(self) -> None:
        self.web.socket.close()
