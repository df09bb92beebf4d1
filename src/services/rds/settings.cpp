#include "services/rds/settings.h"

#include "services/rds/classes.h"
#include "services/rds/controller/plan.h"
#include "wire/rds/errors.h"

namespace landfall::rds {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> invalid(std::string message) {
  return fail("InvalidParameterValue", std::move(message));
}

std::string major_of(std::string_view version) {
  return std::string(version.substr(0, version.find('.')));
}

}  // namespace

Result<std::string> check_identifier(std::string_view identifier, std::string_view parameter) {
  const bool good = !identifier.empty() && identifier.size() <= 63 && is_letter(identifier[0]) &&
                    !identifier.ends_with('-') && identifier.find("--") == std::string_view::npos &&
                    std::ranges::all_of(
                        identifier, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  if (!good) {
    return invalid(
        fmt::format("The parameter {} is not a valid identifier. Identifiers must begin with a "
                    "letter; must contain only ASCII "
                    "letters, digits, and hyphens; and must not end with a hyphen or contain two "
                    "consecutive hyphens.",
                    parameter));
  }
  std::string lower(identifier);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return lower;
}

Result<void> check_master_user(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kReserved = {
      "admin",           "rdsadmin", "postgres_admin", "rds_superuser",
      "rds_replication", "public",   "none",           "user"};
  if (name.empty() || name.size() > 63 || !is_letter(name[0]) ||
      !std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; })) {
    return invalid(
        "The parameter MasterUsername is not valid. It must be 1 to 63 letters, digits, or "
        "underscores, and begin with "
        "a letter.");
  }
  if (std::ranges::find(kReserved, name) != kReserved.end() || name.starts_with("pg_")) {
    return invalid(fmt::format(
        "MasterUsername {} cannot be used as it is a reserved word used by the engine", name));
  }
  return {};
}

Result<void> check_password(std::string_view password) {
  if (password.size() < 8 || password.size() > 128) {
    return invalid(
        "The parameter MasterUserPassword is not a valid password because it is shorter than 8 or "
        "longer than 128 "
        "characters.");
  }
  const bool printable = std::ranges::all_of(
      password, [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != '@' && c != '"'; });
  if (!printable) {
    return invalid(
        "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters "
        "besides '/', '@', "
        "'\"', ' ' may be used.");
  }
  return {};
}

Result<void> check_database_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || !(is_letter(name[0]) || name[0] == '_') ||
      !std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; })) {
    return invalid("DBName must begin with a letter and contain only alphanumeric characters.");
  }
  if (name == "template0" || name == "template1" || name == "rdsadmin") {
    return invalid(fmt::format("Database name {} is reserved", name));
  }
  return {};
}

Result<void> check_class(std::string_view name) {
  if (!find_instance_class(name))
    return invalid(fmt::format("Invalid DB Instance class: {}", name));
  return {};
}

Result<void> check_storage(std::int32_t gib, std::string_view type) {
  if (type != "gp2" && type != "gp3" && type != "standard") {
    return invalid(
        fmt::format("Invalid storage type: {}. Landfall serves gp2, gp3 and standard.", type));
  }
  const std::int32_t least = type == "standard" ? 5 : 20;
  if (gib < least || gib > 65536) {
    return invalid(fmt::format(
        "Invalid storage size for engine name postgres and storage type {}: {}", type, gib));
  }
  return {};
}

Result<void> check_port(std::int32_t port) {
  if (port < 1150 || port > 65535) {
    return invalid(fmt::format("Invalid value {} for Port. Must be between 1150 and 65535", port));
  }
  return {};
}

Result<void> check_retention(std::int32_t days) {
  if (days < 0 || days > 35) {
    return invalid(
        fmt::format("Invalid backup retention period: {}. Must be between 0 and 35", days));
  }
  return {};
}

Result<void> check_backup_window(std::string_view window) {
  // A window that contains no minute is not one.
  for (int minute = 0; minute < 24 * 60; minute += 5) {
    if (in_daily_window(window, TimePoint(std::chrono::minutes(minute)))) return {};
  }
  return invalid(fmt::format(
      "Invalid backup window format: {}. Should be specified as hh24:mi-hh24:mi", window));
}

