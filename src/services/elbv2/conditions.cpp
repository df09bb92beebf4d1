#include "base/ipv4.h"
#include "proxy/rules/transform.h"
#include "services/elbv2/rules.h"
#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

constexpr std::string_view kFields[] = {"host-header",         "path-pattern", "http-header",
                                        "http-request-method", "query-string", "source-ip"};

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

std::size_t wildcards(std::string_view value) {
  return std::size_t(std::ranges::count_if(value, [](char c) { return c == '*' || c == '?'; }));
}

Result<void> check_values(std::string_view field, const wire::List<std::string>& values) {
  for (const std::string& value : values) {
    if (value.empty() || value.size() > 128) {
      return invalid(fmt::format("A value of condition '{}' must have 1 to 128 characters", field));
    }
  }
  return {};
}

// What is refused here would only fail when the first request comes.
Result<void> check_regexes(std::string_view field, const wire::List<std::string>& values) {
  for (const std::string& value : values) {
    if (value.empty() || value.size() > 128)
      return invalid(fmt::format("A regex of condition '{}' must have 1 to 128 characters", field));
    if (!proxy::Regex::compile(value, true))
      return invalid(fmt::format("'{}' is not a valid regular expression", value));
  }
  return {};
}

// The values of host-header and path-pattern, which have two forms: AWS answers with both.
template <class Config>
Result<wire::List<std::string>> both_forms(RuleCondition& condition,
                                           std::optional<Config>& config) {
  if (config && (config->values.given() || config->regex_values.given())) {
    if (!condition.values.empty())
      return invalid("A condition has either Values or its own configuration, not both");
    if (!config->values.empty() && !config->regex_values.empty())
      return invalid("A condition has either Values or RegexValues, not both");
    condition.values = config->values;
    condition.regex_values = config->regex_values;
  }
  if (!config) config.emplace();
  config->values = condition.values;
  config->regex_values = condition.regex_values;
  LF_OK(check_regexes(*condition.field, condition.regex_values));
  wire::List<std::string> all = condition.values;
  all.insert(all.end(), condition.regex_values.begin(), condition.regex_values.end());
  return all;
}

Result<wire::List<std::string>> values_of_host(RuleCondition& condition) {
  LF_TRY(values, both_forms(condition, condition.host_header_config));
  for (const std::string& value : condition.values) {
    if (!std::ranges::all_of(value, [](unsigned char c) {
          return std::isalnum(c) || c == '-' || c == '.' || c == '*' || c == '?' || c == ':' ||
                 c == '_';
        })) {
      return invalid(fmt::format("The host header pattern '{}' is not valid", value));
    }
  }
  return values;
}

Result<wire::List<std::string>> values_of_path(RuleCondition& condition) {
  LF_TRY(values, both_forms(condition, condition.path_pattern_config));
  for (const std::string& value : condition.values) {
    if (!std::ranges::all_of(value, [](unsigned char c) {
          return std::isalnum(c) ||
                 std::string_view("_-.$/~\"'@:+*?&()!,;=").find(char(c)) != std::string_view::npos;
        })) {
      return invalid(fmt::format("The path pattern '{}' is not valid", value));
    }
  }
  return values;
}

Result<wire::List<std::string>> values_of_header(RuleCondition& condition) {
  if (!condition.http_header_config)
    return invalid("A condition of field 'http-header' needs HttpHeaderConfig");
  HttpHeaderConditionConfig& header = *condition.http_header_config;
  const std::string name = header.http_header_name.value_or("");
  const bool token = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(char(c)) != std::string_view::npos;
  });
  if (name.empty() || name.size() > 40 || !token)
    return invalid(fmt::format("'{}' is not a valid HTTP header name", name));
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (lower == "host") return invalid("Use field 'host-header' for the Host header");
  LF_OK(check_regexes("http-header", header.regex_values));
  wire::List<std::string> all = header.values;
  all.insert(all.end(), header.regex_values.begin(), header.regex_values.end());
  return all;
}

Result<wire::List<std::string>> values_of_query(RuleCondition& condition) {
  if (!condition.query_string_config)
    return invalid("A condition of field 'query-string' needs QueryStringConfig");
  wire::List<std::string> out;
  for (const QueryStringKeyValuePair& pair : condition.query_string_config->values) {
    if (!pair.value) return invalid("A query string condition needs a value");
    LF_OK(check_values("query-string", {*pair.value}));
    if (pair.key) LF_OK(check_values("query-string", {*pair.key}));
    out.push_back(pair.key.value_or("") + *pair.value);
  }
  return out;
}

