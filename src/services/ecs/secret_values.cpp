#include "services/ecs/secret_values.h"

#include "base/record.h"

namespace landfall::ecs {
namespace {

constexpr int kArnParts = 7;  // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME

std::string code_of(const Error& error) {
  return error.code == "AccessDenied" ? "AccessDeniedException" : error.code;
}

}  // namespace

SecretReference parse_secret_reference(const std::string& value_from) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= value_from.size();) {
    const std::size_t colon = std::min(value_from.find(':', at), value_from.size());
    parts.push_back(value_from.substr(at, colon - at));
    at = colon + 1;
  }
  SecretReference out;
  for (int i = 0; i < kArnParts && i < int(parts.size()); ++i) {
    out.secret += (i == 0 ? "" : ":") + parts[std::size_t(i)];
  }
  const auto part = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string(); };
  out.json_key = part(kArnParts);
  out.stage = part(kArnParts + 1);
  out.version_id = part(kArnParts + 2);
  return out;
}

task<Result<std::string>> SecretValues::read(Scope scope, std::string value_from, std::string role,
                                             std::string session) {
  const auto arn = Arn::parse(value_from);
  if (arn && arn->service == "secretsmanager") {
    co_return co_await read_secret(scope, value_from, role, session);
  }
  auto value = co_await parameters_.read_as_role(scope, value_from, role, session);
  if (value) co_return value;
  co_return fail("secret-unavailable",
                 fmt::format("unable to retrieve secrets from ssm: service call has been retried 1 "
                             "time(s): {}: {}",
                             code_of(value.error()), value.error().message));
}

task<Result<std::string>> SecretValues::read_secret(Scope scope, std::string value_from,
                                                    std::string role, std::string session) {
  const SecretReference reference = parse_secret_reference(value_from);
  const auto unable = [&](const std::string& why) {
    return fail("secret-unavailable",
                fmt::format("unable to retrieve secret from asm: service call has been retried 1 "
                            "time(s): {}",
                            why));
  };
  auto value = co_await secrets_.read_as_role(scope, reference.secret, reference.stage,
                                              reference.version_id, role, session);
  if (!value) {
    co_return unable(fmt::format("failed to fetch secret {} from secrets manager: {}: {}",
                                 reference.secret, code_of(value.error()), value.error().message));
  }
  if (value->binary) co_return unable(fmt::format("secret {} holds no text", reference.secret));
  if (reference.json_key.empty()) co_return std::move(value->bytes);
  boost::system::error_code broken;
  const json::value parsed = json::parse(value->bytes, broken);
  if (broken || !parsed.is_object()) {
    co_return unable(fmt::format("secret {} is no JSON object, so it has no key {}",
                                 reference.secret, reference.json_key));
  }
  const json::value* found = parsed.get_object().if_contains(reference.json_key);
  if (!found) {
    co_return unable(fmt::format(
        "retrieved secret from Secrets Manager did not contain json key {}", reference.json_key));
  }
  co_return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

}  // namespace landfall::ecs
