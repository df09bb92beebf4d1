"""A service's model as the generator sees it: names, order, which operations are served and what they act on."""
import json
import re

KEYWORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await co_return co_yield
compl concept const consteval constexpr constinit const_cast continue decltype default delete do double dynamic_cast else enum
explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or
or_eq private protected public register reinterpret_cast requires return short signed sizeof static static_assert static_cast
struct switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t
while xor xor_eq errno stdin stdout stderr major minor""".split())

# Names of ours that generated names must not hide.
OURS = {"Result", "Error", "Arn", "Scope", "TimePoint", "Millis", "Clock", "SystemClock", "FakeClock", "Random", "SystemRandom",
        "SeededRandom", "Sha256", "RequestContext", "Principal"}

SCALARS = {"string": "std::string", "character": "std::string", "blob": "std::string", "boolean": "bool",
           "integer": "std::int32_t", "long": "std::int64_t", "float": "double", "double": "double", "timestamp": "TimePoint"}

# Where IAM knows a service by another name than its signatures do.
IAM_PREFIXES = {"monitoring": "cloudwatch"}

RENAMES = {"ipv_6": "ipv6", "s_3_resources": "s3_resources"}


class Fault(Exception):
    """Something in models/ or in the sources that the writer must mend."""


def snake(name):
    """botocore.xform_name, so that names are those of boto3."""
    if "_" in name:
        return name
    plural = re.search("[A-Z]{2,}s$", name)
    if plural:
        name = f"{name[:-len(plural.group())]}_{plural.group().lower()}"
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub("([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    for old, new in RENAMES.items():
        name = name.replace(old, new)
    return name


def identifier(name):
    name = snake(name).replace("-", "_").replace(".", "_")
    return name + "_" if name in KEYWORDS else name


class Member:
    def __init__(self, model, owner, name, reference, required):
        shape = model.shapes[reference["shape"]]
        # Traits of the member override those of its shape.
        self.traits = {**{k: shape[k] for k in ("locationName", "flattened", "timestampFormat", "xmlNamespace") if k in shape},
                       **reference}
        self.name = name
        self.field = identifier(name)
        self.shape = reference["shape"]
        self.type = shape["type"]
        self.required = required
        self.boxed = False
        self.location_name = self.traits.get("locationName", name)
        self.query_name = self._query_name(model, shape)

    def _query_name(self, model, shape):
        if model.protocol == "ec2":
            if "queryName" in self.traits:
                return self.traits["queryName"]
            return self.location_name[:1].upper() + self.location_name[1:]
        if shape["type"] == "list" and self.traits.get("flattened") and "locationName" in shape["member"]:
            return shape["member"]["locationName"]
        return self.location_name


class Operation:
    def __init__(self, model, name, facts, line):
        self.name = name
        self.handler = identifier(name)
        self.facts = facts
        self.input = facts["input"]["shape"] if "input" in facts else name + "Request"
        self.output = facts["output"]["shape"] if "output" in facts else name + "Response"
        self.context = []  # (condition key, template)
        self.anonymous = facts.get("authtype") == "none"
        self.permissions = self._permissions(model, line)

    def _permissions(self, model, words):
        action, out, position = f"{model.iam_prefix}:{self.name}", [], 0
        resource = None
        while position < len(words):
            word = words[position]
            position += 1
            if word.startswith("action="):
                action = word[len("action="):]
            elif word == "anonymous":
                self.anonymous = True
            elif word.startswith("?"):
                key, equals, template = word[1:].partition("=")
                if ":" not in key or not equals:
                    raise Fault(f"operations: {self.name}: '{word}' is not ?service:Key=template")
                self._check(model, template)
                self.context.append((key, self._expand(model, template)))
            elif word.startswith("+"):
                if position == len(words):
                    raise Fault(f"operations: {self.name}: '{word}' needs a resource")
                out.append((word[1:], words[position]))
                position += 1
            elif resource is None:
                resource = word
            else:
                raise Fault(f"operations: {self.name}: '{word}' is one word too many")
        out.insert(0, (action, resource or "*"))
        for _, template in out:
            self._check(model, template)
        return [(act, self._expand(model, template)) for act, template in out]

    def _check(self, model, template):
        if template.count("{") != template.count("}"):
            raise Fault(f"operations: {self.name}: braces do not match in '{template}'")
        for group in re.findall("{([^@}][^}]*)}", template):
            for path in group.split("|")[0].split("~")[0].split(","):
                shape = self.input
                for step in path.split("."):
                    member = step.removesuffix("[]")
                    members = model.shapes[shape].get("members", {})
                    if member not in members:
                        raise Fault(f"operations: {self.name}: {shape} has no member '{member}'")
                    shape = members[member]["shape"]
                    if model.shapes[shape]["type"] == "list":
                        if not step.endswith("[]"):
                            raise Fault(f"operations: {self.name}: '{member}' is a list: write '{member}[]'")
                        shape = model.shapes[shape]["member"]["shape"]

    def _expand(self, model, template):
        if not template.startswith("arn:") or template.startswith("arn:aws:"):
            return template
        region = "" if model.is_global else "{@region}"
        return f"arn:aws:{model.iam_prefix}:{region}:{{@account}}:{template[len('arn:'):]}"


class Model:
    def __init__(self, root, service):
        folder = root / "models" / service
        try:
            source = json.loads((folder / "model.json").read_text())
        except FileNotFoundError:
            raise Fault(f"models/{service}/model.json is missing: run tools/import_model.py {service}") from None
        self.service = service
        self.namespace = identifier(service)
        self.struct = "".join(word[0].upper() + word[1:] for word in service.split("_"))
        self.metadata = source["metadata"]
        self.protocol = self._own_protocol()
        self.shapes = source["shapes"]
        self.unserved = source["unserved"]
        prefix = self.metadata.get("signingName", self.metadata["endpointPrefix"])
        self.iam_prefix = IAM_PREFIXES.get(prefix, prefix)
        self.is_global = service in ("iam", "sts", "route53")
        lines = self._lines(folder / "operations")
        stale = set(lines) ^ set(source["operations"])
        if stale:
            raise Fault(f"{', '.join(sorted(stale))}: list and model differ; run tools/import_model.py {service}")
        for name, facts in source["operations"].items():
            for part, suffix in (("input", "Request"), ("output", "Response")):
                if part not in facts:
                    self.shapes.setdefault(name + suffix, {"type": "structure", "members": {}})
        self.operations = [Operation(self, name, source["operations"][name], lines[name]) for name in sorted(lines)]
        self.errors = sorted(name for name, shape in self.shapes.items() if shape.get("exception"))
        self._drop_event_streams()
        self.cpp_names = {name: self._cpp_name(name) for name in self.shapes}
        self.members = {name: self._members(name) for name in self.structures()}
        self._box_recursion()
        self.served = self._served(root)

    def _own_protocol(self):
        """The one that answers when a request does not say; services that moved to CBOR began with query or JSON."""
        own = self.metadata["protocol"]
        if own != "smithy-rpc-v2-cbor":
            return own
        return next(name for name in ("query", "json") if name in self.metadata["protocols"])

    @staticmethod
    def _lines(path):
        out = {}
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if words:
                if words[0] in out:
                    raise Fault(f"operations: {words[0]} is listed twice")
                out[words[0]] = words[1:]
        return out

    def _drop_event_streams(self):
        for shape in self.shapes.values():
            for name, member in list(shape.get("members", {}).items()):
                if self.shapes[member["shape"]].get("eventstream"):
                    del shape["members"][name]

    def _cpp_name(self, name):
        clean = re.sub("[^A-Za-z0-9_]", "_", name)
        clean = clean[0].upper() + clean[1:]
        return clean + "Shape" if clean in OURS or clean == self.struct else clean

    def structures(self):
        """Those that become C++ types: exceptions are factories instead, and event streams are written by hand."""
        return [n for n, s in self.shapes.items()
                if s["type"] == "structure" and not any(s.get(other) for other in ("document", "exception", "eventstream"))]

    def _members(self, name):
        shape = self.shapes[name]
        required = shape.get("required", [])
        out = [Member(self, name, member, reference, member in required)
               for member, reference in shape["members"].items()]
        if len({member.field for member in out}) != len(out):
            raise Fault(f"{name}: two members have one C++ name")
        return out

    def _box_recursion(self):
        """A structure that contains itself by value holds itself in a Box."""
        def reaches(start, goal, seen):
            if start == goal:
                return True
            if start in seen:
                return False
            seen.add(start)
            return any(reaches(m.shape, goal, seen) for m in self.members[start] if self.is_structure(m.shape))
        for name, members in self.members.items():
            for member in members:
                if self.is_structure(member.shape) and reaches(member.shape, name, set()):
                    member.boxed = True

    def is_structure(self, shape):
        return self.shapes[shape]["type"] == "structure" and not self.shapes[shape].get("document")

    def _contained(self, shape, through_containers):
        """Structures that a value of `shape` holds directly."""
        facts = self.shapes[shape]
        if self.is_structure(shape):
            yield shape
        elif through_containers and facts["type"] == "list":
            yield from self._contained(facts["member"]["shape"], True)
        elif through_containers and facts["type"] == "map":
            yield from self._contained(facts["value"]["shape"], True)

    def ordered_structures(self):
        """Definitions before uses; where lists make a circle, a forward declaration has to do."""
        def needs(name, through_containers):
            return {inner for member in self.members[name] if not member.boxed
                    for inner in self._contained(member.shape, through_containers)} - {name}
        weak = {name: needs(name, True) for name in self.members}
        strong = {name: needs(name, False) for name in self.members}
        out, done = [], set()
        left = sorted(self.members)
        while left:
            ready = [n for n in left if weak[n] <= done] or [n for n in left if strong[n] <= done][:1]
            out += ready
            done |= set(ready)
            left = [n for n in left if n not in done]
        return out

    def reachable_from_inputs(self):
        seen, wanted = set(), [operation.input for operation in self.operations]
        while wanted:
            name = wanted.pop()
            if name not in seen:
                seen.add(name)
                shape = self.shapes[name]
                wanted += [m["shape"] for m in shape.get("members", {}).values()]
                wanted += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return seen

    def type_of(self, shape):
        facts = self.shapes[shape]
        if facts.get("document"):
            return "json::value"
        if facts["type"] == "structure":
            return self.cpp_names[shape]
        if facts["type"] == "list":
            inner = self.type_of(facts["member"]["shape"])
            if inner == "bool":
                raise Fault(f"{shape}: a list of booleans has no addressable items")
            return f"wire::List<{inner}>"
        if facts["type"] == "map":
            return f"wire::Map<{self.type_of(facts['value']['shape'])}>"
        return SCALARS[facts["type"]]

    def _served(self, root):
        """The operations with a source: <snake_name>.cpp, or named in a line "// operations: A, B" of another file."""
        by_handler = {operation.handler: operation.name for operation in self.operations}
        listed = {operation.name for operation in self.operations}
        served = set()
        folder = root / "src" / "services" / self.service / "operations"
        for path in sorted(folder.glob("*.cpp")):
            if path.stem.endswith(("_test", "_fuzz")):
                continue
            claims = re.findall(r"^// operations: (.*)$", path.read_text(), re.M)
            names = {name.strip() for claim in claims for name in claim.split(",") if name.strip()}
            if not names and path.stem not in by_handler:
                raise Fault(f"{path.relative_to(root)}: not the name of a listed operation, and no '// operations:' line")
            if path.stem in by_handler:
                names.add(by_handler[path.stem])
            if names - listed:
                raise Fault(f"{path.relative_to(root)}: not in models/{self.service}/operations: {', '.join(sorted(names - listed))}")
            served |= names
        return served
