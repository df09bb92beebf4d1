#include "services/rds/new_instance.h"

#include "wire/rds/errors.h"

namespace landfall::rds {
namespace {

std::unexpected<Error> taken() {
  return errors::db_instance_already_exists("DB instance already exists");
}

}  // namespace

Result<void> check_unused(const Rds& rds, const Scope& scope, const std::string& identifier) {
  if (rds.tables(scope).instances.get(identifier)) return taken();
  return {};
}

DbInstance new_instance(Rds& rds, const RequestContext& ctx, std::string identifier) {
  DbInstance instance;
  instance.identifier = std::move(identifier);
  instance.resource_id = "db-" + rds.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26);
  instance.account = ctx.scope.account;
  instance.region = ctx.scope.region;
  instance.created_at = ctx.now;
  return instance;
}

task<Result<DBInstance>> add_instance(Rds& rds, const RequestContext& ctx, DbInstance instance) {
  const auto table = rds.tables(ctx.scope).instances;
  const std::string& identifier = instance.identifier;
  LF_CO_TRY(done, co_await rds.store.commit(
                      {{table.absent(identifier)}, {table.put(identifier, instance)}}));
  if (!done.succeeded) co_return taken();
  co_return to_shape(rds, instance);
}

}  // namespace landfall::rds
