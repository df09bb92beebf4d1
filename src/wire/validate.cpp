#include "wire/validate.h"

namespace landfall::wire {
namespace {

bool accepts(const PatternStep& step, unsigned char c) {
  if (c >= 0x80) return step.beyond_ascii;
  return c < 64 ? (step.low >> c) & 1 : (step.high >> (c - 64)) & 1;
}

std::int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

void check_bounds(const Constraints& rules, std::int64_t measure, std::string_view what,
                  const std::string& shown, Problems& problems, const Path& path) {
  if (measure < rules.min) {
    problems.broken(
        path, shown,
        fmt::format("Member must have {} greater than or equal to {}", what, rules.min));
  }
  if (measure > rules.max) {
    problems.broken(path, shown,
                    fmt::format("Member must have {} less than or equal to {}", what, rules.max));
  }
}

void check_string(const Constraints& rules, const std::string& value, Problems& problems,
                  const Path& path) {
  const std::string shown = rules.sensitive ? "***" : value;
  check_bounds(rules, count_characters(value), "length", shown, problems, path);
  if (!rules.values.empty() && std::ranges::find(rules.values, value) == rules.values.end()) {
    problems.broken(
        path, shown,
        fmt::format("Member must satisfy enum value set: [{}]", fmt::join(rules.values, ", ")));
  }
  if (!rules.steps.empty() && !matches(rules.steps, value)) {
    problems.broken(
        path, shown,
        fmt::format("Member must satisfy regular expression pattern: {}", rules.pattern));
  }
}

void check(const Shape& shape, const void* value, Problems& problems, const Path& path) {
  const Constraints& rules = *shape.constraints;
  switch (shape.kind) {
    case Kind::string:
      return check_string(rules, *static_cast<const std::string*>(value), problems, path);
    case Kind::blob: {
      const auto size = std::int64_t(static_cast<const std::string*>(value)->size());
      return check_bounds(rules, size, "length", fmt::format("({} bytes)", size), problems, path);
    }
    case Kind::list:
    case Kind::map: {
      const std::size_t size =
          shape.kind == Kind::list ? shape.list->size(value) : shape.map->size(value);
      return check_bounds(rules, std::int64_t(size), "length", size ? "[...]" : "[]", problems,
                          path);
    }
    case Kind::int32: {
      const auto number = *static_cast<const std::int32_t*>(value);
      return check_bounds(rules, number, "value", fmt::format("{}", number), problems, path);
    }
    case Kind::int64: {
      const auto number = *static_cast<const std::int64_t*>(value);
      return check_bounds(rules, number, "value", fmt::format("{}", number), problems, path);
    }
    case Kind::float64: {
      const auto number = *static_cast<const double*>(value);
      if ((rules.min != kNoMinimum && number < double(rules.min)) ||
          (rules.max != kNoMaximum && number > double(rules.max))) {
        problems.broken(
            path, fmt::format("{}", number),
            fmt::format("Member must have value between {} and {}", rules.min, rules.max));
      }
      return;
    }
    default:
      return;
  }
}

}  // namespace

bool matches(std::span<const PatternStep> steps, std::string_view text) {
  // Bit i: step i may come next. All ways through the pattern are followed at once.
  const auto close = [&](std::uint64_t at) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if ((at >> i & 1) && steps[i].optional) at |= std::uint64_t(1) << (i + 1);
    }
    return at;
  };
  std::uint64_t at = close(1);
  for (std::size_t i = 0; i < text.size() && at; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xc0) == 0x80) continue;  // belongs to the character before
    std::uint64_t next = 0;
    for (std::size_t step = 0; step < steps.size(); ++step) {
      if (!(at >> step & 1) || !accepts(steps[step], c)) continue;
      next |= std::uint64_t(1) << (step + 1);
      if (steps[step].repeated) next |= std::uint64_t(1) << step;
    }
    at = close(next);
  }
  return at >> steps.size() & 1;
}

void validate(const Shape& shape, const void* value, Problems& problems, const Path& path) {
  if (shape.constraints) check(shape, value, problems, path);
  switch (shape.kind) {
    case Kind::structure:
      for (const Member& member : shape.members) {
        const void* found = look(member, value);
        if (found) validate(*member.shape, found, problems, Path{&path, &member});
      }
      return;
    case Kind::list: {
      std::int64_t index = 0;
      each_item(shape, value, [&](const void* item) {
        validate(*shape.element, item, problems, Path{&path, nullptr, ++index});
      });
      return;
    }
    case Kind::map:
      each_entry(shape, value, [&](const std::string& key, const void* item) {
        const Path here{&path, nullptr, -1, key};
        validate(*shape.key, &key, problems, here);
        validate(*shape.element, item, problems, here);
      });
      return;
    default:
      return;
  }
}

}  // namespace landfall::wire
