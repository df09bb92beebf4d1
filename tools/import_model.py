#!/usr/bin/env python3
"""Cuts an installed botocore's model of SERVICE to what we serve: models/SERVICE/model.json.

Kept are interface facts only (operations, shapes, members, locations, constraints, error codes), and of those only what the
operations in models/SERVICE/operations reach. The names of all other operations are kept too, so that "not implemented" can be
told from "no such operation".
"""
import argparse
import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

METADATA = ("apiVersion", "awsQueryCompatible", "endpointPrefix", "jsonVersion", "protocol", "protocols", "serviceFullName",
            "serviceId", "signingName", "targetPrefix", "xmlNamespace")
OPERATION = ("authtype", "http", "input", "output", "errors")
REFERENCE = ("shape", "location", "locationName", "queryName", "flattened", "xmlAttribute", "xmlNamespace", "timestampFormat",
             "idempotencyToken", "streaming", "jsonvalue", "resultWrapper", "hostLabel")
SHAPE = ("type", "required", "enum", "min", "max", "pattern", "flattened", "locationName", "timestampFormat", "payload", "error",
         "exception", "fault", "document", "union", "eventstream", "xmlNamespace", "sensitive", "streaming", "xmlOrder", "wrapper")


def keep(source, names):
    return {name: source[name] for name in names if name in source}


def reference(source):
    return keep(source, REFERENCE)


def cut_shape(shape):
    out = keep(shape, SHAPE)
    if "members" in shape:
        out["members"] = {name: reference(member) for name, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            out[part] = reference(shape[part])
    return out


def references(shape):
    yield from (member["shape"] for member in shape.get("members", {}).values())
    yield from (shape[part]["shape"] for part in ("member", "key", "value") if part in shape)


def listed_operations(service):
    path = ROOT / "models" / service / "operations"
    lines = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [words[0] for words in lines if words]


def load(service):
    try:
        import botocore
    except ImportError:
        sys.exit("import_model: botocore is not installed (pip install botocore)")
    # Folders here are named like namespaces: application_autoscaling.
    folder = pathlib.Path(botocore.__file__).parent / "data" / service.replace("_", "-")
    if not folder.is_dir():
        sys.exit(f"import_model: botocore knows no service '{service.replace('_', '-')}'")
    newest = sorted(path for path in folder.iterdir() if path.is_dir())[-1]
    packed = newest / "service-2.json.gz"
    text = gzip.open(packed, "rt").read() if packed.exists() else (newest / "service-2.json").read_text()
    return json.loads(text), botocore.__version__


def cut(model, names, version):
    unknown = [name for name in names if name not in model["operations"]]
    if unknown:
        sys.exit(f"import_model: no such operations: {', '.join(unknown)}")
    operations = {}
    wanted = []
    for name in sorted(names):
        operation = keep(model["operations"][name], OPERATION)
        for part in ("input", "output"):
            if part in operation:
                operation[part] = reference(operation[part])
                wanted.append(operation[part]["shape"])
        operation["errors"] = [error["shape"] for error in operation.get("errors", [])]
        wanted += operation["errors"]
        operations[name] = operation
    shapes = {}
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = cut_shape(model["shapes"][name])
            wanted += references(shapes[name])
    return {
        "source": f"botocore {version}",
        "metadata": keep(model["metadata"], METADATA),
        "operations": operations,
        "unserved": sorted(set(model["operations"]) - set(names)),
        "shapes": dict(sorted(shapes.items())),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("service", nargs="+", help="folder names under models/, for example ecs")
    for service in parser.parse_args().service:
        model, version = load(service)
        out = cut(model, listed_operations(service), version)
        path = ROOT / "models" / service / "model.json"
        path.write_text(json.dumps(out, indent=1) + "\n")
        print(f"{path.relative_to(ROOT)}: {len(out['operations'])} operations, {len(out['shapes'])} shapes")


if __name__ == "__main__":
    main()
