#!/usr/bin/env python3
"""Adds up what the test runners reported below a folder, and prints "N passed, N failed, N skipped" as the last line.

Exit code 1 when anything failed or nothing ran. GoogleTest programs write gtest/NAME.json, ctest writes ctest.xml (one
entry per program), pytest writes pytest.xml.
"""
import json
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def count(folder: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped)"""
    passed = failed = skipped = 0
    programs = {path.stem: json.loads(path.read_text()) for path in folder.glob("gtest/*.json")}
    for report in folder.glob("*.xml"):
        for case in xml.parse(report).iter("testcase"):
            bad = case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"
            name = case.get("name")
            program = programs.get(f"{name}_test") or programs.get(name) if report.name == "ctest.xml" else None
            if program:
                gone = sum(test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN"
                           for suite in program["testsuites"] for test in suite["testsuite"])
                skipped += gone
                passed += program["tests"] - program["failures"] - gone
                failed += program["failures"] or int(bad)
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                skipped += 1
            else:
                failed += bad
                passed += not bad
    return passed, failed, skipped


def main() -> int:
    passed, failed, skipped = count(Path(sys.argv[1]))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
