// operations: DescribeDBEngineVersions, DescribeOrderableDBInstanceOptions
// Only what is installed can be ordered.
#include "services/rds/classes.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

task<Result<DescribeDBEngineVersionsResponse>> describe_db_engine_versions(
    Rds& rds, const RequestContext&, DescribeDBEngineVersionsRequest in) {
  DescribeDBEngineVersionsResponse out;
  if (in.engine && *in.engine != "postgres") co_return out;
  for (const host::PostgresInstallation& found : co_await rds.installations()) {
    const std::string major = std::to_string(found.major());
    if (in.engine_version && *in.engine_version != found.version && *in.engine_version != major)
      continue;
    if (in.db_parameter_group_family && *in.db_parameter_group_family != "postgres" + major)
      continue;
    DBEngineVersion version;
    version.engine = "postgres";
    version.engine_version = found.version;
    version.major_engine_version = major;
    version.db_parameter_group_family = "postgres" + major;
    version.db_engine_description = "PostgreSQL";
    version.db_engine_version_description = fmt::format("PostgreSQL {}", found.version);
    version.status = "available";
    version.supports_read_replica = true;
    version.supports_log_exports_to_cloudwatch_logs = true;
    version.exportable_log_types.push_back("postgresql");
    version.supported_ca_certificate_identifiers.emplace_back(kCertificateAuthority);
    version.supports_global_databases = false;
    out.db_engine_versions.push_back(std::move(version));
    if (in.default_only.value_or(false)) break;  // newest first
  }
  co_return out;
}

task<Result<DescribeOrderableDBInstanceOptionsResponse>> describe_orderable_db_instance_options(
    Rds& rds, const RequestContext& ctx, DescribeOrderableDBInstanceOptionsRequest in) {
  // Up to 1000 may be asked for, unlike in every other list; Terraform's provider does.
  const bool many = in.max_records && *in.max_records > 100 && *in.max_records <= 1000;
  LF_CO_TRY(page, page_request(many ? std::nullopt : in.max_records, in.marker));
  if (many) page.limit = std::size_t(*in.max_records);
  if (in.engine != "postgres") {
    co_return fail("InvalidParameterValue", fmt::format("Unrecognized engine name: {}", in.engine));
  }
  const bool encrypts = (co_await rds.volumes.probe_encryption()).has_value();
  std::vector<OrderableDBInstanceOption> found;
  for (const host::PostgresInstallation& installed : co_await rds.installations()) {
    if (in.engine_version && *in.engine_version != installed.version) continue;
    for (const InstanceClass& size : instance_classes()) {
      if (in.db_instance_class && *in.db_instance_class != size.name) continue;
      for (const char* storage : {"gp2", "gp3", "standard"}) {
        OrderableDBInstanceOption option;
        option.engine = "postgres";
        option.engine_version = installed.version;
        option.db_instance_class = size.name;
        option.license_model = "postgresql-license";
        for (const std::string& name : rds.ec2.availability_zones(ctx.scope.region)) {
          AvailabilityZone zone;
          zone.name = name;
          option.availability_zones.push_back(std::move(zone));
        }
        option.storage_type = storage;
        option.min_storage_size = storage == std::string_view("standard") ? 5 : 20;
        option.max_storage_size = 65536;
        option.vpc = true;
        option.multi_az_capable = false;
        option.read_replica_capable = true;
        option.supports_storage_encryption = encrypts;
        option.supports_iops = false;
        option.supports_enhanced_monitoring = false;
        option.supports_iam_database_authentication = false;
        option.supports_performance_insights = false;
        option.supports_storage_autoscaling = false;
        option.supported_network_types = {"IPV4"};
        found.push_back(std::move(option));
      }
    }
  }
  const auto name = [](const OrderableDBInstanceOption& item) {
    return fmt::format("{}/{}/{}", *item.engine_version, *item.db_instance_class,
                       *item.storage_type);
  };
  std::ranges::sort(found, {}, name);
  auto cut = cut_page(std::move(found), page, name);
  DescribeOrderableDBInstanceOptionsResponse out;
  out.orderable_db_instance_options = std::move(cut.items);
  out.marker = cut.marker;
  co_return out;
}

}  // namespace landfall::rds
