"""Which operations this tree serves: the server knows the service, and a handler's source file exists."""
import sys

from harness.server import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from wire_model import snake  # noqa: E402

SERVER = ROOT / "src/cli/server.cpp"


def operations_of(service: str) -> set[str]:
    found: set[str] = set()
    if f'"services/{service}/' not in SERVER.read_text():
        return found
    for path in (ROOT / "src/services" / service / "operations").glob("*.cpp"):
        found.add(path.stem)
        for line in path.read_text().splitlines():
            if line.startswith("// operations:"):
                found.update(snake(name.strip()) for name in line.removeprefix("// operations:").split(","))
    return found


def not_served(*wanted: str) -> list[str]:
    """Those of "ecs:CreateService", ... that this tree does not serve; all of them while there is no server."""
    if not SERVER.exists():
        return ["landfall serve"]
    return [name for name in wanted if snake(name.split(":")[1]) not in operations_of(name.split(":")[0])]
