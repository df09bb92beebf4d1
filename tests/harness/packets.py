"""Real packets from and to network interfaces: sockets opened inside an interface's network namespace."""
import ctypes
import os
import socket
import threading
from pathlib import Path

from harness.waiting import eventually

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PATIENCE_S = 3.0
SILENCE_S = 0.3  # a firewall drops: nothing comes back, and this long is waited for it


def enter(namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns (run the tests as root)")


def socket_in(namespace: str | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket stays in the namespace it was made in; None is the host's."""
    if namespace is None:
        return socket.socket(socket.AF_INET, kind)
    home, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(namespace, os.O_RDONLY)
    try:
        enter(there)
        try:
            return socket.socket(socket.AF_INET, kind)
        finally:
            enter(home)
    finally:
        os.close(home)
        os.close(there)


class Listener:
    """Answers every TCP connection with the address it came from, and echoes what follows."""

    def __init__(self, namespace: str | None, port: int):
        self.socket = socket_in(namespace)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("0.0.0.0", port))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection, peer[0]), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket, peer: str) -> None:
        try:
            connection.sendall(peer.encode() + b"\n")
            while received := connection.recv(4096):
                connection.sendall(received)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Place:
    """Where packets come from and go to: an interface's namespace, or the host (no id)."""

    def __init__(self, interface: str | None = None):
        self.interface = interface
        self.listeners: list[Listener] = []

    @property
    def namespace(self) -> str | None:
        if self.interface is None:
            return None
        # A VPC comes into being with its first interface, a moment after the call.
        return eventually(lambda: [str(path) for path in Path("/run/netns").glob(f"lf-*-{self.interface}")],
                          within_s=PATIENCE_S, every_s=0.01, what=f"a namespace of {self.interface}")[0]

    def listen(self, port: int) -> Listener:
        self.listeners.append(Listener(self.namespace, port))
        return self.listeners[-1]

    def connect(self, address: str, port: int, timeout_s: float = PATIENCE_S) -> "Connection":
        connecting = socket_in(self.namespace)
        connecting.settimeout(timeout_s)
        try:
            connecting.connect((address, port))
            return Connection(connecting)
        except OSError:
            connecting.close()
            raise

    def seen_as(self, address: str, port: int) -> str:
        """The address under which a listener at address:port sees this place."""
        connection = self.connect(address, port)
        try:
            return connection.greeting
        finally:
            connection.close()

    def reaches(self, address: str, port: int, timeout_s: float = SILENCE_S) -> bool:
        """False only for silence: a refusal is an answer, which a firewall that drops does not give."""
        try:
            self.connect(address, port, timeout_s).close()
            return True
        except TimeoutError:
            return False

    def connects(self, address: str, port: int, timeout_s: float = 1.0) -> bool:
        """The same for a server of its own kind, which does not greet."""
        with socket_in(self.namespace) as connecting:
            connecting.settimeout(timeout_s)
            try:
                connecting.connect((address, port))
                return True
            except TimeoutError:
                return False

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()
        self.listeners = []


class Connection:
    def __init__(self, connected: socket.socket):
        self.socket = connected
        self.greeting = b"".join(iter(lambda: connected.recv(1), b"\n")).decode()

    def echoes(self, timeout_s: float = PATIENCE_S) -> bool:
        """Does the connection still carry bytes in both directions?"""
        self.socket.settimeout(timeout_s)
        try:
            self.socket.sendall(b"x")
            return self.socket.recv(1) == b"x"
        except (TimeoutError, ConnectionError):
            return False

    def close(self) -> None:
        self.socket.close()
