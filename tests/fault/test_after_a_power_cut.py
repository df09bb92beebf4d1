"""A machine that went down hard: what was deployed comes back by itself, and `landfall down` removes all of it."""
import os
import time

import pytest
import requests

from harness.clients import Clients
from harness.leaks import leaks, output, serving
from harness.server import REGION, Server
from harness.small_tasks import SmallTasks
from harness.waiting import eventually
from system.test_a2_survival import cut_power

pytestmark = pytest.mark.skipif("LANDFALL_TEST_ENDPOINT" in os.environ, reason="needs a server of its own")


def test_everything_comes_back_and_everything_goes(tmp_path):
    with serving(Server()) as server:
        clients = Clients(server.environment(), REGION)
        small = SmallTasks(clients, tmp_path)
        small.ec2.authorize_security_group_ingress(GroupId=small.group, IpProtocol="tcp", FromPort=8000, ToPort=8000,
                                                   CidrIp="0.0.0.0/0")
        definition = small.define("sh", "-c", "mkdir /tmp/www; echo here >/tmp/www/index.html; httpd -f -p 8000 -h /tmp/www")
        network = {"awsvpcConfiguration": {**small.network(public=True)["awsvpcConfiguration"]}}
        small.ecs.create_service(cluster=small.name, serviceName="web", taskDefinition=definition, desiredCount=1,
                                 launchType="FARGATE", networkConfiguration=network)

        def answers() -> bool:
            tasks = small.ecs.list_tasks(cluster=small.name, serviceName="web")["taskArns"]
            details = small.task(tasks[0])["attachments"][0]["details"]
            interface = next(each["value"] for each in details if each["name"] == "networkInterfaceId")
            found = small.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
            return requests.get(f"http://{found['Association']['PublicIp']}:8000", timeout=2).text == "here\n"

        eventually(answers, 60)
        cut_power(server)
        server.start()
        eventually(answers, 90, what="the service, without help")

        cut_power(server)
        # Of the kernel's only what no process and no namespace holds.
        assert [line for line in output("ip", "-4", "route") if server.public_pool in line]
        began = time.monotonic()
        said = server.command("down", timeout_s=120).stdout
        print(f"down took {time.monotonic() - began:.1f} s")
        assert "removing containers" in said and f"removing {server.data}" in said, said
        assert not leaks(server.data)
        small.podman.remove_storage()
        # And the folder can be used again as if nothing had been.
        server._environment = None
        server.start()
        assert not Clients(server.environment(), REGION)("ecs").list_clusters()["clusterArns"]