Result<void> check_log_exports(const std::vector<std::string>& logs) {
  for (const std::string& log : logs) {
    if (log != "postgresql") {
      return fail("InvalidParameterCombination",
                  fmt::format("You cannot use the log types '{}' with engine version postgres. "
                              "For supported log types, see the documentation: postgresql",
                              log));
    }
  }
  return {};
}

Result<std::string> check_maintenance_window(std::string_view window) {
  std::string lower(window);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  for (int minute = 0; minute < 7 * 24 * 60; minute += 5) {
    if (in_weekly_window(lower, TimePoint(std::chrono::minutes(minute)))) return lower;
  }
  return invalid(
      fmt::format("Invalid maintenance window format: {}. Should be specified as a range "
                  "ddd:hh24:mi-ddd:hh24:mi",
                  window));
}

task<Result<std::string>> choose_version(Rds& rds, std::optional<std::string> wanted) {
  std::string installed;
  for (const host::PostgresInstallation& found : co_await rds.installations()) {
    // Newest first: the first that fits is the newest.
    if (!wanted || found.version == *wanted || major_of(found.version) == *wanted)
      co_return found.version;
    installed += (installed.empty() ? "" : ", ") + found.version;
  }
  co_return fail(
      "InvalidParameterCombination",
      fmt::format(
          "Cannot find version {} for postgres. Installed on this machine: {}. To install it: "
          "tools/install-postgresql {}",
          wanted.value_or("(any)"), installed.empty() ? "none" : installed,
          wanted.value_or("16.6")));
}

Result<void> check_upgrade(std::string_view from, std::string_view to) {
  if (major_of(from) != major_of(to) || host::postgres_version_less(to, from)) {
    return fail("InvalidParameterCombination",
                fmt::format("Cannot upgrade postgres from {} to {}", from, to));
  }
  return {};
}

std::string default_parameter_group(std::string_view version) {
  return "default.postgres" + major_of(version);
}
std::string default_option_group(std::string_view version) {
  return "default:postgres-" + major_of(version);
}

Result<std::string> check_parameter_group(Rds& rds, const Scope& scope,
                                          std::optional<std::string> name,
                                          std::string_view version) {
  const std::string standard = default_parameter_group(version);
  if (!name || *name == standard) return standard;
  const auto row = rds.tables(scope).parameter_groups.get(*name);
  if (!row)
    return errors::db_parameter_group_not_found(
        fmt::format("DBParameterGroup not found: {}", *name));
  if (row->value.family != "postgres" + major_of(version)) {
    return fail("InvalidParameterCombination",
                fmt::format("The parameter group {} with DBParameterGroupFamily {} cannot be used "
                            "for this instance. "
                            "Please use a parameter group with DBParameterGroupFamily postgres{}",
                            *name, row->value.family, major_of(version)));
  }
  return *name;
}

Result<void> check_security_groups(Rds& rds, const Scope& scope,
                                   const std::vector<std::string>& ids, std::string_view vpc_id) {
  for (const std::string& id : ids) {
    const auto vpc = rds.ec2.vpc_of_security_group(scope, id);
    if (!vpc) return invalid(fmt::format("Invalid security group , groupId= {}, groupName=.", id));
    if (*vpc != vpc_id) {
      return errors::invalid_vpc_network_state(
          fmt::format("The DB instance and EC2 security group are in different VPCs. The DB "
                      "instance is in {} and the EC2 security "
                      "group {} is in {}",
                      vpc_id, id, *vpc));
    }
  }
  return {};
}

namespace {

// The group "default" is made of the default VPC's subnets at first use.
task<Result<DbSubnetGroup>> default_subnet_group(Rds& rds, Scope scope) {
  const auto table = rds.tables(scope).subnet_groups;
  if (auto row = table.get("default")) co_return std::move(row->value);
  LF_CO_TRY(vpc, co_await rds.ec2.default_vpc(scope));
  DbSubnetGroup group{"default", scope.account, scope.region, "default", vpc.id, {}, {}};
  for (const auto& subnet : rds.ec2.subnets_of(scope, vpc.id)) {
    if (subnet.is_default) group.subnet_ids.push_back(subnet.id);
  }
  if (group.subnet_ids.empty()) {
    co_return errors::db_subnet_group_not_found(
        "No default subnet detected in VPC. Please contact AWS Support to recreate the default "
        "Subnets or name a DB "
        "subnet group.");
  }
  LF_CO_OK(co_await rds.store.commit({{table.absent("default")}, {table.put("default", group)}}));
  co_return group;
}

}  // namespace

