#include "wire/resources.h"

#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr std::size_t kMostResources = 1000;

// Follows "a.b[].c" and collects the strings it leads to.
void collect(const Shape& shape, const void* value, std::string_view path,
             std::vector<std::string>& out) {
  if (shape.kind == Kind::list) {
    each_item(shape, value, [&](const void* item) { collect(*shape.element, item, path, out); });
  } else if (shape.kind == Kind::structure && !path.empty()) {
    const std::size_t dot = path.find('.');
    std::string_view step = path.substr(0, dot);
    if (step.ends_with("[]")) step.remove_suffix(2);
    const auto member = std::ranges::find(shape.members, step, &Member::name);
    const void* found = member == shape.members.end() ? nullptr : look(*member, value);
    if (found) collect(*member->shape, found, dot == path.npos ? "" : path.substr(dot + 1), out);
  } else if (is_scalar(shape.kind) && path.empty() && out.size() < kMostResources) {
    std::string text = write_scalar(shape, value, TimeFormat::iso8601, TimeFormat::iso8601);
    if (!text.empty()) out.push_back(std::move(text));
  }
}

struct Group {
  std::vector<std::string> values;
  bool literal = false;  // account and region: never a resource's name
};

// "a,b~suffix|default"
Group evaluate(std::string_view group, const Object& input, const Scope& scope) {
  if (group == "@account") return {{scope.account}, true};
  if (group == "@region") return {{scope.region}, true};
  const std::size_t bar = group.find('|');
  const std::size_t tilde = group.substr(0, bar).find('~');
  const std::string_view suffix = tilde == group.npos ? "" : group.substr(0, bar).substr(tilde + 1);
  std::string_view paths = group.substr(0, std::min(bar, tilde));
  Group out;
  while (out.values.empty() && !paths.empty()) {
    const std::size_t comma = paths.find(',');
    collect(input.shape(), input.get(), paths.substr(0, comma), out.values);
    paths.remove_prefix(comma == paths.npos ? paths.size() : comma + 1);
  }
  for (std::string& value : out.values) {
    if (value.find(':') == value.npos) value += suffix;
  }
  if (out.values.empty() && bar != group.npos) out.values.emplace_back(group.substr(bar + 1));
  return out;
}

// A name out of an ARN, where only the name fits: "arn:...:cluster/web" -> "web".
std::string_view name_in(std::string_view arn) {
  for (int i = 0; i < 5; ++i) arn.remove_prefix(std::min(arn.size(), arn.find(':') + 1));
  const std::size_t end = arn.find_first_of("/:");
  return end == arn.npos ? arn : arn.substr(end + 1);
}

// Empty when a member that the template names is missing.
std::vector<std::string> expand(std::string_view pattern, const Object& input, const Scope& scope) {
  std::vector<std::string> out = {""};
  while (true) {
    const std::size_t open = pattern.find('{');
    for (std::string& resource : out) resource += pattern.substr(0, open);
    if (open == pattern.npos) return out;
    const std::size_t close = pattern.find('}', open);
    const Group group = evaluate(pattern.substr(open + 1, close - open - 1), input, scope);
    pattern.remove_prefix(close + 1);
    const bool last = pattern.find('{') == pattern.npos;
    std::vector<std::string> longer;
    for (const std::string& prefix : out) {
      for (const std::string& value : group.values) {
        if (longer.size() >= kMostResources) break;
        const bool arn = !group.literal && Arn::looks_like(value);
        if (arn && last) {
          std::string_view whole = value;
          // "log-group:x:*" names the group itself.
          if (!pattern.empty() && whole.ends_with(":*")) whole.remove_suffix(2);
          longer.emplace_back(whole);
        } else {
          longer.push_back(prefix + std::string(arn ? name_in(value) : std::string_view(value)));
        }
      }
    }
    if (longer.empty()) return {};
    out = std::move(longer);
  }
}

bool equal_folded(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 32) == (y | 32); });
}

const Member* find_folded(const Shape& shape, std::string_view name) {
  for (const Member& member : shape.members) {
    if (equal_folded(member.name, name)) return &member;
  }
  return nullptr;
}

std::string text_of(const Shape& structure, const void* value, const Member& member) {
  std::vector<std::string> found;
  collect(structure, value, member.name, found);
  return found.empty() ? "" : std::move(found[0]);
}

using Tags = std::vector<std::pair<std::string, std::string>>;

// Tags are a list of keys with values or a map, at the top or, as in EC2, below TagSpecifications.
void collect_tags(const Shape& shape, const void* value, Tags& out) {
  for (const Member& member : shape.members) {
    const void* found = look(member, value);
    if (!found) continue;
    const Shape& held = *member.shape;
    if (equal_folded(member.name, "tags") && held.kind == Kind::map &&
        is_scalar(held.element->kind)) {
      each_entry(held, found, [&](const std::string& key, const void* text) {
        out.emplace_back(
            key, write_scalar(*held.element, text, TimeFormat::iso8601, TimeFormat::iso8601));
      });
    } else if (equal_folded(member.name, "tags") && held.kind == Kind::list &&
               held.element->kind == Kind::structure) {
      const Member* key = find_folded(*held.element, "key");
      if (!key) key = find_folded(*held.element, "tagKey");
      const Member* text = find_folded(*held.element, "value");
      if (!text) text = find_folded(*held.element, "tagValue");
      if (!key || !text) continue;
      each_item(held, found, [&](const void* item) {
        out.emplace_back(text_of(*held.element, item, *key), text_of(*held.element, item, *text));
      });
    } else if (equal_folded(member.name, "tagSpecifications") && held.kind == Kind::list &&
               held.element->kind == Kind::structure) {
      each_item(held, found, [&](const void* item) { collect_tags(*held.element, item, out); });
    }
  }
}

}  // namespace

std::vector<std::pair<std::string, std::vector<std::string>>> request_keys(
    const Operation& operation, const Object& input, const Scope& scope) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  for (const ContextKey& key : operation.context_keys) {
    auto values = expand(key.value, input, scope);
    if (!values.empty()) out.emplace_back(key.name, std::move(values));
  }
  Tags tags;
  collect_tags(input.shape(), input.get(), tags);
  std::vector<std::string> names;
  for (auto& [key, value] : tags) {
    names.push_back(key);
    out.emplace_back("aws:RequestTag/" + key, std::vector{std::move(value)});
  }
  if (const Member* keys = find_folded(input.shape(), "tagKeys")) {
    collect(input.shape(), input.get(), keys->name, names);
  }
  if (!names.empty()) out.emplace_back("aws:TagKeys", std::move(names));
  return out;
}

std::vector<Demand> demands(const Operation& operation, const Object& input, const Scope& scope) {
  std::vector<Demand> out;
  for (const Permission& permission : operation.permissions) {
    Demand demand{permission.action, expand(permission.resource, input, scope)};
    if (demand.resources.empty()) {
      if (!out.empty()) continue;
      demand.resources.emplace_back("*");
    }
    out.push_back(std::move(demand));
  }
  return out;
}

}  // namespace landfall::wire
