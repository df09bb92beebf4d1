#include "services/kms/grants.h"

#include "base/bytes.h"

namespace landfall::kms {
namespace {

// Constraints speak of encryption contexts, which these operations do not have.
bool without_context(const std::string& operation) {
  return operation == "DescribeKey" || operation == "CreateGrant" || operation == "RetireGrant";
}

json::object statement(const GrantRecord& grant, json::array actions) {
  return {{"Effect", "Allow"},
          {"Principal", json::object{{"AWS", grant.grantee}}},
          {"Action", std::move(actions)},
          {"Resource", "*"}};
}

json::object conditions(const GrantRecord& grant) {
  json::object equal;
  for (const auto* pairs : {&grant.context_subset, &grant.context_equals}) {
    for (const auto& [key, value] : *pairs) equal["kms:EncryptionContext:" + key] = value;
  }
  json::object out;
  if (!equal.empty()) out["StringEquals"] = std::move(equal);
  if (!grant.context_equals.empty()) {
    json::array names;
    for (const auto& [key, value] : grant.context_equals) names.emplace_back(key);
    out["ForAllValues:StringEquals"] =
        json::object{{"kms:EncryptionContextKeys", std::move(names)}};
  }
  return out;
}

}  // namespace

json::array statements_of(const GrantRecord& grant) {
  json::array plain, constrained;
  for (const std::string& operation : grant.operations) {
    (without_context(operation) ? plain : constrained).emplace_back("kms:" + operation);
  }
  json::array out;
  if (!plain.empty()) out.push_back(statement(grant, std::move(plain)));
  if (!constrained.empty()) {
    json::object with = statement(grant, std::move(constrained));
    if (json::object when = conditions(grant); !when.empty()) with["Condition"] = std::move(when);
    out.push_back(std::move(with));
  }
  return out;
}

std::string with_grants(const std::string& policy, const std::vector<GrantRecord>& grants) {
  if (grants.empty()) return policy;
  boost::system::error_code bad;
  json::value document = json::parse(policy, bad);
  if (bad || !document.is_object()) return policy;
  json::value& held = document.as_object()["Statement"];
  json::array all;
  if (held.is_array()) {
    all = held.as_array();
  } else if (held.is_object()) {
    all.push_back(held);
  }
  for (const GrantRecord& grant : grants) {
    for (json::value& one : statements_of(grant)) all.push_back(std::move(one));
  }
  held = std::move(all);
  return json::serialize(document);
}

std::string grant_token(const Scope& scope, const GrantRecord& grant) {
  return base64_encode(fmt::format("{}|{}|{}", key_arn(scope, grant.key_id), grant.id,
                                   sha256_hex(grant.id).substr(0, 16)));
}

std::optional<NamedGrant> read_grant_token(const Scope& scope, std::string_view token) {
  const auto text = base64_decode(token);
  if (!text) return {};
  const std::string prefix = key_arn(scope, "");
  const std::size_t bar = text->find('|');
  if (!text->starts_with(prefix) || bar == std::string::npos) return {};
  const std::size_t end = text->find('|', bar + 1);
  if (end == std::string::npos) return {};
  NamedGrant out{text->substr(prefix.size(), bar - prefix.size()),
                 text->substr(bar + 1, end - bar - 1)};
  if (text->substr(end + 1) != sha256_hex(out.grant_id).substr(0, 16)) return {};
  return out;
}

}  // namespace landfall::kms
