#include "services/rds/state.h"

#include "wire/rds/errors.h"

namespace landfall::rds {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
}

}  // namespace

Result<DbInstance> find_instance(Rds& rds, const Scope& scope, std::string identifier) {
  auto row = rds.tables(scope).instances.get(lower(identifier));
  if (!row)
    return errors::db_instance_not_found(fmt::format("DBInstance {} not found.", identifier));
  return std::move(row->value);
}

Result<void> require_available(const DbInstance& instance) {
  if (instance.status == "available") return {};
  return errors::invalid_db_instance_state(
      fmt::format("Instance {} is not in available state.", instance.identifier));
}

Result<DbInstance> find_available(Rds& rds, const Scope& scope, std::string identifier) {
  LF_TRY(found, find_instance(rds, scope, std::move(identifier)));
  LF_OK(require_available(found));
  return std::move(found);
}

task<Result<DbInstance>> change_instance(Rds& rds, Scope scope, std::string identifier,
                                         std::function<Result<void>(DbInstance&)> edit) {
  auto row = co_await rds.tables(scope).instances.update(
      lower(identifier), [&](DbInstance& instance) -> Result<bool> {
        if (auto edited = edit(instance); !edited) return std::unexpected(edited.error());
        return true;
      });
  if (row) co_return std::move(row->value);
  if (row.error().code == "not-found") {
    co_return errors::db_instance_not_found(fmt::format("DBInstance {} not found.", identifier));
  }
  co_return std::unexpected(row.error());
}

}  // namespace landfall::rds