Result<wire::List<std::string>> values_of_method(RuleCondition& condition) {
  if (!condition.http_request_method_config)
    return invalid("A condition of field 'http-request-method' needs HttpRequestMethodConfig");
  for (const std::string& value : condition.http_request_method_config->values) {
    const bool good = value.size() <= 40 && std::ranges::all_of(value, [](char c) {
                        return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
                      });
    if (!good) return invalid(fmt::format("'{}' is not a valid HTTP request method", value));
  }
  return condition.http_request_method_config->values;
}

Result<wire::List<std::string>> values_of_source(RuleCondition& condition) {
  if (!condition.source_ip_config)
    return invalid("A condition of field 'source-ip' needs SourceIpConfig");
  for (const std::string& value : condition.source_ip_config->values) {
    if (!Cidr::parse(value))
      return invalid(fmt::format("'{}' is not a valid CIDR block (Landfall has IPv4)", value));
    if (value == "255.255.255.255/32") return invalid("255.255.255.255/32 is not a source");
  }
  return condition.source_ip_config->values;
}

Result<wire::List<std::string>> values_of(RuleCondition& condition) {
  const std::string& field = *condition.field;
  if (field == "host-header") return values_of_host(condition);
  if (field == "path-pattern") return values_of_path(condition);
  if (!condition.values.empty() || !condition.regex_values.empty())
    return invalid(fmt::format("Values cannot be used with field '{}'", field));
  if (field == "http-header") return values_of_header(condition);
  if (field == "query-string") return values_of_query(condition);
  if (field == "http-request-method") return values_of_method(condition);
  return values_of_source(condition);
}

bool may_repeat(std::string_view field) {
  return field == "http-header" || field == "query-string";
}

Result<void> check_configurations(const RuleCondition& condition) {
  const std::string& field = *condition.field;
  const std::pair<bool, std::string_view> given[] = {
      {condition.host_header_config.has_value(), "host-header"},
      {condition.path_pattern_config.has_value(), "path-pattern"},
      {condition.http_header_config.has_value(), "http-header"},
      {condition.http_request_method_config.has_value(), "http-request-method"},
      {condition.query_string_config.has_value(), "query-string"},
      {condition.source_ip_config.has_value(), "source-ip"}};
  for (const auto& [there, of] : given) {
    if (there && of != field) {
      return invalid(fmt::format("A condition of field '{}' cannot have the configuration of '{}'",
                                 field, of));
    }
  }
  return {};
}

}  // namespace

Result<wire::List<RuleCondition>> normalize_conditions(wire::List<RuleCondition> conditions) {
  if (conditions.empty()) return invalid("A condition must be specified");
  std::set<std::string> seen;
  std::size_t values = 0, stars = 0;
  for (RuleCondition& condition : conditions) {
    if (!condition.field || std::ranges::find(kFields, *condition.field) == std::end(kFields)) {
      return invalid(fmt::format("Condition field '{}' must be one of '[{}]'",
                                 condition.field.value_or(""), fmt::join(kFields, ", ")));
    }
    if (!seen.insert(*condition.field).second && !may_repeat(*condition.field)) {
      return errors::invalid_configuration_request(
          fmt::format("A rule can only have one '{}' condition", *condition.field));
    }
    LF_OK(check_configurations(condition));
    LF_TRY(listed, values_of(condition));
    if (listed.empty())
      return invalid(fmt::format("A '{}' condition value must be specified", *condition.field));
    if (*condition.field != "query-string") LF_OK(check_values(*condition.field, listed));
    values += listed.size();
    const bool regexes =
        !condition.regex_values.empty() ||
        (condition.http_header_config && !condition.http_header_config->regex_values.empty());
    if (*condition.field == "http-request-method" || regexes) continue;
    for (const std::string& value : listed) stars += wildcards(value);
  }
  if (values > kMostConditionValues) {
    return invalid(fmt::format("A rule can only have '{}' condition values", kMostConditionValues));
  }
  if (stars > kMostWildcards) {
    return invalid(fmt::format("A rule can only have '{}' condition wildcards", kMostWildcards));
  }
  conditions.present = true;
  return conditions;
}

}  // namespace landfall::elbv2
