#include "services/ecr/lifecycle/policy.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace landfall::ecr::lifecycle {
namespace {

namespace json = boost::json;

constexpr std::size_t kRulesLimit = 50;

std::unexpected<Error> invalid(std::string message) {
  return fail("policy-invalid", std::move(message));
}

std::string_view text_of(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

// At least `least`; a missing or other value is an error.
Result<std::int64_t> integer_of(const json::object& from, std::string_view name,
                                std::int64_t least) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_int64() || found->get_int64() < least ||
      found->get_int64() > 1'000'000'000) {
    return invalid(fmt::format("{} must be an integer of at least {}", name, least));
  }
  return found->get_int64();
}

Result<std::vector<std::string>> strings_of(const json::object& from, std::string_view name) {
  std::vector<std::string> out;
  const json::value* found = from.if_contains(name);
  if (found == nullptr) return out;
  if (!found->is_array()) return invalid(fmt::format("{} must be a list of strings", name));
  for (const json::value& item : found->get_array()) {
    if (!item.is_string() || item.get_string().empty())
      return invalid(fmt::format("{} must be a list of strings", name));
    out.emplace_back(item.get_string().data(), item.get_string().size());
  }
  return out;
}

Result<void> only(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(names, std::string_view(key)) == names.end()) {
      return invalid(fmt::format("unknown member {}", std::string_view(key)));
    }
  }
  return {};
}

Result<void> parse_count(const json::object& selection, Rule& rule) {
  const std::string_view type = text_of(selection, "countType");
  LF_TRY(count, integer_of(selection, "countNumber", 1));
  rule.count = count;
  if (type == "imageCountMoreThan") {
    if (selection.contains("countUnit"))
      return invalid("countUnit does not go with imageCountMoreThan");
    rule.count_type = CountType::more_than;
    return {};
  }
  if (type != "sinceImagePushed" && type != "sinceImagePulled") {
    return invalid("countType must be imageCountMoreThan, sinceImagePushed or sinceImagePulled");
  }
  if (text_of(selection, "countUnit") != "days") return invalid("countUnit must be days");
  rule.count_type = type == "sinceImagePushed" ? CountType::since_pushed : CountType::since_pulled;
  return {};
}

Result<void> parse_selection(const json::object& selection, Rule& rule) {
  LF_OK(only(selection, {"tagStatus", "tagPrefixList", "tagPatternList", "countType", "countUnit",
                         "countNumber"}));
  LF_TRY(prefixes, strings_of(selection, "tagPrefixList"));
  LF_TRY(patterns, strings_of(selection, "tagPatternList"));
  const std::string_view status = text_of(selection, "tagStatus");
  if (status == "tagged") {
    rule.tag_status = TagStatus::tagged;
    if (prefixes.empty() == patterns.empty()) {
      return invalid("tagged rules need either tagPrefixList or tagPatternList");
    }
  } else if (status == "untagged" || status == "any") {
    rule.tag_status = status == "any" ? TagStatus::any : TagStatus::untagged;
    if (!prefixes.empty() || !patterns.empty())
      return invalid("tag lists only go with tagStatus tagged");
  } else {
    return invalid("tagStatus must be tagged, untagged or any");
  }
  for (const std::string& pattern : patterns) {
    if (std::ranges::count(pattern, '*') > 4) return invalid("at most 4 wildcards in a pattern");
  }
  rule.tag_prefixes = std::move(prefixes);
  rule.tag_patterns = std::move(patterns);
  return parse_count(selection, rule);
}

Result<Rule> parse_rule(const json::value& from) {
  if (!from.is_object()) return invalid("a rule must be an object");
  const json::object& object = from.get_object();
  LF_OK(only(object, {"rulePriority", "description", "selection", "action"}));
  Rule rule;
  LF_TRY(priority, integer_of(object, "rulePriority", 1));
  rule.priority = static_cast<int>(priority);
  rule.description = text_of(object, "description");
  const json::value* selection = object.if_contains("selection");
  const json::value* action = object.if_contains("action");
  if (selection == nullptr || !selection->is_object()) return invalid("a rule needs a selection");
  if (action == nullptr || !action->is_object() ||
      text_of(action->get_object(), "type") != "expire") {
    return invalid("the action's type must be expire");
  }
  LF_OK(only(action->get_object(), {"type"}));
  LF_OK(parse_selection(selection->get_object(), rule));
  return rule;
}

