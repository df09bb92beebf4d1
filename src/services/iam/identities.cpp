#include "services/iam/identities.h"

#include "services/iam/encoded_denial.h"
#include "services/iam/oidc_providers.h"
#include "services/iam/trust.h"

namespace landfall::iam {
namespace {

using Kind = sigv4::Problem::Kind;

constexpr std::size_t kMostDocuments = 20'000;
constexpr std::string_view kEverything =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

Principal root_principal(const std::string& account) {
  return {.kind = Principal::Kind::root,
          .account = account,
          .arn = fmt::format("arn:aws:iam::{}:root", account),
          .user_id = account};
}

Error denied(const policy::Question& question, const policy::Verdict& verdict) {
  return Error{"AccessDenied", policy::denial_message(question, verdict), 403};
}

// Which policy an explicit deny stands in; empty for any other verdict.
std::string denying_policy(const Identity& identity, const policy::PolicySet& set,
                           const policy::Question& question, const policy::Verdict& verdict) {
  if (!verdict.explicit_deny) return {};
  std::vector<policy::Match> matches;
  (void)policy::evaluate(set, question, &matches);
  for (const policy::Match& match : matches) {
    if (match.allow || match.kind != verdict.kind) continue;
    if (match.kind == policy::PolicyKind::identity) return identity.sources[match.document].text();
    if (match.kind == policy::PolicyKind::boundary) return identity.boundary_arn;
  }
  return {};
}

}  // namespace

void Identities::forget_outdated() {
  if (epoch_ != iam_.epoch || by_key_.size() > kMostCached) by_key_.clear();
  if (documents_.size() > kMostDocuments) documents_.clear();
  epoch_ = iam_.epoch;
}

std::shared_ptr<const policy::Document> Identities::compiled(const std::string& text,
                                                             policy::DocumentKind kind) {
  auto& slot = documents_[text];
  if (!slot) {
    // Stored documents were checked when they came in. One that no longer parses must not widen
    // anybody's rights: nothing is allowed by it, and as a boundary or session policy it allows
    // nothing.
    auto parsed = policy::Document::parse(text, kind);
    slot = parsed ? *parsed : std::make_shared<const policy::Document>();
  }
  return slot;
}

std::shared_ptr<const policy::Document> Identities::compiled_managed(const std::string& arn) {
  const auto text = iam_.managed_document(arn);
  return compiled(text.value_or("{}"), policy::DocumentKind::identity);
}

void Identities::add_holder(Identity& out, const Holder& holder) {
  out.principal = holder.principal;
  for (const HeldPolicy& policy : holder.policies) {
    out.policies.push_back(compiled(policy.document, policy::DocumentKind::identity));
    out.sources.push_back(policy.source);
  }
  out.boundary_arn = holder.boundary_arn;
  if (!holder.boundary_arn.empty()) out.boundary = compiled_managed(holder.boundary_arn);
  out.tags = holder.tags;
}

bool Identities::add_user(Identity& out, const std::string& account, const std::string& user) {
  const auto holder = find_user_holder(iam_, account, user);
  if (holder) add_holder(out, *holder);
  return holder.has_value();
}

bool Identities::add_role(Identity& out, const std::string& account, const std::string& role) {
  const auto holder = find_role_holder(iam_, account, role);
  if (holder) add_holder(out, *holder);
  return holder.has_value();
}

Identities::Resolved Identities::resolve_key(const std::string& access_key_id) {
  const auto row = iam_.access_keys().get(access_key_id);
  if (!row || !row->value.active) return sigv4::problem(Kind::unknown_key);
  const AccessKeyRecord& key = row->value;
  auto secret = iam_.sealer.unseal(key.sealed_secret, "iam/access-key/" + key.id);
  if (!secret) return sigv4::problem(Kind::unknown_key);
  auto identity = std::make_shared<Identity>();
  if (key.user.empty()) {
    identity->principal = root_principal(key.account);
  } else if (!add_user(*identity, key.account, key.user)) {
    return sigv4::problem(Kind::unknown_key);
  }
  identity->principal.access_key_id = access_key_id;
  identity->secret = std::move(*secret);
  return identity;
}

// Somebody whom a user of the account let in under a name of its own: with the user's rights, cut
// down by the session's policies.
void Identities::become_federated(Identity& identity, const std::string& name) {
  Principal& who = identity.principal;
  if (who.kind == Principal::Kind::root) {
    identity.policies.push_back(compiled(std::string(kEverything), policy::DocumentKind::identity));
    identity.sources.push_back({.holder_kind = "user", .holder = "root", .name = "everything"});
  }
  who.kind = Principal::Kind::user;
  who.arn = federated_user_arn(who.account, name);
  who.user_id = who.account + ":" + name;
  who.name = name;
}

Identities::Resolved Identities::resolve_session(const SessionRecord& session, TimePoint now) {
  if (now >= session.expires) return sigv4::problem(Kind::expired_token);
  auto identity = std::make_shared<Identity>();
  switch (Principal::Kind(session.kind)) {
    case Principal::Kind::root:
      identity->principal = root_principal(session.account);
      break;
    case Principal::Kind::user:
      if (!add_user(*identity, session.account, session.name)) {
        return sigv4::problem(Kind::invalid_token);
      }
      break;
    default:
      if (!add_role(*identity, session.account, session.name)) {
        return sigv4::problem(Kind::invalid_token);
      }
      identity->principal.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", session.account,
                                            identity->principal.name, session.session_name);
      identity->principal.session_name = session.session_name;
      break;
  }
  if (!session.id.empty() && identity->principal.user_id != session.id) {
    return sigv4::problem(Kind::invalid_token);
  }
  const bool federated = Principal::Kind(session.kind) != Principal::Kind::assumed_role &&
                         !session.session_name.empty();
  if (federated) {
    become_federated(*identity, session.session_name);
  } else if (!session.session_name.empty()) {
    identity->principal.user_id += ":" + session.session_name;
  }
  // A federated user without session policies may do nothing by itself.
  if (!session.policies.empty() || federated) {
    identity->session.emplace();
    for (const std::string& text : session.policies) {
      identity->session->push_back(compiled(text, policy::DocumentKind::identity));
    }
  }
  for (const TagRecord& tag : session.tags) {
    std::erase_if(identity->tags, [&](const auto& held) { return held.first == tag.key; });
    identity->tags.emplace_back(tag.key, tag.value);
  }
  identity->principal.access_key_id = session.access_key_id;
  identity->secret = session.secret;
  identity->expires = session.expires;
  return identity;
}

