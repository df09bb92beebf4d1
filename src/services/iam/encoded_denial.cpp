#include "services/iam/encoded_denial.h"

namespace landfall::iam {
namespace {

constexpr std::string_view kContext = "sts/authorization-message";
// Sealed texts start with the form's name, which has no place in a message.
constexpr std::string_view kForm = "v1:";

// What every request says of itself, as conditions ask for it.
constexpr std::string_view kShown[] = {
    "aws:principalarn",    "aws:principalaccount", "aws:principaltype",   "aws:userid",
    "aws:username",        "aws:sourceip",         "aws:useragent",       "aws:requestedregion",
    "aws:securetransport", "aws:currenttime",      "aws:resourceaccount", "aws:tagkeys",
};

json::object items(json::array all) { return {{"items", std::move(all)}}; }

const policy::Document* document_of(const policy::PolicySet& policies, const policy::Match& match) {
  switch (match.kind) {
    case policy::PolicyKind::identity:
      return policies.identity[match.document].get();
    case policy::PolicyKind::resource:
      return policies.resource.get();
    case policy::PolicyKind::boundary:
      return policies.boundary.get();
    case policy::PolicyKind::session:
      return (*policies.session)[match.document].get();
  }
  return nullptr;
}

}  // namespace

std::string encode_denial(const Iam& iam, const policy::PolicySet& policies,
                          const policy::Question& question, const policy::Verdict& verdict) {
  json::array statements;
  if (verdict.explicit_deny) {
    std::vector<policy::Match> matches;
    (void)policy::evaluate(policies, question, &matches);
    for (const policy::Match& match : matches) {
      const policy::Document* document = document_of(policies, match);
      if (match.allow || document == nullptr) continue;
      statements.push_back(json::object{
          {"statementId", document->statements()[match.statement].sid}, {"effect", "DENY"}});
    }
  }
  json::array conditions;
  for (const std::string_view key : kShown) {
    const auto* values = question.context.find(key);
    if (values == nullptr) continue;
    json::array shown;
    for (const std::string& value : *values) shown.push_back(json::object{{"value", value}});
    conditions.push_back(json::object{{"key", key}, {"values", items(std::move(shown))}});
  }
  const Principal& who = question.principal;
  const json::object message{
      {"account", who.account},
      {"details",
       json::object{{"allowed", false},
                    {"explicitDeny", verdict.explicit_deny},
                    {"matchedStatements", items(std::move(statements))},
                    {"failures", items({})},
                    {"context", json::object{{"principal", json::object{{"id", who.user_id},
                                                                        {"name", who.name},
                                                                        {"arn", who.arn}}},
                                             {"action", question.action},
                                             {"resource", question.resource},
                                             {"conditions", items(std::move(conditions))}}}}}};
  return iam.sealer.seal(json::serialize(message), kContext).substr(kForm.size());
}

std::optional<std::string> decode_denial(const Iam& iam, const std::string& account,
                                         const std::string& encoded) {
  const auto text = iam.sealer.unseal(std::string(kForm) + encoded, kContext);
  if (!text) return {};
  boost::system::error_code error;
  const json::value message = json::parse(*text, error);
  if (error || !message.is_object()) return {};
  const json::value* owner = message.get_object().if_contains("account");
  const json::value* details = message.get_object().if_contains("details");
  if (!owner || !owner->is_string() || owner->get_string() != account || !details) return {};
  return json::serialize(*details);
}

}  // namespace landfall::iam
