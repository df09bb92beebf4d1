// Parameter Store and what it depends on.
#pragma once

#include "services/kms/port.h"
#include "services/ssm/port.h"
#include "services/ssm/public_parameters.h"
#include "services/ssm/records.h"

namespace landfall::ssm {

using ParameterRow = store::Row<ParameterRecord>;

// "/app/url:3" or "/app/url:live", taken apart.
struct Selector {
  std::string name;
  std::string selector;  // ":3"; empty: the latest
};

struct Ssm final : Port {
  Ssm(store::Store& state, const Clock& time, kms::Port& keys, iam::Port& access)
      : store(state), clock(time), kms(keys), iam(access) {}

  store::Store& store;
  const Clock& clock;
  kms::Port& kms;
  iam::Port& iam;
  PublicParameters published = {};

  store::Table<ParameterRecord> parameters(const Scope& scope) const;
  // Parameters that have expired are gone.
  std::optional<ParameterRow> find(const Scope& scope, const std::string& name) const;
  // The account's own, or a public one.
  std::optional<ParameterRecord> find_readable(const Scope& scope, const std::string& name) const;
  std::vector<ParameterRow> list(const Scope& scope, const std::string& after) const;
  Result<void> authorize(const RequestContext& ctx, const std::string& action,
                         const std::string& name) const;

  task<Result<std::string>> seal(const RequestContext& ctx, std::string name, std::string key_id,
                                 std::string value);
  // The caller may decrypt with the parameter's key.
  task<Result<std::string>> unseal(const RequestContext& ctx, std::string name,
                                   VersionRecord version);

  task<Result<std::string>> read_as_role(Scope scope, std::string name, std::string role_arn,
                                         std::string session) override;
};

// Public parameters belong to no account.
std::string arn_of(const Scope& scope, std::string_view name);
// A name or an ARN, with or without a selector.
Selector parse_selector(const Scope& scope, const std::string& reference);
// Null: no such version or label.
const VersionRecord* select(const ParameterRecord& parameter, const std::string& selector);

}  // namespace landfall::ssm