Identities::Resolved Identities::find_identity(const std::string& access_key_id,
                                               const std::string& session_token, TimePoint now) {
  forget_outdated();
  if (const auto found = by_key_.find(access_key_id); found != by_key_.end()) {
    const Cached& cached = found->second;
    if (cached.session_token != session_token) return sigv4::problem(Kind::invalid_token);
    if (cached.identity->expires && now >= *cached.identity->expires) {
      return sigv4::problem(Kind::expired_token);
    }
    return cached.identity;
  }
  Resolved resolved;
  if (session_token.empty()) {
    // Temporary keys are in no table: without their token they are unknown.
    resolved = resolve_key(access_key_id);
  } else {
    auto session = read_session(iam_, session_token);
    if (!session || session->access_key_id != access_key_id) {
      return sigv4::problem(Kind::invalid_token);
    }
    resolved = resolve_session(*session, now);
    if (resolved) {
      if (sessions_.size() >= kMostCached) {
        std::erase_if(sessions_, [&](const auto& item) { return item.second.expires <= now; });
      }
      if (sessions_.size() >= kMostCached) sessions_.clear();
      sessions_.insert_or_assign(access_key_id, std::move(*session));
    }
  }
  if (resolved) by_key_.insert_or_assign(access_key_id, Cached{session_token, *resolved});
  return resolved;
}

Result<void> Identities::authorize(const Identity& identity, const RequestContext& ctx,
                                   const Access& access) {
  const bool root = identity.principal.kind == Principal::Kind::root;
  if (root && !access.resource_policy && !identity.session) return {};
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
  if (is_federated_user(identity.principal) &&
      (access.action.starts_with("iam:") || access.action.starts_with("sts:"))) {
    return fail("AccessDenied",
                fmt::format("User: {} is not authorized to perform: {}: federated "
                            "users cannot call IAM or STS",
                            identity.principal.arn, access.action),
                403);
  }
  const std::string resource = exact_resource(access, identity);
  policy::ContextKeys keys = access.context;
  add_global_keys(keys, identity, ctx);
  add_resource_keys(keys, resource);
  const policy::PolicySet set{.identity = identity.policies,
                              .boundary = identity.boundary,
                              .session = identity.session,
                              .resource = access.resource_policy,
                              .resource_account = access.resource_account,
                              .trust = access.resource_policy_decides};
  const policy::Question question{access.action, resource, keys, identity.principal};
  const policy::Verdict verdict = policy::evaluate(set, question);
  if (verdict.allowed) return {};
  Error refused = denied(question, verdict);
  if (access.action.starts_with("ec2:")) {
    refused.fields.emplace_back(kEncodedDenial, encode_denial(iam_, set, question, verdict));
  }
  denials_.add({.principal = identity.principal,
                .action = access.action,
                .resource = resource,
                .context = keys,
                .resource_policy = access.resource_policy,
                .resource_account = access.resource_account,
                .resource_policy_decides = access.resource_policy_decides,
                .verdict = verdict,
                .source = denying_policy(identity, set, question, verdict),
                .first = ctx.now,
                .last = ctx.now});
  return std::unexpected(std::move(refused));
}

