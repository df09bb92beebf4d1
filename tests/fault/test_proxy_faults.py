"""What a load balancer meets: floods of idle clients, no descriptors left, targets that come and go by the hundred, a new binary
under load. All against a process of its own, without a server."""
import resource
import select
import shutil
import socket
import threading
import time

import pytest

from harness.proxy import Proxy, Target, ask
from harness.server import binary
from harness.waiting import eventually


@pytest.fixture
def target():
    made = Target()
    yield made
    made.close()


@pytest.fixture
def proxy():
    made = []

    def make(**options) -> Proxy:
        made.append(Proxy(**options))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_ten_thousand_idle_connections(proxy, target):
    """Memory stays bounded, everybody is still served. Limits cannot be raised, so it is as many as the limit allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(10_000, soft - 500)
    assert wanted >= 1000, f"RLIMIT_NOFILE of {soft} is too low to tell"
    balancer = proxy()
    balancer.apply([target.at()], idle_timeout_seconds=600)
    with balancer.connect() as first:
        assert ask(first)[0] == 200
    before = balancer.private_kib()
    idle = []
    try:
        for number in range(wanted):
            idle.append(balancer.connect())
            if number % 10 == 0:
                assert ask(idle[-1])[0] == 200
        eventually(lambda: balancer.counters()["ActiveConnectionCount"] >= wanted, 60)
        grown = (balancer.private_kib() - before) * 1000 / wanted
        print(f"{wanted} idle connections (RLIMIT_NOFILE {soft}): {grown:.0f} KiB per 1000")
        assert grown < 1024, "a connection that waits owns next to nothing"
        with balancer.connect() as another:
            assert ask(another)[0] == 200
        assert all(ask(conn)[0] == 200 for conn in idle[::500])
    finally:
        for conn in idle:
            conn.close()
    eventually(lambda: balancer.counters()["ActiveConnectionCount"] < 50, 60, what="all of them noticed to be gone")


def test_descriptors_run_out_and_come_back(proxy, target):
    balancer = proxy(threads=1, descriptors=100)
    balancer.apply([target.at()])
    old = balancer.connect()
    assert ask(old)[0] == 200
    crowd = []
    try:
        for _ in range(150):  # the kernel's queue takes those that the proxy cannot
            crowd.append(balancer.connect())
        eventually(lambda: balancer.counters().get("RejectedConnectionCount", 0) > 0, 60)
        used = time.thread_time()
        # Who was there before is served all the while, by the connection to the target that is there, too.
        for _ in range(20):
            assert ask(old)[0] == 200
        assert time.thread_time() - used < 5
        late = crowd.pop()
        late.settimeout(0.5)
        with pytest.raises(TimeoutError):
            ask(late)
        for conn in crowd:
            conn.close()
        crowd.clear()
        late.settimeout(60)
        assert late.recv(65536).startswith(b"HTTP/1.1 200"), "what it had asked is answered now"
        with balancer.connect() as another:
            assert ask(another)[0] == 200
        assert ask(old)[0] == 200
        late.close()
    finally:
        old.close()
        for conn in crowd:
            conn.close()


def test_accepting_pauses_without_burning_time(proxy, target):
    balancer = proxy(threads=1, descriptors=60)
    balancer.apply([target.at()])
    crowd = [balancer.connect() for _ in range(80)]
    try:
        eventually(lambda: balancer.counters().get("RejectedConnectionCount", 0) > 0, 60)

        def cpu_s() -> float:
            fields = open(f"/proc/{balancer.processes[-1].pid}/stat").read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / 100

        before = cpu_s()
        time.sleep(1)
        assert cpu_s() - before < 0.3
    finally:
        for conn in crowd:
            conn.close()


def test_a_thousand_flapping_targets(proxy):
    """Every target changes its mind again and again, half of them this way, half of them that way. Requests meet no error."""
    turn = 0

    def healthy(address: str) -> bool:
        return (turn + int(address.rsplit(".", 1)[1])) % 2 == 0

    target = Target(healthy)
    balancer = proxy()
    try:
        targets = [target.at(f"127.0.{1 + number // 250}.{1 + number % 250}") for number in range(1000)]
        check = {"path": "/health", "interval_seconds": 1, "timeout_seconds": 1, "healthy_threshold": 1, "unhealthy_threshold": 1}
        balancer.apply(targets, check)

        def states() -> dict[str, str]:
            return {each["target"]: each["state"] for each in balancer.call("target-health")["health"]["targets"]}

        eventually(lambda: "initial" not in states().values(), 60, what="every target checked")
        asked = 0
        with balancer.connect() as conn:

            def turned() -> bool:
                """Most targets are what this turn makes them, so most have changed since the last one."""
                nonlocal asked
                for _ in range(20):
                    status, body = ask(conn)
                    assert status == 200, (status, body)
                    asked += 1
                return sum((state == "healthy") == healthy(name) for name, state in states().items()) > 750

            for turn in range(4):
                deadline = time.monotonic() + 240
                while not turned():
                    assert time.monotonic() < deadline, f"most targets change their state in turn {turn}"
        print(f"{asked} requests while a thousand targets flapped")
        # A snapshot in the middle of it, with half of the targets, is in force at once.
        balancer.apply(targets[:500], check)
        assert len(states()) == 500
    finally:
        target.close()


def test_a_new_binary_takes_over_under_load(proxy, target):
    """Old connections are served to their end, new ones by the successor; nobody is refused and no answer is lost."""
    balancer = proxy()
    balancer.apply([target.at()])
    program = balancer.folder / "landfall-of-tomorrow"
    shutil.copy(binary(), program)
    stop, failures, served = threading.Event(), [], []

    def fresh_connections() -> None:
        while not stop.is_set():
            try:
                with balancer.connect() as conn:
                    assert ask(conn)[0] == 200
                served.append("fresh")
            except (OSError, AssertionError) as error:
                failures.append(("fresh", repr(error)))

    def one_connection() -> None:
        conn = balancer.connect()
        while not stop.is_set():
            try:
                conn.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                data = b""
                while b"127.0.0.1" not in data:
                    part = conn.recv(4096)
                    assert part, f"ended after {data!r}"
                    data += part
                assert data.startswith(b"HTTP/1.1 200"), data
                served.append("kept")
                if b"onnection: close" in data:  # told so, and not by surprise
                    conn.close()
                    conn = balancer.connect()
            except (OSError, AssertionError) as error:
                failures.append(("kept", repr(error)))
                conn = balancer.connect()
        conn.close()

    def go_on() -> None:
        """Both kinds are served some more."""
        before = {kind: served.count(kind) for kind in ("fresh", "kept")}
        eventually(lambda: failures or all(served.count(kind) > before[kind] + 20 for kind in before), 60)

    idle = balancer.connect()
    assert ask(idle)[0] == 200
    threads = [threading.Thread(target=work) for work in [fresh_connections] * 2 + [one_connection] * 4]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            go_on()
            old = balancer.processes[-1]
            new = balancer.start(str(program))
            assert new.pid != old.pid
            go_on()
            if idle is not None:
                # It has been idle over the change, and gets its answer and, once the old one drains, the news that it is the last.
                last = False
                while not last:
                    idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    data = b""
                    while b"127.0.0.1" not in data:
                        part = idle.recv(4096)
                        assert part, f"ended after {data!r}"
                        data += part
                    last = b"onnection: close" in data
                idle.close()
                idle = None
            old.wait(timeout=60)
            assert old.returncode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[:5]
    left = list((balancer.folder / "last-metrics").glob("*"))
    assert len(left) == 3, "the counts of those that have gone are kept for who reads them"


def test_half_open_and_slow_clients_go(proxy, target):
    balancer = proxy()
    balancer.apply([target.at()], idle_timeout_seconds=3)
    silent = [balancer.connect() for _ in range(50)]
    dripping = balancer.connect()
    dripping.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    half_closed = balancer.connect()
    half_closed.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    half_closed.shutdown(socket.SHUT_WR)
    # The target, which takes no POST, may say so before the end is seen.
    answer = half_closed.recv(65536)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 501"), "half a request has no answer"
    assert dripping.recv(65536).startswith(b"HTTP/1.1 408")
    for conn in silent:
        assert conn.recv(1) == b""
        conn.close()
    dripping.close()
    half_closed.close()
    eventually(lambda: balancer.counters()["ActiveConnectionCount"] <= 1, 60)


def test_header_floods_are_bounded(proxy, target):
    balancer = proxy()
    balancer.apply([target.at()])
    with balancer.connect() as conn:
        assert ask(conn)[0] == 200
    before = balancer.private_kib()
    flooding = [balancer.connect() for _ in range(200)]
    for conn in flooding:
        conn.setblocking(False)
    line = b"X-Flood: " + b"f" * 1000 + b"\r\n"
    answered = set()
    for conn in flooding:
        try:
            conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        except OSError:
            pass
    for _ in range(100):
        for conn in flooding:
            if conn in answered:
                continue
            try:
                conn.send(line)
            except BlockingIOError:
                pass
            except OSError:
                answered.add(conn)
        time.sleep(0.005)
    grown = balancer.private_kib() - before
    assert grown < 40 * 1024, f"{grown} KiB for 200 floods"
    eventually(lambda: len(select.select(flooding, [], [], 0)[0]) == 200, 60, what="all of them are answered")
    heads = []
    for conn in flooding:
        try:
            heads.append(conn.recv(12))
        except OSError:
            pass
    assert heads and set(heads) == {b"HTTP/1.1 400"}
    with balancer.connect() as conn:
        assert ask(conn)[0] == 200
    for conn in flooding:
        conn.close()
