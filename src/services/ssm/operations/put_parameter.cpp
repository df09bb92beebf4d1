#include "base/bytes.h"
#include "services/ssm/policies.h"
#include "services/ssm/shapes.h"

namespace landfall::ssm {
namespace {

constexpr std::size_t kStandardBytes = 4096;
constexpr std::size_t kAdvancedBytes = 8192;
constexpr std::size_t kMostVersions = 100;
constexpr std::size_t kMostLevels = 15;

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationException", std::move(message));
}

Result<void> check_name(const std::string& name) {
  const bool path = std::ranges::count(name, '/') > 1;
  std::string start = name.substr(name.starts_with('/') ? 1 : 0, 3);
  for (char& c : start) c = char(std::tolower(static_cast<unsigned char>(c)));
  if (start == "aws" && path) {
    return fail("AccessDenied", "No access to reserved parameter name: " + name + ".", 403);
  }
  const bool good = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/_.-").contains(char(c));
  });
  if (start == "aws" || start == "ssm" || !good) {
    const std::string refused =
        fmt::format("Parameter name: can't be prefixed with \"{}\" (case-insensitive).",
                    start == "aws" ? "aws" : "ssm");
    if (good && !path) return invalid(refused);
    return invalid(refused +
                   " If formed as a path, it can consist of sub-paths divided by slash symbol; "
                   "each sub-path can be formed as a mix of letters, numbers and the following 3 "
                   "symbols .-_");
  }
  if (name.contains('/') && !name.starts_with('/')) {
    return invalid("Parameter name must be a fully qualified name.");
  }
  if (std::size_t(std::ranges::count(name, '/')) > kMostLevels) {
    return errors::hierarchy_level_limit_exceeded("A hierarchy can have at most 15 levels.");
  }
  return {};
}

}  // namespace

task<Result<PutParameterResponse>> put_parameter(Ssm& ssm, const RequestContext& ctx,
                                                 PutParameterRequest in) {
  LF_CO_OK(check_name(in.name));
  LF_CO_OK(ssm.authorize(ctx, "PutParameter", in.name));
  // Terraform's provider sends an empty one for "none".
  if (!in.allowed_pattern.value_or("").empty()) {
    co_return errors::invalid_allowed_pattern("AllowedPattern is not served here.");
  }
  std::optional<std::vector<PolicyRecord>> policies;
  if (in.policies) {
    LF_CO_TRY(read, read_policies(*in.policies, ctx.now));
    policies = std::move(read);
  }
  if (in.data_type.value_or("text") != "text")
    co_return invalid("Only DataType text is served here.");
  const bool overwrite = in.overwrite.value_or(false);
  if (overwrite && !in.tags.empty()) {
    co_return invalid(
        "Invalid request: tags and overwrite can't be used together. To create a "
        "parameter with tags, please remove overwrite flag.");
  }
  const auto table = ssm.parameters(ctx.scope);
  const std::string id = percent_encode(in.name, true);
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto row = table.get(id);
    // What has expired makes room.
    const auto held = row && !row->value.expired(ctx.now) ? row : std::nullopt;
    if (held && !overwrite) {
      co_return errors::parameter_already_exists(
          "The parameter already exists. To overwrite this value, set the overwrite option in the "
          "request to true.");
    }
    if (!held && !in.type)
      co_return invalid("A parameter type is required when you create a parameter.");
    ParameterRecord parameter = held ? held->value : ParameterRecord{.name = in.name};
    VersionRecord version;
    version.type = in.type.value_or(held ? held->value.latest().type : "String");
    if (held && version.type != held->value.latest().type) {
      co_return errors::hierarchy_type_mismatch(
          fmt::format("The parameter {} is of type {}.", in.name, held->value.latest().type));
    }
    version.number = held ? held->value.latest().number + 1 : 1;
    version.tier = in.tier.value_or(held ? held->value.latest().tier : "Standard");
    if (version.tier == "Intelligent-Tiering") {
      version.tier = in.value.size() > kStandardBytes ? "Advanced" : "Standard";
    }
    if (in.value.size() > (version.tier == "Advanced" ? kAdvancedBytes : kStandardBytes)) {
      co_return invalid(
          version.tier == "Advanced"
              ? "Advanced tier parameters support a maximum parameter value of 8192 characters."
              : "Standard tier parameters support a maximum parameter value of 4096 characters. To "
                "create a larger parameter value, upgrade the parameter to use the "
                "advanced-parameter "
                "tier.");
    }
    version.policies = policies ? *policies
                       : held   ? held->value.latest().policies
                                : std::vector<PolicyRecord>();
    if (!version.policies.empty() && version.tier != "Advanced") {
      if (in.tier.value_or("Standard") == "Standard") {
        co_return invalid(
            "Parameter policies need a parameter of the advanced tier: give Tier Advanced.");
      }
      version.tier = "Advanced";
    }
    version.description =
        in.description.value_or(held ? held->value.latest().description : std::string());
    version.user = ctx.principal.arn;
    version.modified = ctx.now;
    version.value = in.value;
    if (version.type == "SecureString") {
      version.key_id = in.key_id.value_or(held ? held->value.latest().key_id : "alias/aws/ssm");
      LF_CO_TRY(sealed, co_await ssm.seal(ctx, in.name, version.key_id, in.value));
      version.value = std::move(sealed);
    } else if (in.key_id) {
      co_return invalid("KeyId is required for SecureString type parameter only.");
    }
    parameter.versions.push_back(version);
    if (parameter.versions.size() > kMostVersions) {
      if (!parameter.versions.front().labels.empty()) {
        co_return errors::parameter_max_version_limit_exceeded(
            "The oldest version has a label, and cannot make room for a new one.");
      }
      parameter.versions.erase(parameter.versions.begin());
    }
    LF_CO_OK(add_tags(parameter, in.tags));
    LF_CO_TRY(done, co_await ssm.store.commit({{table.unchanged(id, row ? row->revision : 0)},
                                               {table.put(id, parameter)}}));
    if (done.succeeded) {
      co_return PutParameterResponse{.version = version.number, .tier = version.tier};
    }
  }
  co_return errors::too_many_updates("There are concurrent updates for a resource.");
}

}  // namespace landfall::ssm
