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
        eventually(lambda: balancer.counters()["ActiveConnectionCount"] >= wanted, 10)
        grown = (balancer.private_kib() - before) * 1000 / wanted
        print(f"{wanted} idle connections (RLIMIT_NOFILE {soft}): {grown:.0f} KiB per 1000")
        assert grown < 1024, "a connection that waits owns next to nothing"
        with balancer.connect() as another:
            assert ask(another)[0] == 200
        assert all(ask(conn)[0] == 200 for conn in idle[::500])
    finally:
        for conn in idle:
            conn.close()
    eventually(lambda: balancer.counters()["ActiveConnectionCount"] < 50, 20, what="all of them noticed to be gone")


def test_descriptors_run_out_and_come_back(proxy, target):
    balancer = proxy(threads=1, descriptors=100)
    balancer.apply([target.at()])
    old = balancer.connect()
    assert ask(old)[0] == 200
    crowd = []
    try:
        for _ in range(150):  # the kernel's queue takes those that the proxy cannot
            crowd.append(balancer.connect())
        eventually(lambda: balancer.counters().get("RejectedConnectionCount", 0) > 0, 10)
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
        late.settimeout(10)
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
        eventually(lambda: balancer.counters().get("RejectedConnectionCount", 0) > 0, 10)

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
    """Every target changes its mind at each check, half of them this way, half of them that way. Requests meet no error."""
    started = time.monotonic()

    def healthy(address: str) -> bool:
        parity = int(address.rsplit(".", 1)[1]) % 2
        return (int((time.monotonic() - started) / 1.5) + parity) % 2 == 0

    target = Target(healthy)
    balancer = proxy()
    try:
        targets = [target.at(f"127.0.{1 + number // 250}.{1 + number % 250}") for number in range(1000)]
        check = {"path": "/health", "interval_seconds": 1, "timeout_seconds": 1, "healthy_threshold": 1, "unhealthy_threshold": 1}
        balancer.apply(targets, check)

        def states() -> dict[str, str]:
            return {each["target"]: each["state"] for each in balancer.call("target-health")["health"]["targets"]}

        eventually(lambda: "initial" not in states().values(), 30, what="every target checked")
        seen: dict[str, set[str]] = {}
        asked, deadline = 0, time.monotonic() + 8
        with balancer.connect() as conn:
            while time.monotonic() < deadline:
                status, body = ask(conn)
                assert status == 200, (status, body)
                asked += 1
                if asked % 50 == 0:
                    for name, state in states().items():
                        seen.setdefault(name, set()).add(state)
        flapped = sum(len(each) > 1 for each in seen.values())
        print(f"{asked} requests, {flapped} of 1000 targets changed their state meanwhile")
        assert flapped > 500 and asked > 20
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

    idle = balancer.connect()
    assert ask(idle)[0] == 200
    threads = [threading.Thread(target=work) for work in [fresh_connections] * 2 + [one_connection] * 4]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            time.sleep(0.5)
            old = balancer.processes[-1]
            new = balancer.start(str(program))
            assert new.pid != old.pid
            time.sleep(0.5)
            if idle is not None:
                # It has been idle over the change, and gets its answer and the news that it is the last one.
                idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b"onnection: close" in idle.recv(4096)
                idle.close()
                idle = None
            old.wait(timeout=20)
            assert old.returncode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[:5]
    assert served.count("fresh") > 30 and served.count("kept") > 100, len(served)
    left = list((balancer.folder / "last-metrics").glob("*"))
    assert len(left) == 3, "the counts of those that have gone are kept for who reads them"


def test_half_open_and_slow_clients_go(proxy, target):
    balancer = proxy()
    balancer.apply([target.at()], idle_timeout_seconds=1)
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
    eventually(lambda: balancer.counters()["ActiveConnectionCount"] <= 1, 10)


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
    readable, _, _ = select.select(flooding, [], [], 10)
    assert len(readable) == 200
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
