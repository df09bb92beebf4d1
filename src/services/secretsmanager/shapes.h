// What the operations have in common.
#pragma once

#include "services/secretsmanager/service.h"
#include "store/pagination.h"
#include "wire/secretsmanager/errors.h"
#include "wire/secretsmanager/operations.h"

namespace landfall::secretsmanager {

wire::List<Tag> to_tags(const std::map<std::string, std::string>& tags);
// Errors: InvalidParameterException, InvalidRequestException (too many).
Result<void> add_tags(SecretRecord& secret, const wire::List<Tag>& tags);
wire::Map<wire::List<std::string>> to_stages(const SecretRecord& secret, bool staged_only);
wire::List<std::string> to_list(const std::set<std::string>& stages);

// What a request brings as a value: a string, bytes, or nothing. Error InvalidParameterException:
// both.
template <class In>
Result<std::optional<Value>> value_in(const In& in) {
  if (in.secret_string && in.secret_binary) {
    return errors::invalid_parameter(
        "You can't specify both a binary secret value and a string secret value in the same "
        "secret.");
  }
  if (in.secret_string) return Value{*in.secret_string, false};
  if (in.secret_binary) return Value{*in.secret_binary, true};
  return std::optional<Value>();
}

// Adds a version to a secret and writes it. The same version with the same value again is success;
// with another value the error ResourceExistsException. stages empty: AWSCURRENT.
task<Result<SecretRecord>> put_version(Secretsmanager& service, const RequestContext& ctx,
                                       std::string name, std::string version_id, Value value,
                                       std::set<std::string> stages);

// What a service that keeps a secret says of it. `Out` is what DescribeSecret or ListSecrets give.
template <class Out>
void add_owner(const SecretRecord& secret, Out& out) {
  if (secret.owning_service.empty()) return;
  out.owning_service = secret.owning_service;
  out.rotation_enabled = secret.rotation_days > 0;
  if (secret.rotation_days > 0) {
    out.rotation_rules = RotationRulesType{.automatically_after_days = secret.rotation_days};
    const TimePoint last = secret.rotated == TimePoint{} ? secret.created : secret.rotated;
    out.next_rotation_date = last + std::chrono::days(secret.rotation_days);
  }
  if (secret.rotated != TimePoint{}) out.last_rotated_date = secret.rotated;
}

// The members of DescribeSecret and of an entry of ListSecrets that speak of rotation.
template <class Out>
void describe_rotation(const Secretsmanager& service, const Scope& scope,
                       const SecretRecord& secret, Out& out) {
  const auto row = service.rotation_of(scope, secret);
  if (!row) return;
  const RotationRecord& rotation = row->value;
  out.rotation_enabled = rotation.enabled;
  out.rotation_lambda_arn = rotation.target;
  if (rotation.after_days || !rotation.schedule.empty()) {
    RotationRulesType& rules = out.rotation_rules.emplace();
    if (rotation.after_days) rules.automatically_after_days = rotation.after_days;
    if (!rotation.schedule.empty()) rules.schedule_expression = rotation.schedule;
    if (!rotation.duration.empty()) rules.duration = rotation.duration;
  }
  if (rotation.rotated != TimePoint{}) out.last_rotated_date = rotation.rotated;
  if (rotation.enabled && rotation.next != TimePoint{}) out.next_rotation_date = rotation.next;
}

// Filters of lists. Error InvalidParameterException.
Result<bool> passes(const SecretRecord& secret, const wire::List<Filter>& filters);

}  // namespace landfall::secretsmanager
