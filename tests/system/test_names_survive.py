"""Names inside a VPC are answered by a process of its own: kill -9 of `serve` is not noticed, kill -9 of that process is healed at
once, and a newer binary takes over without a question lost."""
import os
import signal
from pathlib import Path

import pytest
import requests

from harness.clients import Clients
from harness.dns import ask
from harness.leaks import serving
from harness.packets import Place
from harness.server import REGION, Server, binary
from harness.small_tasks import SmallTasks
from harness.waiting import eventually

pytestmark = pytest.mark.skipif("LANDFALL_TEST_ENDPOINT" in os.environ, reason="needs a server of its own")

# Looks the database's name up and connects to it, over and over, and tells how often that went well: "GOOD BAD".
PROGRAM = """
mkdir /tmp/www; echo 0 0 >/tmp/www/index.html; httpd -p 8000 -h /tmp/www
good=0 bad=0
while :; do
  at=$(nslookup -type=a %s 2>/dev/null | awk '$1 == "Address:" && $2 !~ /:/ { print $2 }')
  if [ -n "$at" ] && echo hello | nc -w 20 $at 5432 >/dev/null; then good=$((good+1)); else bad=$((bad+1)); fi
  echo $good $bad >/tmp/www/new; mv /tmp/www/new /tmp/www/index.html; sleep 0.05
done
"""
PRIVATE = "inner.example.test"


class Lookups:
    """A task that asks for a database by name, and a place in its VPC to ask for other names from."""

    def __init__(self, server: Server, folder: Path):
        self.server = server
        small = self.small = SmallTasks(Clients(server.environment(), REGION), folder)
        for port in (5432, 8000):
            small.ec2.authorize_security_group_ingress(GroupId=small.group, IpProtocol="tcp", FromPort=port, ToPort=port,
                                                       CidrIp="0.0.0.0/0")
        rds = small.clients("rds")
        rds.create_db_instance(DBInstanceIdentifier="named", DBInstanceClass="db.t4g.micro", Engine="postgres",
                               EngineVersion="16.6", MasterUsername="postgres", MasterUserPassword="open-sesame",
                               AllocatedStorage=20, BackupRetentionPeriod=0, VpcSecurityGroupIds=[small.group])
        route53 = small.clients("route53")
        self.zone = route53.create_hosted_zone(Name="example.test", CallerReference="names", HostedZoneConfig={
            "PrivateZone": True}, VPC={"VPCRegion": REGION, "VPCId": small.vpc})["HostedZone"]["Id"]
        self.route53 = route53
        self.private("10.9.8.7")

        def endpoint() -> str | None:
            found = rds.describe_db_instances(DBInstanceIdentifier="named")["DBInstances"][0]
            return found["Endpoint"]["Address"] if found["DBInstanceStatus"] == "available" else None

        self.name = eventually(endpoint, 120)
        service = small.ecs.create_service(
            cluster=small.name, serviceName="asks", taskDefinition=small.define("sh", "-c", PROGRAM % self.name),
            desiredCount=1, launchType="FARGATE", networkConfiguration=small.network(public=True))["service"]
        self.place = Place(eventually(lambda: self.interface_of(service["serviceName"]), 60))
        found = small.ec2.describe_network_interfaces(NetworkInterfaceIds=[self.place.interface])["NetworkInterfaces"][0]
        self.url = f"http://{found['Association']['PublicIp']}:8000"
        eventually(lambda: self.counts()[0] > 0, 60, what="the first lookup")

    def interface_of(self, service: str) -> str | None:
        arn = self.small.ecs.list_tasks(cluster=self.small.name, serviceName=service)["taskArns"][0]
        details = self.small.task(arn)["attachments"][0]["details"]
        return next((each["value"] for each in details if each["name"] == "networkInterfaceId"), None)

    def private(self, address: str) -> None:
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": [
            {"Action": "UPSERT", "ResourceRecordSet": {"Name": PRIVATE, "Type": "A", "TTL": 5,
                                                       "ResourceRecords": [{"Value": address}]}}]})

    def counts(self) -> tuple[int, int]:
        good, bad = requests.get(self.url, timeout=10).text.split()
        return int(good), int(bad)

    def go_on(self, more: int = 20) -> None:
        """So many more lookups go well, and none fails."""
        good, bad = self.counts()
        eventually(lambda: self.counts()[0] >= good + more, 60, what=f"{more} more lookups")
        assert self.counts()[1] == bad, "a lookup failed"

    def process(self) -> int:
        """That answers; fails when there is none."""
        pid = int((self.server.data / "dns/pid").read_text().split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert b"dns" in words and str(self.server.data / "dns").encode() in words, words
        return pid


def of_another_build(folder: Path) -> Path:
    """The same program under another build id: what an upgrade looks like to the processes beside the server."""
    program = bytearray(Path(binary()).read_bytes())
    at = program.index(b"\3\0\0\0GNU\0") + 8  # type NT_GNU_BUILD_ID and owner of the note
    program[at] ^= 0xff
    path = folder / "landfall"
    path.write_bytes(program)
    path.chmod(0o755)
    return path


def test_names_are_answered_whoever_is_killed(tmp_path, monkeypatch):
    with serving(Server()) as server:
        lookups = Lookups(server, tmp_path)
        assert ask(lookups.place, PRIVATE) == ["10.9.8.7"]
        lookups.go_on()
        first = lookups.process()

        # Without a server.
        server.kill()
        lookups.go_on()
        assert ask(lookups.place, PRIVATE) == ["10.9.8.7"]
        assert ask(lookups.place, "nobody.us-west-1.rds.amazonaws.com") == []

        # The next one adopts the process, which takes changes as before.
        server.start()
        lookups.go_on()
        lookups.private("10.9.8.6")
        assert ask(lookups.place, PRIVATE) == ["10.9.8.6"]
        assert lookups.process() == first

        # It is killed itself.
        os.kill(first, signal.SIGKILL)
        eventually(lambda: lookups.process() != first, 30, what="another process")
        eventually(lambda: ask(lookups.place, PRIVATE) == ["10.9.8.6"], 30)
        second = lookups.process()
        lookups.go_on()

        # A newer server brings a newer process, and nobody notices.
        assert server.stop() == 0
        lookups.go_on()
        monkeypatch.setenv("LANDFALL_BINARY", str(of_another_build(tmp_path)))
        before = lookups.counts()[1]
        server.start()
        eventually(lambda: lookups.process() != second, 30, what="the newer process")
        assert not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text()
        lookups.go_on()
        assert lookups.counts()[1] == before, "a lookup failed meanwhile"
        lookups.small.podman.remove_storage()