// IAM's entities are named without their path in requests, and with it in policies.
std::string Identities::exact_resource(const Access& access, const Identity& identity) const {
  if (!access.action.starts_with("iam:") || access.action == "iam:PassRole") return access.resource;
  const auto arn = Arn::parse(access.resource);
  if (!arn || arn->service != "iam" || arn->account != identity.principal.account) {
    return access.resource;
  }
  // Requests name an issuer with its scheme.
  constexpr std::string_view kIssuer = "oidc-provider/https://";
  if (arn->resource.starts_with(kIssuer)) {
    return oidc_provider_arn(arn->account, arn->resource.substr(kIssuer.size()));
  }
  const std::string key = key_of(last_part(access.resource));
  const std::string& account = arn->account;
  const auto found = [&](std::string_view kind, const auto& row) {
    return row ? arn_of(account, kind, row->value.path, row->value.name) : access.resource;
  };
  if (arn->resource.starts_with("user/")) return found("user", iam_.users(account).get(key));
  if (arn->resource.starts_with("role/")) return found("role", iam_.roles(account).get(key));
  if (arn->resource.starts_with("group/")) return found("group", iam_.groups(account).get(key));
  if (arn->resource.starts_with("instance-profile/")) {
    return found("instance-profile", iam_.instance_profiles(account).get(key));
  }
  return access.resource;
}

void Identities::add_resource_keys(policy::ContextKeys& keys, const std::string& resource) const {
  const auto arn = Arn::parse(resource);
  if (!arn) return;
  if (!arn->account.empty()) keys.set("aws:ResourceAccount", arn->account);
  std::vector<std::pair<std::string, std::string>> tags;
  if (arn->service == "iam") {
    if (const auto holder = find_holder(iam_, resource)) tags = holder->tags;
  } else if (const auto source = resource_tags_.find(arn->service);
             source != resource_tags_.end()) {
    tags = source->second(*arn);
  }
  for (auto& [key, value] : tags) {
    keys.set(fmt::format("{}:ResourceTag/{}", arn->service, key), value);
    keys.set("aws:ResourceTag/" + key, std::move(value));
  }
}

std::optional<policy::Verdict> Identities::ask_again(const Denial& denial) {
  forget_outdated();
  Identity identity;
  const Principal& who = denial.principal;
  if (who.kind == Principal::Kind::assumed_role) {
    if (!add_role(identity, who.account, who.name)) return {};
  } else if (!add_user(identity, who.account, who.name)) {
    return {};
  }
  // A session's own policies are not known any more: they can only take away.
  const policy::PolicySet set{.identity = identity.policies,
                              .boundary = identity.boundary,
                              .session = {},
                              .resource = denial.resource_policy,
                              .resource_account = denial.resource_account,
                              .trust = denial.resource_policy_decides};
  return policy::evaluate(set, {denial.action, denial.resource, denial.context, who});
}

Result<std::shared_ptr<const Identity>> Identities::identity_of(const RequestContext& ctx) {
  forget_outdated();
  const std::string& key = ctx.principal.access_key_id;
  if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second.identity;
  const auto session = sessions_.find(key);
  const Resolved resolved =
      session != sessions_.end() ? resolve_session(session->second, ctx.now) : resolve_key(key);
  if (resolved) return *resolved;
  return fail("AccessDenied", "The credentials of the request are no longer valid.", 403);
}

Result<void> Identities::authorize(const RequestContext& ctx, const Access& access) {
  LF_TRY(identity, identity_of(ctx));
  return authorize(*identity, ctx, access);
}

