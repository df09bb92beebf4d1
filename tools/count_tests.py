#!/usr/bin/env python3
"""Adds up what the test runners reported below a folder, and prints "N passed, N failed, N skipped" as the last line.

Exit code 1 when anything failed or nothing ran. GoogleTest programs write gtest/NAME.json, ctest writes ctest.xml (one
entry per program), pytest writes pytest.xml and, for the tests of it that were run again alone, alone.xml: what they did
then counts, and the line says how many passed only then.
"""
import json
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def is_bad(case: xml.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"


def name_of(case: xml.Element) -> tuple[str, str]:
    return case.get("classname", ""), case.get("name", "")


def passed_alone(folder: Path) -> set[tuple[str, str]]:
    report = folder / "alone.xml"
    cases = list(xml.parse(report).iter("testcase")) if report.exists() else []
    bad = {name_of(case) for case in cases if is_bad(case)}
    return {name_of(case) for case in cases} - bad


def count(folder: Path) -> tuple[int, int, int, int]:
    """(passed, failed, skipped, how many of the passed only did alone)"""
    passed = failed = skipped = 0
    programs = {path.stem: json.loads(path.read_text()) for path in folder.glob("gtest/*.json")}
    mended = passed_alone(folder)
    only_alone = set()
    for report in (folder / "ctest.xml", folder / "pytest.xml"):
        for case in xml.parse(report).iter("testcase") if report.exists() else ():
            bad = is_bad(case)
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
            elif bad and report.name == "pytest.xml" and name_of(case) in mended:
                only_alone.add(name_of(case))
            else:
                failed += bad
                passed += not bad
    return passed + len(only_alone), failed, skipped, len(only_alone)


def main() -> int:
    passed, failed, skipped, only_alone = count(Path(sys.argv[1]))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "") +
          (f", {only_alone} only when run again alone" if only_alone else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
