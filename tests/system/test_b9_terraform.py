"""Row B9: `terraform plan`, `apply`, `show`, `destroy` of examples/frameratr/terraform, with the AWS provider itself.

    LANDFALL_TERRAFORM_PLUGINS=FOLDER ./test -k b9_terraform

FOLDER is a filesystem mirror (registry.terraform.io/hashicorp/aws/VERSION/linux_amd64/...): what `terraform providers mirror` writes, or
tools/build-terraform-provider.
"""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from harness.clients import Clients
from harness.containers import ContainerClient, image
from harness.inventory import inventory
from harness.server import ROOT, clean_environment
from harness.waiting import eventually

FILES = ROOT / "examples/frameratr/terraform"
PLUGINS = os.environ.get("LANDFALL_TERRAFORM_PLUGINS", "")
REGION, NAME = "us-east-2", "frameratr-dev"

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed"),
    pytest.mark.skipif(not PLUGINS, reason="LANDFALL_TERRAFORM_PLUGINS does not name a mirror with the AWS provider"),
]


class Terraform:
    """`terraform(...)` in a copy of the example's files, as somebody with the exports of `landfall env` types it."""

    def __init__(self, folder: Path, exports: dict[str, str]):
        self.folder = folder / "terraform"
        shutil.copytree(FILES, self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars"))
        shutil.copy(FILES / "terraform.tfvars.example", self.folder / "terraform.tfvars")
        (folder / "mirror.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{Path(PLUGINS).resolve()}"\n  }}\n}}\n')
        self.environment = {**clean_environment(), **exports, "TF_CLI_CONFIG_FILE": str(folder / "mirror.tfrc"), "HOME": str(folder),
                            "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(["terraform", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == code, f"terraform {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def finds_nothing_to_change(self) -> bool:
        return "No changes." in self("plan", "-no-color", "-detailed-exitcode")

    def values(self) -> dict:
        return json.loads(self("show", "-json"))["values"]

    def output(self, name: str) -> str:
        return self.values()["outputs"][name]["value"]

    def write(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, f"{old!r} in {file}"
        (self.folder / file).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def clients(module_server) -> Clients:
    return Clients(module_server.environment(), REGION)


@pytest.fixture(scope="module")
def before(clients) -> set[str]:
    return inventory(clients)


@pytest.fixture(scope="module")
def terraform(module_server, before, tmp_path_factory):
    made = Terraform(tmp_path_factory.mktemp("b9"), module_server.environment())
    made("init", "-no-color")
    made("plan", "-no-color", "-out=the.plan")
    made("apply", "-no-color", "the.plan")
    return made


def test_a_second_plan_finds_nothing_to_change(terraform):
    assert terraform.finds_nothing_to_change()


def test_show_has_every_resource_of_the_files(terraform):
    kinds = set(re.findall(r'^resource "(\w+)"', "".join(path.read_text() for path in FILES.glob("*.tf")), re.MULTILINE))
    assert {one["type"] for one in terraform.values()["root_module"]["resources"] if one["mode"] == "managed"} == kinds


def test_what_it_made_serves(terraform, clients, tmp_path):
    """A pushed image, the secret's keys in its environment, behind the balancer."""
    repository, database = terraform.output("ecr_repository_url"), terraform.output("rds_endpoint").split(":")[0]
    podman = ContainerClient(tmp_path / "containers", repository.split("/")[0])
    try:
        token = clients("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        (tmp_path / "containers/auth.json").write_text(json.dumps({"auths": {repository.split("/")[0]: {"auth": token}}}))
        podman(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{repository}:base")
        serve = "mkdir /tmp/www && echo $DB_HOST >/tmp/www/health && exec httpd -f -p $FLASK_PORT -h /tmp/www"
        (tmp_path / "Containerfile").write_text(f"FROM {repository}:base\nCMD {json.dumps(['sh', '-c', serve])}\n")
        podman(f"podman build -t {repository}:latest {tmp_path}")
        podman(f"podman push --quiet {repository}:latest")
    finally:
        podman.remove_storage()
    clients("ecs").update_service(cluster=f"{NAME}-cluster", service=f"{NAME}-backend-service", forceNewDeployment=True)
    answer = eventually(lambda: said if (said := requests.get(f"{terraform.output('alb_url')}/health", timeout=5)).ok else None, 180, 2)
    assert answer.text.strip() == database
    assert terraform.finds_nothing_to_change()


def test_changed_files_are_applied_in_place(terraform, clients):
    terraform.write("ecs.tf", "retention_in_days = 7", "retention_in_days = 14")
    terraform.write("ecs.tf", "target_value = 70", "target_value = 60")
    terraform.write("ecs.tf", "max_capacity       = 4", "max_capacity       = 6")
    terraform.write("main.tf", "deregistration_delay = 30", "deregistration_delay = 20")
    terraform.write("main.tf", "interval            = 30", "interval            = 20")
    terraform.write("main.tf", "backup_retention_period = 7", "backup_retention_period = 3")
    terraform.write("main.tf", 'description = "HTTPS"\n    from_port   = 443\n    to_port     = 443',
                    'description = "HTTPS"\n    from_port   = 8443\n    to_port     = 8443')
    terraform.write("variables.tf", "https://api.themoviedb.org/3", "https://movies.example/3")
    said = terraform("apply", "-no-color", "-auto-approve")
    # A changed task definition is a new one; the rest stays what it is.
    assert re.search(r"Apply complete! Resources: 1 added, \d+ changed, 1 destroyed", said), said
    assert terraform.finds_nothing_to_change()
    group, = clients("elbv2").describe_target_groups(Names=[f"{NAME}-tg"])["TargetGroups"]
    database, = clients("rds").describe_db_instances(DBInstanceIdentifier=f"{NAME}-db")["DBInstances"]
    assert group["HealthCheckIntervalSeconds"] == 20 and database["BackupRetentionPeriod"] == 3


def test_destroy_leaves_nothing_behind(terraform, clients, before):
    terraform("destroy", "-no-color", "-auto-approve")
    assert "resources" not in json.loads(terraform("show", "-json")).get("values", {}).get("root_module", {})
    kept = (f"task-definition/{NAME}", "iam roles: AWSServiceRoleFor")
    assert not [line for line in inventory(clients) - before if not any(one in line for one in kept)], (
        "deregistered definitions and the services' own roles stay, as on AWS")