Result<void> check_together(const std::vector<Rule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (i > 0 && rules[i].priority == rules[i - 1].priority) {
      return invalid(fmt::format("more than one rule has the priority {}", rules[i].priority));
    }
    if (rules[i].tag_status == TagStatus::any && i + 1 != rules.size()) {
      return invalid("a rule with tagStatus any must have the lowest priority");
    }
  }
  if (std::ranges::count(rules, TagStatus::untagged, &Rule::tag_status) > 1) {
    return invalid("only one rule may select untagged images");
  }
  return {};
}

bool selects(const Rule& rule, const TaggedImage& image) {
  if (rule.tag_status == TagStatus::any) return true;
  if (rule.tag_status == TagStatus::untagged) return image.tags.empty();
  const auto some_tag = [&](const auto& test) { return std::ranges::any_of(image.tags, test); };
  for (const std::string& prefix : rule.tag_prefixes) {
    if (!some_tag([&](const std::string& tag) { return tag.starts_with(prefix); })) return false;
  }
  for (const std::string& pattern : rule.tag_patterns) {
    if (!some_tag([&](const std::string& tag) { return matches_wildcard(pattern, tag); }))
      return false;
  }
  return true;
}

TimePoint age_of(const Rule& rule, const TaggedImage& image) {
  // An image that was never pulled counts from its push.
  if (rule.count_type == CountType::since_pulled)
    return std::max(image.record.last_pulled_at, image.record.pushed_at);
  return image.record.pushed_at;
}

}  // namespace

Result<std::vector<Rule>> parse(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse({text.data(), text.size()}, error);
  if (error || !parsed.is_object()) return invalid("the policy is not a JSON object");
  LF_OK(only(parsed.get_object(), {"rules"}));
  const json::value* rules = parsed.get_object().if_contains("rules");
  if (rules == nullptr || !rules->is_array() || rules->get_array().empty())
    return invalid("the policy has no rules");
  if (rules->get_array().size() > kRulesLimit)
    return invalid(fmt::format("at most {} rules", kRulesLimit));
  std::vector<Rule> out;
  for (const json::value& item : rules->get_array()) {
    LF_TRY(rule, parse_rule(item));
    out.push_back(std::move(rule));
  }
  std::ranges::sort(out, {}, &Rule::priority);
  LF_OK(check_together(out));
  return out;
}

// Every rule looks at all images, as if no other rule had taken any; but an image belongs to the
// first rule that selects it, and only that rule can take it.
std::vector<Expiry> plan(const std::vector<Rule>& rules, const std::vector<TaggedImage>& images,
                         TimePoint now) {
  std::vector<const TaggedImage*> newest_first;
  for (const TaggedImage& image : images) {
    if (!listed_by(images, {}, image.record.digest)) newest_first.push_back(&image);
  }
  std::set<const TaggedImage*> settled;
  std::vector<Expiry> out;
  for (const Rule& rule : rules) {
    std::ranges::sort(newest_first, [&](const TaggedImage* a, const TaggedImage* b) {
      const TimePoint of_a = age_of(rule, *a);
      const TimePoint of_b = age_of(rule, *b);
      return of_a != of_b ? of_a > of_b : a->record.digest < b->record.digest;
    });
    std::int64_t seen = 0;
    std::vector<const TaggedImage*> selected;
    for (const TaggedImage* image : newest_first) {
      if (!selects(rule, *image)) continue;
      selected.push_back(image);
      const bool expired = rule.count_type == CountType::more_than
                               ? ++seen > rule.count
                               : now - age_of(rule, *image) > std::chrono::days(rule.count);
      if (expired && !settled.contains(image)) out.push_back({*image, rule.priority});
    }
    settled.insert(selected.begin(), selected.end());
  }
  std::ranges::sort(out, [](const Expiry& a, const Expiry& b) {
    const ImageRecord& x = a.image.record;
    const ImageRecord& y = b.image.record;
    return x.pushed_at != y.pushed_at ? x.pushed_at < y.pushed_at : x.digest < y.digest;
  });
  return out;
}

}  // namespace landfall::ecr::lifecycle
