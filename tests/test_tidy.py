"""The tree is tidy, and each check of tools/tidy.py finds what it is for."""
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import tidy  # noqa: E402

HEADER = "// Purpose.\n#pragma once\n"
FAULTS = {
    "layers": ("src/base/a.cpp", '#include "services/ecs/port.h"\n'),
    "service_borders": ("src/services/ecs/a.cpp", '#include "services/rds/store.h"\n'),
    "includes_exist": ("src/base/a.cpp", '#include "base/gone.h"\n'),
    "asio_stays_inside": ("src/host/a.cpp", "#include <boost/asio.hpp>\n"),
    "file_names": ("src/base/string_utils.cpp", ""),
    "words": ("src/base/a.cpp", "// TO" "DO: finish\n"),
    "paths": ("src/base/a.cpp", '// see /wo' 'rk/notes\n'),
    "length": ("src/base/a.cpp", "\n" * 1000),
    "orphans": ("src/base/a.h", HEADER),
    "include_once": ("src/base/a.h", "int a();\n"),
}


@pytest.fixture(scope="module")
def tree():
    return tidy.Tree.of(ROOT)


@pytest.mark.parametrize("check", tidy.CHECKS, ids=lambda check: check.__name__)
def test_tree(check, tree):
    assert list(check(tree)) == []


@pytest.mark.parametrize("check", tidy.CHECKS, ids=lambda check: check.__name__)
def test_check_finds_its_fault(check, tmp_path):
    name, text = FAULTS[check.__name__]
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    assert [found for found in check(tidy.Tree.of(tmp_path)) if found.startswith(name)]


def test_a_clean_tree_has_no_findings(tmp_path):
    files = {
        "src/base/a.h": HEADER,
        "src/base/a.cpp": '#include "base/a.h"\n',
        "src/services/ecs/b.cpp": '#include "base/a.h"\n#include "services/rds/port.h"\n',
        "src/services/rds/port.h": HEADER,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    tree = tidy.Tree.of(tmp_path)
    assert [found for check in tidy.CHECKS for found in check(tree)] == []
