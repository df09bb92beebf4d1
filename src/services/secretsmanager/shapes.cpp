#include "services/secretsmanager/shapes.h"

#include "base/bytes.h"

namespace landfall::secretsmanager {
namespace {

constexpr std::size_t kMostTags = 50;

// "app" or "!app": does one of the texts begin with it? Words are looked at one by one, as AWS
// does.
bool begins(const std::string& text, std::string_view wanted, bool fold_case) {
  const auto fold = [&](std::string_view part) {
    return fold_case ? iam::policy::lower_case(part) : std::string(part);
  };
  return fold(text).starts_with(fold(wanted));
}

bool matches(const SecretRecord& secret, const std::string& key, std::string_view wanted) {
  const auto any_tag = [&](bool keys) {
    return std::ranges::any_of(secret.tags, [&](const auto& tag) {
      return begins(keys ? tag.first : tag.second, wanted, false);
    });
  };
  if (key == "name") return begins(secret.name, wanted, false);
  if (key == "description") return begins(secret.description, wanted, true);
  if (key == "tag-key") return any_tag(true);
  if (key == "tag-value") return any_tag(false);
  if (key == "all") {
    return begins(secret.name, wanted, true) || begins(secret.description, wanted, true) ||
           any_tag(true) || any_tag(false);
  }
  if (key == "owning-service") return begins(secret.owning_service, wanted, false);
  return false;  // primary-region: no secret here has one
}

}  // namespace

wire::List<Tag> to_tags(const std::map<std::string, std::string>& tags) {
  wire::List<Tag> out;
  for (const auto& [key, value] : tags) out.push_back({.key = key, .value = value});
  return out;
}

Result<void> add_tags(SecretRecord& secret, const wire::List<Tag>& tags) {
  for (const Tag& tag : tags) {
    const std::string key = tag.key.value_or("");
    if (key.empty() || key.starts_with("aws:")) {
      return errors::invalid_parameter("Tag keys must not be empty or start with aws:.");
    }
    secret.tags[key] = tag.value.value_or("");
  }
  if (secret.tags.size() > kMostTags) {
    return errors::invalid_request("A secret has at most 50 tags.");
  }
  return {};
}

wire::List<std::string> to_list(const std::set<std::string>& stages) {
  wire::List<std::string> out;
  for (const std::string& stage : stages) out.push_back(stage);
  return out;
}

wire::Map<wire::List<std::string>> to_stages(const SecretRecord& secret, bool staged_only) {
  wire::Map<wire::List<std::string>> out;
  for (const auto& [id, version] : secret.versions) {
    if (!version.stages.empty() || !staged_only) out[id] = to_list(version.stages);
  }
  return out;
}

task<Result<SecretRecord>> put_version(Secretsmanager& service, const RequestContext& ctx,
                                       std::string name, std::string version_id, Value value,
                                       std::set<std::string> stages) {
  if (stages.empty()) stages.insert(kCurrent);
  const auto table = service.secrets(ctx.scope);
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto row = table.get(percent_encode(name));
    if (!row) {
      co_return errors::resource_not_found("Secrets Manager can't find the specified secret.");
    }
    SecretRecord& secret = row->value;
    if (secret.versions.contains(version_id)) {
      LF_CO_TRY(held, service.unseal(ctx.scope, secret, version_id));
      if (held.bytes == value.bytes && held.binary == value.binary) co_return std::move(secret);
      co_return errors::resource_exists(
          "You can't create this secret version because a version with this ClientRequestToken and "
          "another value exists already.");
    }
    LF_CO_TRY(version, co_await service.seal(ctx, secret, version_id, value));
    secret.versions[version_id] = std::move(version);
    stage_version(secret, version_id, stages);
    secret.changed = ctx.now;
    LF_CO_TRY(done, co_await service.store.commit(
                        {{table.unchanged(row->id, row->revision)}, {table.put(row->id, secret)}}));
    if (done.succeeded) co_return std::move(secret);
  }
  co_return errors::internal_service_error("The secret keeps changing.");
}

Result<bool> passes(const SecretRecord& secret, const wire::List<Filter>& filters) {
  for (const Filter& filter : filters) {
    const std::string key = filter.key.value_or("all");
    // The values of one filter are alternatives; those with "!" must not match.
    bool wanted = false, any_wanted = false;
    for (const std::string& value : filter.values) {
      const bool negated = value.starts_with('!');
      const bool match = matches(secret, key, std::string_view(value).substr(negated ? 1 : 0));
      if (negated && match) return false;
      if (negated) continue;
      any_wanted = true;
      wanted = wanted || match;
    }
    if (any_wanted && !wanted) return false;
  }
  return true;
}

}  // namespace landfall::secretsmanager
