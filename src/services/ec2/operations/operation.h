// What EC2's operations have in common.
#pragma once

#include "services/ec2/defaults.h"
#include "services/ec2/describe.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/rules.h"
#include "services/ec2/service.h"
#include "services/ec2/tagging.h"
#include "wire/ec2/operations.h"

namespace landfall::ec2 {

// A record by id, or the kind's error.
template <class T>
Result<store::Row<T>> find(const store::Table<T>& table, const Kind& kind, std::string_view id) {
  auto row = table.get(id);
  if (!row) return no_such(kind, id);
  return std::move(*row);
}

inline std::unexpected<Error> dependency_violation(std::string_view what, std::string_view id) {
  return fail("DependencyViolation",
              fmt::format("The {} '{}' has dependencies and cannot be deleted.", what, id));
}

// Writes one record. Caller holds ec2.writing.
template <class T>
task<Result<void>> save(Ec2& ec2, const store::Table<T>& table, const T& record) {
  store::Transaction transaction{{}, {table.put(record.id, record)}};
  return commit(ec2, std::move(transaction));
}

// What an earlier request under the same token made, if there was one. Error: the token was used
// for something else. https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
template <class T>
Result<std::optional<T>> made_before(const store::Table<T>& table, const ClientToken& asked) {
  if (asked.token.empty()) return std::nullopt;
  for (auto& row : table.list()) {
    if (row.value.made_by.token != asked.token) continue;
    if (row.value.made_by.request == asked.request) return std::move(row.value);
    return fail(
        "IdempotentParameterMismatch",
        fmt::format("The client token {} has been used with other parameters.", asked.token));
  }
  return std::nullopt;
}

// After a change of what a VPC lets pass.
inline task<void> wait_in_force(Ec2& ec2, Scope scope, std::string vpc_id) {
  if (ec2.in_force) co_await ec2.in_force(std::move(scope), std::move(vpc_id));
}

}  // namespace landfall::ec2
