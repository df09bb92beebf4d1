#include "services/ssm/shapes.h"

namespace landfall::ssm {
namespace {

constexpr std::size_t kMostTags = 50;

bool below(std::string_view name, std::string_view path, bool recursive) {
  std::string prefix(path);
  if (!prefix.ends_with('/')) prefix += '/';
  if (!name.starts_with(prefix)) return false;
  return recursive || name.find('/', prefix.size()) == std::string_view::npos;
}

bool compare(const std::string& option, std::string_view text, std::string_view wanted) {
  if (option == "BeginsWith") return text.starts_with(wanted);
  if (option == "Contains") return text.contains(wanted);
  return text == wanted;
}

}  // namespace

Result<void> add_tags(ParameterRecord& parameter, const wire::List<Tag>& tags) {
  for (const Tag& tag : tags) {
    if (tag.key.starts_with("aws:")) {
      return fail("ValidationException", "Tag keys must not start with aws:.");
    }
    parameter.tags[tag.key] = tag.value;
  }
  if (parameter.tags.size() > kMostTags) {
    return errors::too_many_tags_error("A parameter has at most 50 tags.");
  }
  return {};
}

task<Result<Parameter>> to_parameter(Ssm& ssm, const RequestContext& ctx, std::string name,
                                     VersionRecord version, bool decrypt) {
  Parameter out{.name = name,
                .type = version.type,
                .value = version.value,
                .version = version.number,
                .last_modified_date = version.modified,
                .arn = arn_of(ctx.scope, name),
                .data_type = version.data_type};
  if (version.type == "SecureString" && decrypt) {
    LF_CO_TRY(value, co_await ssm.unseal(ctx, name, std::move(version)));
    out.value = std::move(value);
  }
  co_return out;
}

wire::List<ParameterInlinePolicy> to_policies(const VersionRecord& version) {
  wire::List<ParameterInlinePolicy> out;
  out.present = true;
  for (const PolicyRecord& policy : version.policies) {
    out.push_back(
        {.policy_text = policy.text, .policy_type = policy.type, .policy_status = "Pending"});
  }
  return out;
}

Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token) {
  auto after = store::read_page_token(list, token);
  if (!after) return errors::invalid_next_token("The specified token is not valid.");
  return after;
}

Result<bool> passes(const ParameterRecord& parameter,
                    const wire::List<ParameterStringFilter>& filters) {
  const VersionRecord& version = parameter.latest();
  for (const ParameterStringFilter& filter : filters) {
    const std::string option = filter.option.value_or("Equals");
    const auto any = [&](auto&& test) { return std::ranges::any_of(filter.values, test); };
    bool match = false;
    if (filter.key == "Name") {
      match = any([&](const std::string& value) { return compare(option, parameter.name, value); });
    } else if (filter.key == "Path") {
      if (option != "Recursive" && option != "OneLevel" && filter.option) {
        return errors::invalid_filter_option(
            fmt::format("Path does not take the option {}.", option));
      }
      match = any([&](const std::string& value) {
        return below(parameter.name, value, option == "Recursive");
      });
    } else if (filter.key == "Type") {
      match = any([&](const std::string& value) { return compare(option, version.type, value); });
    } else if (filter.key == "KeyId") {
      match = any([&](const std::string& value) { return compare(option, version.key_id, value); });
    } else if (filter.key == "Tier") {
      match = any([&](const std::string& value) { return version.tier == value; });
    } else if (filter.key == "DataType") {
      match = any([&](const std::string& value) { return version.data_type == value; });
    } else if (filter.key == "Label") {
      match = any([&](const std::string& value) {
        return std::ranges::any_of(parameter.versions,
                                   [&](const auto& held) { return held.labels.contains(value); });
      });
    } else if (filter.key.starts_with("tag:")) {
      const auto tag = parameter.tags.find(filter.key.substr(4));
      match = tag != parameter.tags.end() &&
              (filter.values.empty() ||
               any([&](const std::string& value) { return compare(option, tag->second, value); }));
    } else {
      return errors::invalid_filter_key(fmt::format("The filter key {} is not valid.", filter.key));
    }
    if (!match) return false;
  }
  return true;
}

}  // namespace landfall::ssm
