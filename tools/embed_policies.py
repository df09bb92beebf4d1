#!/usr/bin/env python3
"""Writes the AWS managed policies of src/services/iam/managed as one C++ source.

    embed_policies.py FOLDER OUTPUT

A policy's path is the folder it lies in: managed/service-role/X.json is arn:aws:iam::aws:policy/service-role/X.
"""
import json
import sys
from pathlib import Path


def main() -> None:
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    rows = []
    for file in sorted(folder.rglob("*.json"), key=lambda file: file.stem.lower()):
        text = file.read_text().strip()
        json.loads(text)
        path = "/" + "".join(part + "/" for part in file.parent.relative_to(folder).parts)
        rows.append(f'    {{"{file.stem}", "{path}", R"lf({text})lf"}},\n')
    source = ("// Made by tools/embed_policies.py.\n"
              '#include "services/iam/managed_policies.h"\n\n'
              '#pragma clang diagnostic ignored "-Woverlength-strings"\n\n'
              "namespace landfall::iam {\n\n"
              "constexpr ManagedPolicy kPolicies[] = {\n" + "".join(rows) + "};\n\n"
              "std::span<const ManagedPolicy> managed_policies() { return kPolicies; }\n\n"
              "}  // namespace landfall::iam\n")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(source)


main()
