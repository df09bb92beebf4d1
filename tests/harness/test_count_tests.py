"""tools/count_tests.py: the last line of ./test says what really ran."""
import json
import subprocess
import sys

import pytest

from harness.server import ROOT

GTEST = {"tests": 3, "failures": 0, "testsuites": [{"testsuite": [{"status": "RUN", "result": "COMPLETED"}] * 2 + [
    {"status": "RUN", "result": "SKIPPED"}]}]}
PASSED = '<testcase name="base" status="run"/>'
CRASHED = '<testcase name="base" status="fail"><failure/></testcase>'


def report(cases: str) -> str:
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


@pytest.mark.parametrize("gtest, ctest, pytest_report, said, code", [
    (GTEST, PASSED, '<testcase name="a"/>', "3 passed, 0 failed, 1 skipped", 0),
    (GTEST, CRASHED, "", "2 passed, 1 failed, 1 skipped", 1),
    ({**GTEST, "failures": 1}, CRASHED, "", "1 passed, 1 failed, 1 skipped", 1),
    (None, CRASHED, '<testcase name="a"><error/></testcase>', "0 passed, 2 failed", 1),
    (None, "", '<testcase name="a"><skipped/></testcase>', "0 passed, 0 failed, 1 skipped", 1),
])
def test_count(tmp_path, gtest, ctest, pytest_report, said, code):
    if gtest:
        (tmp_path / "gtest").mkdir()
        (tmp_path / "gtest/base_test.json").write_text(json.dumps(gtest))
    (tmp_path / "ctest.xml").write_text(f"<testsuite>{ctest}</testsuite>")
    (tmp_path / "pytest.xml").write_text(report(pytest_report))
    assert count(tmp_path) == (said, code)


@pytest.mark.parametrize("alone, said, code", [
    ('<testcase classname="m" name="b"/>', "2 passed, 0 failed, 1 only when run again alone", 0),
    ('<testcase classname="m" name="b"><failure/></testcase>', "1 passed, 1 failed", 1),
    ('<testcase classname="m" name="b"/><testcase classname="m" name="b"><error/></testcase>', "1 passed, 1 failed", 1),
    ('<testcase classname="other" name="b"/>', "1 passed, 1 failed", 1),
    ("", "1 passed, 1 failed", 1),
])
def test_what_was_run_again_alone(tmp_path, alone, said, code):
    (tmp_path / "pytest.xml").write_text(report(
        '<testcase classname="m" name="a"/><testcase classname="m" name="b"><failure/></testcase>'))
    (tmp_path / "alone.xml").write_text(report(alone))
    assert count(tmp_path) == (said, code)


def count(folder) -> tuple[str, int]:
    done = subprocess.run([sys.executable, ROOT / "tools/count_tests.py", folder], capture_output=True, text=True)
    return done.stdout.strip(), done.returncode
