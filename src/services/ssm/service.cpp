#include "services/ssm/service.h"

#include "base/bytes.h"
#include "wire/ssm/errors.h"

namespace landfall::ssm {
namespace {

std::string via(const Scope& scope) { return fmt::format("ssm.{}.amazonaws.com", scope.region); }

kms::Context encryption_context(const Scope& scope, const std::string& name) {
  return {{"PARAMETER_ARN", arn_of(scope, name)}};
}

std::string key_reference(const std::string& key_id) {
  return key_id.empty() ? "alias/aws/ssm" : key_id;
}

}  // namespace

std::string arn_of(const Scope& scope, std::string_view name) {
  return fmt::format("arn:aws:ssm:{}:{}:parameter{}{}", scope.region,
                     name.starts_with(kPublicPath) ? "" : scope.account,
                     name.starts_with('/') ? "" : "/", name);
}

Selector parse_selector(const Scope& scope, const std::string& reference) {
  Selector out;
  std::string_view rest = reference;
  if (const auto arn = Arn::parse(reference);
      arn && arn->service == "ssm" && arn->resource.starts_with("parameter/")) {
    const bool published =
        arn->account.empty() && arn->resource.starts_with("parameter/aws/service/");
    if (arn->region != scope.region || (arn->account != scope.account && !published)) {
      return {reference, {}};
    }
    rest = std::string_view(reference);
    rest.remove_prefix(reference.find(":parameter/") + std::string_view(":parameter").size());
    // "parameter/url" is the name "url" as well as "/url": AWS tells by whether there is a
    // hierarchy.
    if (rest.find('/', 1) == std::string_view::npos) rest.remove_prefix(1);
  }
  const std::size_t colon = rest.find(':');
  out.name = rest.substr(0, colon);
  if (colon != std::string_view::npos) out.selector = rest.substr(colon);
  return out;
}

const VersionRecord* select(const ParameterRecord& parameter, const std::string& selector) {
  if (selector.empty()) return &parameter.latest();
  const std::string wanted = selector.substr(1);
  for (const VersionRecord& version : parameter.versions) {
    if (std::to_string(version.number) == wanted || version.labels.contains(wanted))
      return &version;
  }
  return nullptr;
}

store::Table<ParameterRecord> Ssm::parameters(const Scope& scope) const {
  return {store, fmt::format("/ssm/{}/{}/parameters/", scope.account, scope.region)};
}

std::optional<ParameterRow> Ssm::find(const Scope& scope, const std::string& name) const {
  const auto table = parameters(scope);
  auto row = table.get(percent_encode(name, true));
  // An ARN does not tell "/url" from "url".
  if (!row && !name.starts_with('/')) row = table.get(percent_encode("/" + name, true));
  if (row && row->value.expired(clock.now())) return {};
  return row;
}

std::optional<ParameterRecord> Ssm::find_readable(const Scope& scope,
                                                  const std::string& name) const {
  if (const ParameterRecord* found = published.find(name)) return *found;
  auto row = find(scope, name);
  if (!row) return {};
  return std::move(row->value);
}

std::vector<ParameterRow> Ssm::list(const Scope& scope, const std::string& after) const {
  auto rows = parameters(scope).list({}, after);
  std::erase_if(rows, [now = clock.now()](const auto& row) { return row.value.expired(now); });
  return rows;
}

bool ParameterRecord::expired(TimePoint now) const {
  return std::ranges::any_of(latest().policies, [now](const PolicyRecord& policy) {
    return policy.type == "Expiration" && policy.at <= now;
  });
}

Result<void> Ssm::authorize(const RequestContext& ctx, const std::string& action,
                            const std::string& name) const {
  iam::Access access{.action = "ssm:" + action, .resource = arn_of(ctx.scope, name)};
  if (const auto row = find(ctx.scope, name)) {
    for (const auto& [key, value] : row->value.tags) {
      access.context.set("ssm:resourceTag/" + key, value);
      access.context.set("aws:ResourceTag/" + key, value);
    }
  }
  return iam.authorize(ctx, access);
}

task<Result<std::string>> Ssm::seal(const RequestContext& ctx, std::string name, std::string key_id,
                                    std::string value) {
  auto key = co_await kms.find(ctx.scope, key_reference(key_id));
  if (!key) co_return errors::invalid_key_id(key.error().message);
  const kms::Context context = encryption_context(ctx.scope, name);
  LF_CO_OK(kms.authorize(ctx, key->value, "kms:Encrypt", context, via(ctx.scope)));
  auto made = kms.encrypt(ctx.scope, key->value, value, context);
  if (!made) co_return errors::invalid_key_id(made.error().message);
  co_return base64_encode(made->blob);
}

task<Result<std::string>> Ssm::unseal(const RequestContext& ctx, std::string name,
                                      VersionRecord version) {
  const auto blob = base64_decode(version.value);
  if (!blob) co_return errors::invalid_key_id("The value is damaged.");
  const kms::Context context = encryption_context(ctx.scope, name);
  auto key = kms.key_of(ctx.scope, *blob);
  if (!key) co_return errors::invalid_key_id("The key of the parameter is gone.");
  LF_CO_OK(kms.authorize(ctx, key->value, "kms:Decrypt", context, via(ctx.scope)));
  auto opened = kms.decrypt(ctx.scope, *blob, context);
  if (!opened) co_return errors::invalid_key_id(opened.error().message);
  co_return std::move(opened->plaintext);
}

task<Result<std::string>> Ssm::read_as_role(Scope scope, std::string reference,
                                            std::string role_arn, std::string session) {
  const Selector wanted = parse_selector(scope, reference);
  const auto found = find_readable(scope, wanted.name);
  const std::string name = found ? found->name : wanted.name;
  LF_CO_OK(iam.authorize_role(role_arn, session,
                              {.action = "ssm:GetParameters", .resource = arn_of(scope, name)}));
  const VersionRecord* version = found ? select(*found, wanted.selector) : nullptr;
  if (!version)
    co_return errors::parameter_not_found(fmt::format("invalid ssm parameters: {}", reference));
  if (version->type != "SecureString") co_return version->value;
  const auto blob = base64_decode(version->value);
  if (!blob) co_return errors::invalid_key_id("The value is damaged.");
  auto key = kms.key_of(scope, *blob);
  if (!key) co_return errors::invalid_key_id("The key of the parameter is gone.");
  LF_CO_OK(kms.authorize_role(scope, role_arn, session, key->value, "kms:Decrypt", via(scope)));
  LF_CO_TRY(opened, kms.decrypt(scope, *blob, encryption_context(scope, name)));
  co_return std::move(opened.plaintext);
}

}  // namespace landfall::ssm
