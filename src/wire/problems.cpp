#include "wire/problems.h"

#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr std::size_t kMostProblems = 10;
constexpr std::size_t kMostShown = 256;

}  // namespace

std::string Problems::show(const Path& path) const {
  std::string out = path.parent ? show(*path.parent) : "";
  const bool form = service_.validation == ValidationStyle::parameters;
  std::string step;
  if (path.member) {
    step = form ? path.member->query_name : path.member->name;
    if (!form && !step.empty()) step[0] = char(std::tolower(static_cast<unsigned char>(step[0])));
  } else if (path.index >= 0) {
    step = fmt::format("{}{}", path.index, form ? "" : ".member");
  } else if (!path.key.empty()) {
    step = fmt::format("{}.value", valid_utf8(path.key.substr(0, kMostShown)));
  }
  if (step.empty()) return out;
  return out.empty() ? step : out + "." + step;
}

void Problems::add(Item item) {
  if (items_.size() < kMostProblems) items_.push_back(std::move(item));
}

void Problems::missing(const Path& path) {
  add({show(path), "null", "Member must not be null", true});
}

void Problems::broken(const Path& path, std::string value, std::string constraint) {
  // What is missing breaks its other constraints, too; saying so once is enough.
  const std::string where = show(path);
  for (const Item& item : items_) {
    if (item.missing && item.path == where) return;
  }
  if (value.size() > kMostShown) value = valid_utf8(value.substr(0, kMostShown));
  add({where, fmt::format("'{}'", value), std::move(constraint), false});
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html for the first two.
Error Problems::error() const {
  CHECK(!items_.empty());
  if (service_.validation == ValidationStyle::parameters) {
    const auto missing = std::ranges::find(items_, true, &Item::missing);
    if (missing != items_.end()) {
      return {"MissingParameter",
              fmt::format("The request must contain the parameter {}", missing->path)};
    }
    const Item& first = items_.front();
    return {"InvalidParameterValue",
            fmt::format("Value ({}) for parameter {} is invalid. {}",
                        std::string_view(first.value).substr(1, first.value.size() - 2), first.path,
                        first.constraint)};
  }
  std::string text =
      fmt::format("{} validation error{} detected: ", items_.size(), items_.size() == 1 ? "" : "s");
  for (const Item& item : items_) {
    if (&item != &items_.front()) text += "; ";
    text += fmt::format("Value {} at '{}' failed to satisfy constraint: {}", item.value, item.path,
                        item.constraint);
  }
  return {std::string(service_.validation_code), std::move(text)};
}

Error Problems::unreadable(const Path& path, std::string_view value) const {
  const std::string shown = valid_utf8(value.substr(0, kMostShown));
  if (service_.validation == ValidationStyle::parameters) {
    return {"InvalidParameterValue",
            fmt::format("Value ({}) for parameter {} is invalid.", shown, show(path))};
  }
  return {"MalformedInput", fmt::format("Value '{}' at '{}' cannot be read", shown, show(path))};
}

}  // namespace landfall::wire
