#include "wire/form.h"

#include "base/bytes.h"
#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr std::size_t kMostSteps = 32;
constexpr std::string_view kListStep = "member";
constexpr std::string_view kMapStep = "entry";

// The parameters as the tree that their dotted names spell.
struct Node {
  std::optional<std::string_view> value;
  std::map<std::string_view, Node> children;

  const Node* child(std::string_view name) const {
    const auto found = children.find(name);
    return found == children.end() ? nullptr : &found->second;
  }
};

Result<Node> grow(const http::Parameters& parameters) {
  Node root;
  for (const auto& [name, value] : parameters) {
    if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
      return fail("MalformedQueryString", "The request holds text that is not UTF-8");
    }
    Node* at = &root;
    std::string_view rest = name;
    for (std::size_t steps = 0;; ++steps) {
      if (steps == kMostSteps)
        return fail("MalformedQueryString", "A parameter name is nested too deeply");
      const std::size_t dot = rest.find('.');
      at = &at->children[rest.substr(0, dot)];
      if (dot == rest.npos) break;
      rest.remove_prefix(dot + 1);
    }
    if (!at->value) at->value = value;
  }
  return root;
}

// The children "1", "2", ... in the order of their numbers; gaps close up.
std::vector<std::pair<std::uint32_t, const Node*>> numbered(const Node& node) {
  std::vector<std::pair<std::uint32_t, const Node*>> out;
  for (const auto& [name, child] : node.children) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) out.emplace_back(number, &child);
  }
  std::ranges::sort(out);
  return out;
}

// Lists and maps have a step of their own before the numbers unless they are flattened. Old clients
// leave it out.
const Node& container(const Node& node, std::string_view own, std::string_view usual) {
  for (const std::string_view step : {own, usual}) {
    if (!step.empty() && node.child(step)) return *node.child(step);
  }
  return node;
}

Result<void> read(const Shape& shape, const Node& node, void* out, Problems& problems,
                  const Path& path);

Result<void> read_structure(const Shape& shape, const Node& node, void* out, Problems& problems,
                            const Path& path) {
  for (const Member& member : shape.members) {
    const Node* found = node.child(member.query_name);
    const Path here{&path, &member};
    if (found) {
      LF_OK(read(*member.shape, *found, place(member, out), problems, here));
    } else if (member.required) {
      problems.missing(here);
    }
  }
  return {};
}

Result<void> read_map(const Shape& shape, const Node& node, void* out, Problems& problems,
                      const Path& path) {
  for (const auto& [number, entry] : numbered(container(node, {}, kMapStep))) {
    const Node* key = entry->child(shape.key_name.empty() ? "key" : shape.key_name);
    const Node* value = entry->child(shape.element_name.empty() ? "value" : shape.element_name);
    if (!key || !key->value) {
      problems.missing(Path{&path, nullptr, number});
    } else if (value) {
      LF_OK(read(*shape.element, *value, shape.map->insert(out, std::string(*key->value)), problems,
                 Path{&path, nullptr, -1, *key->value}));
    }
  }
  return {};
}

Result<void> read(const Shape& shape, const Node& node, void* out, Problems& problems,
                  const Path& path) {
  switch (shape.kind) {
    case Kind::structure:
      return read_structure(shape, node, out, problems, path);
    case Kind::list:
      // "Names=" is how clients send an empty list: present, no numbers.
      for (const auto& [number, item] : numbered(container(node, shape.element_name, kListStep))) {
        LF_OK(read(*shape.element, *item, shape.list->append(out), problems,
                   Path{&path, nullptr, number}));
      }
      return {};
    case Kind::map:
      return read_map(shape, node, out, problems, path);
    default: {
      const std::string_view text = node.value.value_or("");
      if (!node.value || !read_scalar(shape, text, out))
        return std::unexpected(problems.unreadable(path, text));
      return {};
    }
  }
}

}  // namespace

Result<void> read_form(const Shape& shape, const http::Parameters& parameters, void* out,
                       Problems& problems) {
  LF_TRY(root, grow(parameters));
  return read_structure(shape, root, out, problems, Path{});
}

}  // namespace landfall::wire
