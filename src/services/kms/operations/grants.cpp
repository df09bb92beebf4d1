// operations: CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant
#include "services/kms/grants.h"

#include "base/bytes.h"
#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

constexpr std::size_t kMostGrants = 50'000;
constexpr std::size_t kGrantIdDigits = 64;

std::unexpected<Error> dry_run() {
  return errors::dry_run_operation(
      "The request would have succeeded, but the DryRun option is set.");
}

// An IAM principal, or a service. A role of this account must exist.
Result<void> check_principal(Kms& kms, const Scope& scope, const std::string& text) {
  const auto invalid = [&] {
    return errors::invalid_arn(fmt::format("ARN does not refer to a valid principal: {}", text));
  };
  if (!Arn::looks_like(text)) {
    if (text.ends_with(".amazonaws.com")) return {};
    return invalid();
  }
  const auto arn = Arn::parse(text);
  if (!arn || (arn->service != "iam" && arn->service != "sts")) return invalid();
  if (arn->service == "iam" && arn->account == scope.account &&
      arn->resource.starts_with("role/") && !kms.iam.find_role(scope.account, text)) {
    return invalid();
  }
  return {};
}

// Nobody gives away more than was given to them: a grantee with CreateGrant passes on operations
// of its own grant, under the same constraints.
bool may_pass_on(Kms& kms, const RequestContext& ctx, const KeyRecord& key,
                 const std::vector<GrantRecord>& grants, const GrantRecord& wanted,
                 const iam::policy::ContextKeys& keys) {
  const auto allowed_with = [&](const std::vector<GrantRecord>& held) {
    const auto access = kms.access_to(ctx.scope, key, held, "kms:CreateGrant", keys);
    return access && kms.iam.authorize(ctx, *access).has_value();
  };
  if (allowed_with({})) return true;
  return std::ranges::any_of(grants, [&](const GrantRecord& held) {
    return std::ranges::includes(held.operations, wanted.operations) &&
           held.context_equals == wanted.context_equals &&
           held.context_subset == wanted.context_subset && allowed_with({held});
  });
}

GrantListEntry to_entry(const Scope& scope, const GrantRecord& grant) {
  GrantListEntry out{.key_id = key_arn(scope, grant.key_id),
                     .grant_id = grant.id,
                     .name = grant.name,
                     .creation_date = grant.created,
                     .grantee_principal = grant.grantee,
                     .issuing_account = fmt::format("arn:aws:iam::{}:root", scope.account)};
  if (!grant.retiring.empty()) out.retiring_principal = grant.retiring;
  out.operations.assign(grant.operations.begin(), grant.operations.end());
  if (!grant.context_equals.empty() || !grant.context_subset.empty()) {
    GrantConstraints& constraints = out.constraints.emplace();
    for (const auto& [key, value] : grant.context_equals)
      constraints.encryption_context_equals[key] = value;
    for (const auto& [key, value] : grant.context_subset)
      constraints.encryption_context_subset[key] = value;
  }
  return out;
}

// rows in the order of their ids, cut to a page.
template <class Response>
Result<Response> answer(const Scope& scope, std::vector<store::Row<GrantRecord>> rows,
                        const std::optional<std::string>& marker, int limit) {
  LF_TRY(after, read_marker("grants", marker));
  std::erase_if(rows, [&](const auto& row) { return row.id <= after; });
  Response out;
  out.next_marker = store::cut_page(
      rows, static_cast<std::size_t>(limit), [](const auto& row) { return row.id; }, "grants");
  out.truncated = out.next_marker.has_value();
  out.grants.present = true;
  for (const auto& row : rows) out.grants.push_back(to_entry(scope, row.value));
  return out;
}

}  // namespace

task<Result<CreateGrantResponse>> create_grant(Kms& kms, const RequestContext& ctx,
                                               CreateGrantRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  GrantRecord grant{.key_id = row.id,
                    .name = in.name.value_or(""),
                    .grantee = in.grantee_principal,
                    .retiring = in.retiring_principal.value_or(""),
                    .created = ctx.now};
  grant.operations.insert(in.operations.begin(), in.operations.end());
  if (in.constraints) {
    grant.context_equals = to_context(in.constraints->encryption_context_equals);
    grant.context_subset = to_context(in.constraints->encryption_context_subset);
  }
  iam::policy::ContextKeys keys;
  keys.set("kms:GranteePrincipal", grant.grantee);
  if (!grant.retiring.empty()) keys.set("kms:RetiringPrincipal", grant.retiring);
  keys.set("kms:GrantOperations",
           std::vector<std::string>(grant.operations.begin(), grant.operations.end()));
  if (!grant.context_equals.empty()) keys.set("kms:GrantConstraintType", "EncryptionContextEquals");
  if (!grant.context_subset.empty()) keys.set("kms:GrantConstraintType", "EncryptionContextSubset");
  keys.set("kms:GrantIsForAWSResource", "false");

  const std::vector<GrantRecord> existing = kms.grants_of(ctx.scope, row.id);
  LF_CO_TRY(access, kms.access_to(ctx.scope, row.value, existing, "kms:CreateGrant", keys));
  LF_CO_OK(kms.iam.authorize(ctx, access));
  LF_CO_OK(check_usable(ctx.scope, row.value));
  for (const std::string& who : {grant.grantee, grant.retiring}) {
    if (!who.empty()) LF_CO_OK(check_principal(kms, ctx.scope, who));
  }
  for (const std::string& operation : grant.operations) {
    static const std::set<std::string> kServed = {
        "Decrypt",       "Encrypt",     "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom", "ReEncryptTo", "CreateGrant",     "RetireGrant",
        "DescribeKey"};
    if (!kServed.contains(operation)) {
      co_return fail("ValidationException",
                     fmt::format("Grant operation {} is not supported for a key with key usage "
                                 "ENCRYPT_DECRYPT and key spec SYMMETRIC_DEFAULT.",
                                 operation));
    }
  }
  if (!may_pass_on(kms, ctx, row.value, existing, grant, keys)) {
    co_return fail("AccessDeniedException",
                   "The grant gives more than the grant that lets you create it.");
  }
  if (in.dry_run.value_or(false)) co_return dry_run();
  // As on AWS, a request with the name and the rights of a grant that is there answers with it.
  for (const GrantRecord& held : existing) {
    if (!grant.name.empty() && held.name == grant.name && held.grantee == grant.grantee &&
        held.retiring == grant.retiring && held.operations == grant.operations &&
        held.context_equals == grant.context_equals &&
        held.context_subset == grant.context_subset) {
      co_return CreateGrantResponse{.grant_token = grant_token(ctx.scope, held),
                                    .grant_id = held.id};
    }
  }
  if (existing.size() >= kMostGrants) {
    co_return errors::limit_exceeded("A key has at most 50000 grants.");
  }
  grant.id = kms.random.hex(kGrantIdDigits);
  const auto grants = kms.grants(ctx.scope);
  const std::string id = row.id + "/" + grant.id;
  LF_CO_OK(co_await kms.store.commit({{grants.absent(id)}, {grants.put(id, grant)}}));
  co_return CreateGrantResponse{.grant_token = grant_token(ctx.scope, grant), .grant_id = grant.id};
}

