// What a DB instance may be: the rules that creating, restoring and modifying share.
#pragma once

#include "services/rds/service.h"

namespace landfall::rds {

// Lower-cased. Error InvalidParameterValue in AWS's words; `parameter` names it.
Result<std::string> check_identifier(std::string_view identifier, std::string_view parameter);
Result<void> check_master_user(std::string_view name);
Result<void> check_password(std::string_view password);
// Either the user gives a password, or RDS keeps one. `In` is a request to create, restore or
// modify.
template <class In>
Result<void> check_password_choice(const In& in) {
  const bool managed = in.manage_master_user_password.value_or(false);
  if constexpr (requires { in.master_user_password; }) {
    if (managed && in.master_user_password) {
      return fail("InvalidParameterCombination",
                  "You can't specify MasterUserPassword for an instance with "
                  "ManageMasterUserPassword enabled.");
    }
  }
  if (in.master_user_secret_kms_key_id && !managed) {
    return fail("InvalidParameterCombination",
                "MasterUserSecretKmsKeyId can only be specified with ManageMasterUserPassword.");
  }
  return {};
}
Result<void> check_database_name(std::string_view name);
Result<void> check_class(std::string_view name);
Result<void> check_storage(std::int32_t gib, std::string_view type);
Result<void> check_port(std::int32_t port);
Result<void> check_retention(std::int32_t days);
Result<void> check_backup_window(std::string_view window);
// "postgresql" is the one log there is.
Result<void> check_log_exports(const std::vector<std::string>& logs);
// In lower case, as AWS answers it.
Result<std::string> check_maintenance_window(std::string_view window);

// An installed version for what the user asked: "16.6" itself, "16" its newest minor, nothing the
// newest of all. Error InvalidParameterCombination ("Cannot find version ..."), with the command
// that installs one.
task<Result<std::string>> choose_version(Rds& rds, std::optional<std::string> wanted);

// A minor version up is a restart on the same data; anything else needs an upgrade that Landfall
// does not do. Error InvalidParameterCombination.
Result<void> check_upgrade(std::string_view from, std::string_view to);

std::string default_parameter_group(std::string_view version);  // "default.postgres16"
std::string default_option_group(std::string_view version);     // "default:postgres-16"
// Error DBParameterGroupNotFound, or InvalidParameterCombination when its family is of another
// version.
Result<std::string> check_parameter_group(Rds& rds, const Scope& scope,
                                          std::optional<std::string> name,
                                          std::string_view version);

// Where the instance goes. Fills subnet_group, vpc_id, subnet_id, availability_zone,
// security_group_ids and publicly_accessible.
struct Placement {
  std::optional<std::string> subnet_group;
  std::optional<std::string> availability_zone;
  std::vector<std::string> security_group_ids;
  std::optional<bool> publicly_accessible;
};
task<Result<void>> place(Rds& rds, DbInstance& instance, Placement wanted);
// Error InvalidVPCNetworkStateFault-like InvalidParameterCombination when a group is of another
// VPC.
Result<void> check_security_groups(Rds& rds, const Scope& scope,
                                   const std::vector<std::string>& ids, std::string_view vpc_id);

// A setting that Landfall cannot honour is refused, never kept silently. `given` is whether the
// request asks for it.
struct Unsupported {
  bool given;
  std::string_view parameter;
};
Result<void> refuse_unsupported(std::initializer_list<Unsupported> settings);

// Windows as AWS assigns them when none is given: within a block of hours, by the region's night.
std::string random_backup_window(Random& random);
std::string random_maintenance_window(Random& random);

}  // namespace landfall::rds