Result<void> Identities::authorize_role(const std::string& role_arn,
                                        const std::string& session_name, const Access& access) {
  forget_outdated();
  const auto role = find_role_record(iam_, role_arn);
  if (!role) return fail("role-not-found", fmt::format("role {} does not exist", role_arn), 404);
  SessionRecord session{.account = Arn::parse(role_arn)->account,
                        .kind = int(Principal::Kind::assumed_role),
                        .name = role->name,
                        .session_name = session_name,
                        .expires = TimePoint::max()};
  const auto resolved = resolve_session(session, iam_.clock.now());
  if (!resolved)
    return fail("role-not-found", fmt::format("role {} does not exist", role_arn), 404);
  RequestContext ctx;
  ctx.scope.account = session.account;
  if (const auto arn = Arn::parse(access.resource)) ctx.scope.region = arn->region;
  ctx.now = iam_.clock.now();
  return authorize(**resolved, ctx, access);
}

IssuedToken Identities::issue_token(const RequestContext& ctx, const std::string& purpose,
                                    TimePoint expires) {
  // The token names the key; for temporary credentials it carries the session, which is in no
  // table.
  json::object body;
  body["key"] = ctx.principal.access_key_id;
  const auto session = sessions_.find(ctx.principal.access_key_id);
  if (session != sessions_.end()) {
    body["session"] = record::encode(session->second);
    expires = std::min(expires, session->second.expires);
  }
  body["expires"] = to_unix_ms(expires);
  return {iam_.sealer.seal(json::serialize(body), "iam/token/" + purpose).substr(3), expires};
}

Result<std::shared_ptr<const Identity>> Identities::redeem_token(const std::string& token,
                                                                 const std::string& purpose,
                                                                 TimePoint now) {
  forget_outdated();
  const auto invalid = [] { return fail("token-invalid", "the token is not valid", 401); };
  const auto text = iam_.sealer.unseal("v1:" + token, "iam/token/" + purpose);
  if (!text) return invalid();
  boost::system::error_code error;
  const json::value body = json::parse(*text, error);
  if (error || !body.is_object()) return invalid();
  const json::value* key = body.get_object().if_contains("key");
  const json::value* expires = body.get_object().if_contains("expires");
  if (!key || !key->is_string() || !expires || !expires->is_int64()) return invalid();
  if (to_unix_ms(now) >= expires->get_int64()) {
    return fail("token-expired", "the token has expired", 401);
  }
  Resolved resolved;
  if (const json::value* held = body.get_object().if_contains("session")) {
    SessionRecord session;
    if (!record::decode(*held, session)) return invalid();
    resolved = resolve_session(session, now);
    if (resolved) sessions_.insert_or_assign(session.access_key_id, std::move(session));
  } else {
    resolved = resolve_key(std::string(key->get_string()));
  }
  if (!resolved) return invalid();
  return *resolved;
}

void add_global_keys(policy::ContextKeys& keys, const Identity& identity,
                     const RequestContext& ctx) {
  const Principal& who = identity.principal;
  const bool session = who.kind == Principal::Kind::assumed_role;
  keys.set("aws:PrincipalArn", session ? who.role_arn : who.arn);
  keys.set("aws:PrincipalAccount", who.account);
  keys.set("aws:userid", who.user_id);
  const bool federated = is_federated_user(who);
  keys.set("aws:PrincipalType", who.kind == Principal::Kind::root ? "Account"
                                : session                         ? "AssumedRole"
                                : federated                       ? "FederatedUser"
                                                                  : "User");
  if (who.kind == Principal::Kind::user && !federated) keys.set("aws:username", who.name);
  // There is no MFA here: sessions say so, long-term keys say nothing.
  if (identity.expires) keys.set("aws:MultiFactorAuthPresent", "false");
  keys.set("aws:PrincipalIsAWSService", "false");
  keys.set("aws:ViaAWSService", "false");
  for (const auto& [key, value] : identity.tags) keys.set("aws:PrincipalTag/" + key, value);
  keys.set("aws:CurrentTime", format_iso8601(ctx.now));
  keys.set("aws:EpochTime", std::to_string(to_unix_ms(ctx.now) / 1000));
  keys.set("aws:SecureTransport", ctx.tls ? "true" : "false");
  if (!ctx.scope.region.empty()) keys.set("aws:RequestedRegion", ctx.scope.region);
  if (!ctx.client_address.empty()) keys.set("aws:SourceIp", ctx.client_address);
  if (!ctx.user_agent.empty()) keys.set("aws:UserAgent", ctx.user_agent);
}

}  // namespace landfall::iam
