#!/usr/bin/env python3
"""Checks the tree for what review would send back. Prints one line per finding; exit code 1 if there is any.

    tools/tidy.py [ROOT]

Each check is a function from the tree to findings, and has a test in tests/test_tidy.py that shows it finding one.
"""
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Lower never includes higher: a folder may include itself and the folders in its row of DEPENDS.
DEPENDS = {
    "base": [],
    "io": ["base"],
    "http": ["base", "io"],
    "store": ["base", "io"],
    "wire": ["base", "io", "http"],
    "reconcile": ["base", "io", "store"],
    "host": ["base", "io", "http", "store", "reconcile"],
    "proxy": ["base", "io", "http"],
    "services": ["base", "io", "http", "store", "wire", "reconcile", "host", "proxy"],
    "gateway": ["base", "io", "http", "store", "wire", "reconcile", "host", "services"],
    "cli": ["base", "io", "http", "store", "wire", "reconcile", "host", "services", "gateway", "proxy"],
}
# STS is the front of IAM's records (roles, their trust, credentials): one owner, two APIs.
ONE_OWNER = {("sts", "iam")}
ASIO_FOLDERS = ("io", "http")
FILE_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|impl)($|_)")
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|(?i:\bfor now\b|\bstubs?\b|\bstubbed\b|\bnot implemented yet\b)")
# They speak of the words themselves.
WORDS_ALLOWED = ("tools/tidy.py", "tests/test_tidy.py")
LINES_LIMIT = 700
SOURCE = (".cpp", ".h")
SCRIPTS = (".py", ".sh", ".cmake")
PATHS = re.compile(r"/work/|/root/|\bhost\.docker\.internal\b")


@dataclass
class Tree:
    root: Path
    files: list[str]  # relative, with /

    @staticmethod
    def of(root: Path) -> "Tree":
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True)
        if listed.returncode == 0 and (root / ".git").exists():
            names = [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
        else:  # an exported tree without its history
            names = [str(path.relative_to(root)) for path in root.rglob("*")
                     if path.is_file() and path.relative_to(root).parts[0] not in ("build", ".venv")]
        return Tree(root, sorted(set(names)))

    def text(self, name: str) -> str:
        return (self.root / name).read_text(errors="replace")

    def sources(self) -> list[str]:
        return [name for name in self.files if name.endswith(SOURCE) and name.startswith(("src/", "apps/", "tests/"))]


Findings = Iterator[str]
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def includes(tree: Tree, name: str) -> Iterator[tuple[int, bool, str]]:
    """(line, in quotes, what) of every include in a file."""
    text = tree.text(name)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]


def layers(tree: Tree) -> Findings:
    """A layer includes only itself and the layers below it."""
    for name in tree.sources():
        if not name.startswith("src/"):
            continue
        layer = name.split("/")[1]
        if layer not in DEPENDS:
            yield f"{name}: src/{layer} is no layer (docs/architecture.md lists them)"
            continue
        for line, quoted, what in includes(tree, name):
            other = what.split("/")[0]
            if quoted and other in DEPENDS and other != layer and other not in DEPENDS[layer]:
                yield f"{name}:{line}: {layer} includes {other}, which is above or beside it"


def service_borders(tree: Tree) -> Findings:
    """A service sees another only through its port.h (and the types that names)."""
    for name in tree.sources():
        parts = name.split("/")
        if parts[:2] != ["src", "services"] or len(parts) < 4 or name.endswith("_test.cpp"):
            continue
        for line, quoted, what in includes(tree, name):
            theirs = what.split("/")
            if quoted and theirs[0] == "services" and len(theirs) > 2 and theirs[1] != parts[2] \
                    and theirs[2] not in ("port.h", "fake.h") and (parts[2], theirs[1]) not in ONE_OWNER:
                yield f"{name}:{line}: includes {what}; other services are used through their port.h"


def includes_exist(tree: Tree) -> Findings:
    """What is included in quotes is in the tree, or generated from models/ into wire/<service>/."""
    known = set(tree.files)
    generated = tuple({f"wire/{name.split('/')[1]}/" for name in tree.files if name.startswith("models/")})
    for name in tree.sources():
        for line, quoted, what in includes(tree, name):
            if quoted and f"src/{what}" not in known and f"{Path(name).parent}/{what}" not in known \
                    and not what.startswith(generated):
                yield f"{name}:{line}: no file src/{what}"


def asio_stays_inside(tree: Tree) -> Findings:
    """Asio and Beast cost 13 s per file: only io and http see them."""
    for name in tree.sources():
        if name.split("/")[1] in ASIO_FOLDERS:
            continue
        for line, _, what in includes(tree, name):
            if what.startswith(("boost/asio", "boost/beast")) or what in ("io/asio.h", "io/net_asio.h"):
                yield f"{name}:{line}: {what} outside io/ and http/"


def file_names(tree: Tree) -> Findings:
    """A name says what is inside."""
    for name in tree.files:
        for part in Path(name).parts:
            if FILE_NAMES.search(part.split(".")[0].lower()):
                yield f"{name}: '{part}' says nothing about what is inside"
    for name in tree.sources():
        if not re.fullmatch(r"[a-z0-9_/.-]+", name):
            yield f"{name}: files are snake_case"


def words(tree: Tree) -> Findings:
    """Nothing is left for later in the code: it is there or it is not."""
    for name in tree.files:
        if name in WORDS_ALLOWED or not name.endswith(SOURCE + SCRIPTS) or not name.startswith(
                ("src/", "apps/", "tools/", "tests/", "cmake/", "images/", "examples/")):
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            found = WORDS.search(line)
            if found:
                yield f"{name}:{number}: '{found[0]}'"


def paths(tree: Tree) -> Findings:
    """No path of somebody's own machine."""
    for name in tree.files:
        if name in WORDS_ALLOWED or not name.endswith(SOURCE + SCRIPTS + (".md", ".txt")) or "/corpus/" in name:
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            found = PATHS.search(line)
            if found and not line.lstrip().startswith("#include"):
                yield f"{name}:{number}: '{found[0]}' is a path of one machine"


def length(tree: Tree) -> Findings:
    """About 300 lines, rarely over 500, never over the limit."""
    for name in tree.sources() + [n for n in tree.files if n.endswith(".py")]:
        lines = tree.text(name).count("\n")
        if lines > LINES_LIMIT:
            yield f"{name}: {lines} lines"


def orphans(tree: Tree) -> Findings:
    """Every header is included by somebody."""
    wanted = set()
    for name in tree.sources():
        for _, quoted, what in includes(tree, name):
            if quoted:
                wanted.update((f"src/{what}", f"{Path(name).parent}/{what}"))
    generators = "\n".join(tree.text(n) for n in tree.files if n.startswith(("tools/", "cmake/")) and n.endswith(SCRIPTS))
    for name in tree.sources():
        if name.endswith(".h") and name not in wanted and name.removeprefix("src/") not in generators:
            yield f"{name}: included by nothing"


def include_once(tree: Tree) -> Findings:
    """Headers begin with a comment that says what they are for, and `#pragma once`."""
    for name in tree.sources():
        if not name.endswith(".h"):
            continue
        text = tree.text(name)
        if "#pragma once" not in text:
            yield f"{name}: no #pragma once"
        if not text.startswith("//"):
            yield f"{name}: does not begin with a comment that says its purpose"


CHECKS = [layers, service_borders, includes_exist, asio_stays_inside, file_names, words, paths, length, orphans,
          include_once]


def main() -> int:
    tree = Tree.of(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent))
    found = [finding for check in CHECKS for finding in check(tree)]
    print("\n".join(found) or "tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