task<Result<void>> place(Rds& rds, DbInstance& instance, Placement wanted) {
  const Scope scope = instance.scope();
  DbSubnetGroup group;
  if (wanted.subnet_group && *wanted.subnet_group != "default") {
    auto row = rds.tables(scope).subnet_groups.get(*wanted.subnet_group);
    if (!row) {
      co_return errors::db_subnet_group_not_found(
          fmt::format("DBSubnetGroup '{}' not found.", *wanted.subnet_group));
    }
    group = std::move(row->value);
  } else {
    LF_CO_TRY(standard, co_await default_subnet_group(rds, scope));
    group = std::move(standard);
  }
  std::vector<ec2::SubnetInfo> subnets;
  bool internet = false;
  for (const std::string& id : group.subnet_ids) {
    auto subnet = rds.ec2.find_subnet(scope, id);
    if (!subnet) continue;
    internet = internet || subnet->routed_to_internet;
    if (!wanted.availability_zone || subnet->availability_zone == *wanted.availability_zone) {
      subnets.push_back(std::move(*subnet));
    }
  }
  if (subnets.empty()) {
    co_return errors::invalid_vpc_network_state(
        fmt::format("DB subnet group {} has no subnet in {}.", group.name,
                    wanted.availability_zone.value_or("any availability zone")));
  }
  instance.publicly_accessible = wanted.publicly_accessible.value_or(internet);
  if (instance.publicly_accessible && !internet) {
    co_return errors::invalid_vpc_network_state(
        "Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway "
        "attached. Update "
        "the VPC and then try again.");
  }
  if (instance.publicly_accessible) {
    // A public address in a subnet without a way out would not answer.
    std::erase_if(subnets, [](const auto& subnet) { return !subnet.routed_to_internet; });
    if (subnets.empty()) {
      co_return errors::invalid_vpc_network_state(
          "Cannot create a publicly accessible DBInstance: no subnet in that zone is routed to an "
          "internet gateway.");
    }
  }
  const auto& subnet = subnets[rds.random.below(subnets.size())];
  instance.subnet_group = group.name;
  instance.vpc_id = group.vpc_id;
  instance.subnet_id = subnet.id;
  instance.availability_zone = subnet.availability_zone;
  if (wanted.security_group_ids.empty()) {
    const auto vpc = rds.ec2.find_vpc(scope, group.vpc_id);
    if (!vpc)
      co_return errors::invalid_vpc_network_state(
          fmt::format("The VPC {} does not exist.", group.vpc_id));
    wanted.security_group_ids = {vpc->default_security_group_id};
  }
  LF_CO_OK(check_security_groups(rds, scope, wanted.security_group_ids, group.vpc_id));
  instance.security_group_ids = std::move(wanted.security_group_ids);
  co_return Result<void>();
}

Result<void> refuse_unsupported(std::initializer_list<Unsupported> settings) {
  for (const Unsupported& setting : settings) {
    if (setting.given) {
      return fail(
          "InvalidParameterCombination",
          fmt::format("{} is not supported by Landfall and would have no effect; leave it out.",
                      setting.parameter));
    }
  }
  return {};
}

std::string random_backup_window(Random& random) {
  const auto start = 6 * 60 + int(random.below(8 * 60));
  return fmt::format("{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, (start + 30) / 60,
                     (start + 30) % 60);
}

std::string random_maintenance_window(Random& random) {
  static constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed",
                                                            "thu", "fri", "sat"};
  const auto day = kDays[random.below(7)];
  const auto start = 6 * 60 + int(random.below(8 * 60));
  return fmt::format("{0}:{1:02}:{2:02}-{0}:{3:02}:{4:02}", day, start / 60, start % 60,
                     (start + 30) / 60, (start + 30) % 60);
}

}  // namespace landfall::rds