task<Result<ListGrantsResponse>> list_grants(Kms& kms, const RequestContext& ctx,
                                             ListGrantsRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:ListGrants"));
  auto rows = kms.grants(ctx.scope).list(row.id + "/");
  std::erase_if(rows, [&](const auto& one) {
    return (in.grant_id && one.value.id != *in.grant_id) ||
           (in.grantee_principal && one.value.grantee != *in.grantee_principal);
  });
  if (in.grant_id && rows.empty()) {
    co_return errors::not_found(fmt::format("Grant ID {} not found", *in.grant_id));
  }
  co_return answer<ListGrantsResponse>(ctx.scope, std::move(rows), in.marker,
                                       in.limit.value_or(50));
}

task<Result<ListRetirableGrantsResponse>> list_retirable_grants(Kms& kms, const RequestContext& ctx,
                                                                ListRetirableGrantsRequest in) {
  auto rows = kms.grants(ctx.scope).list();
  std::erase_if(rows, [&](const auto& row) { return row.value.retiring != in.retiring_principal; });
  co_return answer<ListRetirableGrantsResponse>(ctx.scope, std::move(rows), in.marker,
                                                in.limit.value_or(50));
}

// By the principal named for it, by a grantee that may, or by whoever has the permission.
task<Result<RetireGrantResponse>> retire_grant(Kms& kms, const RequestContext& ctx,
                                               RetireGrantRequest in) {
  NamedGrant named;
  if (in.grant_token) {
    if (in.key_id || in.grant_id) {
      co_return fail("ValidationException",
                     "Give either the grant token, or the key and the grant id.");
    }
    const auto read = read_grant_token(ctx.scope, *in.grant_token);
    if (!read) co_return errors::invalid_grant_token("The grant token is not valid.");
    named = *read;
  } else if (in.key_id && in.grant_id) {
    LF_CO_TRY(key, kms.find_exact(ctx.scope, *in.key_id));
    named = {key.id, *in.grant_id};
  } else {
    co_return fail("ValidationException",
                   "Give either the grant token, or the key and the grant id.");
  }
  LF_CO_TRY(key, kms.find_exact(ctx.scope, named.key_id));
  const auto grants = kms.grants(ctx.scope);
  const auto grant = grants.get(key.id + "/" + named.grant_id);
  std::vector<GrantRecord> speaking;
  if (grant) {
    speaking.push_back(grant->value);
    if (!grant->value.retiring.empty()) {
      speaking.push_back({.grantee = grant->value.retiring, .operations = {"RetireGrant"}});
    }
  }
  LF_CO_TRY(access, kms.access_to(ctx.scope, key.value, speaking, "kms:RetireGrant", {}));
  LF_CO_OK(kms.iam.authorize(ctx, access));
  if (!grant) co_return errors::not_found(fmt::format("Grant ID {} not found", named.grant_id));
  if (in.dry_run.value_or(false)) co_return dry_run();
  LF_CO_OK(co_await kms.store.commit({{}, {grants.remove(grant->id)}}));
  co_return RetireGrantResponse{};
}

task<Result<RevokeGrantResponse>> revoke_grant(Kms& kms, const RequestContext& ctx,
                                               RevokeGrantRequest in) {
  LF_CO_TRY(key, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, key.value, "kms:RevokeGrant"));
  const auto grants = kms.grants(ctx.scope);
  const auto grant = grants.get(key.id + "/" + in.grant_id);
  if (!grant) co_return errors::not_found(fmt::format("Grant ID {} not found", in.grant_id));
  if (in.dry_run.value_or(false)) co_return dry_run();
  LF_CO_OK(co_await kms.store.commit({{}, {grants.remove(grant->id)}}));
  co_return RevokeGrantResponse{};
}

}  // namespace landfall::kms
