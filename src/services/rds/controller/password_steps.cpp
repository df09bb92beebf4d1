// The steps that concern the master password.
#include "services/rds/controller/instance_controller.h"
#include "services/rds/master_secret.h"
#include "services/rds/server.h"

namespace landfall::rds {
namespace {

// A key that is away comes back when somebody brings it back.
constexpr auto kImpairedRetry = std::chrono::hours(1);

}  // namespace

task<Result<void>> InstanceController::set_password(DbInstance wanted) {
  auto done = co_await host::run_sql(
      rds_.loop, server_to_ask(rds_, wanted), "postgres",
      fmt::format("ALTER ROLE {} PASSWORD {}", host::sql_name(wanted.master_user),
                  host::sql_text(wanted.master_verifier)));
  if (!done) co_return std::unexpected(done.error());
  co_return co_await change(
      wanted, [&](DbInstance& record) { record.applied_verifier = wanted.master_verifier; });
}

task<Result<void>> InstanceController::stage_password(DbInstance wanted) {
  const auto staged = [this, &wanted](std::string version,
                                      std::string verifier) -> task<Result<void>> {
    return change(wanted, [version, verifier](DbInstance& record) {
      MasterSecret& secret = record.master_secret;
      if (!secret.version.empty()) secret.status = "rotating";
      secret.version = version;
      secret.published = secret.rotate = false;
      secret.retry_at = {};
      if (record.master_verifier.empty()) record.applied_verifier = verifier;
      record.master_verifier = verifier;
    });
  };
  auto done = co_await rds::stage_password(rds_, wanted, staged);
  if (done || wanted.master_verifier.empty()) co_return done;
  // The old password goes on to serve.
  const std::string message =
      fmt::format("The master password cannot be rotated: {}", done.error().message);
  LF_CO_OK(co_await change(wanted, [this](DbInstance& record) {
    record.master_secret.status = "impaired";
    record.master_secret.rotate = false;
    record.master_secret.retry_at = rds_.clock.now() + kImpairedRetry;
  }));
  co_return co_await rds_.events.record(wanted.arn(), {.reason = "failure", .message = message});
}

task<Result<void>> InstanceController::publish_password(DbInstance wanted) {
  LF_CO_OK(co_await rds::publish_password(rds_, wanted));
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    MasterSecret& secret = record.master_secret;
    if (secret.version != wanted.master_secret.version) return;
    secret.published = true;
    secret.status = "active";
    secret.rotated_at = rds_.clock.now();
  }));
  co_return co_await rds_.events.record(
      wanted.arn(), {.reason = "configuration change", .message = "Reset master credentials"});
}

task<Result<void>> InstanceController::remove_secrets(DbInstance wanted) {
  for (const MasterSecret& secret : wanted.old_secrets)
    LF_CO_OK(co_await remove_secret(rds_, wanted.scope(), secret));
  co_return co_await change(wanted, [&](DbInstance& record) {
    std::erase_if(record.old_secrets, [&](const MasterSecret& secret) {
      return std::ranges::any_of(
          wanted.old_secrets, [&](const MasterSecret& gone) { return gone.name == secret.name; });
    });
  });
}

}  // namespace landfall::rds
