"""Questions to the DNS of a VPC, from inside of it."""
import random
import socket
import struct

from harness.packets import Place, socket_in

KINDS = {"A": 1, "PTR": 12}
ANYWHERE = "169.254.169.253"


def ask(place: Place, name: str, kind: str = "A", server: str = ANYWHERE, timeout_s: float = 2.0) -> list[str] | None:
    """The answers' addresses (or names); [] when there is no such name or record, None when nobody answers."""
    number = random.randrange(65536)
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0" + struct.pack(">HH", KINDS[kind], 1)
    with socket_in(place.namespace, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        try:
            asking.connect((server, 53))
            asking.send(struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + question)
            reply = asking.recv(4096)
        except (TimeoutError, ConnectionRefusedError):
            return None
    assert struct.unpack(">H", reply[:2])[0] == number
    count, at, found = struct.unpack(">H", reply[6:8])[0], 12 + len(question), []
    for _ in range(count):
        _, at = read_name(reply, at)
        got, _, _, size = struct.unpack(">HHIH", reply[at:at + 10])
        at += 10
        if got == KINDS["A"]:
            found.append(socket.inet_ntoa(reply[at:at + 4]))
        elif got == KINDS["PTR"]:
            found.append(read_name(reply, at)[0])
        at += size
    return found


def read_name(message: bytes, at: int) -> tuple[str, int]:
    """A name, and where what follows it begins."""
    parts, after = [], None
    while message[at]:
        if message[at] & 0xC0:
            after = after or at + 2
            at = (message[at] & 0x3F) << 8 | message[at + 1]
            continue
        parts.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(parts), after or at + 1


def outside(name: str) -> list[str]:
    """What programs of the host find in /etc/hosts."""
    lines = open("/etc/hosts").read().splitlines()
    return [words[0] for words in (line.split("#")[0].split() for line in lines) if name in words[1:]]
