#include "services/rds/shapes.h"

#include "base/bytes.h"
#include "services/rds/backups.h"
#include "services/rds/master_secret.h"
#include "services/rds/parameters.h"
#include "services/rds/replicas.h"
#include "services/rds/settings.h"

namespace landfall::rds {
namespace {

constexpr std::string_view kEngine = "postgres";

// AWS has one zone of endpoints per region; clients keep its id.
std::string endpoint_zone(const std::string& region) {
  std::string digits = sha256_hex("rds endpoints " + region).substr(0, 12);
  std::ranges::transform(digits, digits.begin(),
                         [](char c) { return c >= 'a' && c <= 'f' ? char(c - 32) : c; });
  return "Z" + digits;
}

PendingModifiedValues pending_values(const DbInstance& instance) {
  PendingModifiedValues out;
  out.db_instance_class = instance.pending.instance_class;
  out.allocated_storage = instance.pending.allocated_storage_gib;
  out.engine_version = instance.pending.engine_version;
  if (instance.applied_verifier != instance.master_verifier && instance.available_at) {
    out.master_user_password = "****";
  }
  return out;
}

std::optional<DbSubnetGroup> subnet_group_of(Rds& rds, const DbInstance& instance) {
  auto row = rds.tables(instance.scope()).subnet_groups.get(instance.subnet_group);
  if (!row) return {};
  return std::move(row->value);
}

}  // namespace

DBInstance to_shape(Rds& rds, const DbInstance& instance) {
  DBInstance out;
  out.db_instance_identifier = instance.identifier;
  out.db_instance_class = instance.instance_class;
  out.engine = kEngine;
  out.engine_version = instance.engine_version;
  out.db_instance_status = instance.status;
  out.master_username = instance.master_user;
  if (!instance.master_secret.empty())
    out.master_user_secret = to_shape(instance.scope(), instance.master_secret);
  if (!instance.database.empty()) out.db_name = instance.database;
  if (!instance.endpoint.empty()) {
    Endpoint endpoint;
    endpoint.address = instance.endpoint;
    endpoint.port = instance.port;
    endpoint.hosted_zone_id = endpoint_zone(instance.region);
    out.endpoint = std::move(endpoint);
  }
  out.db_instance_port = 0;
  out.allocated_storage = instance.allocated_storage_gib;
  // As on AWS, absent while the instance is being created.
  if (instance.available_at) out.instance_create_time = instance.available_at;
  out.preferred_backup_window = instance.backup_window;
  out.preferred_maintenance_window = instance.maintenance_window;
  out.backup_retention_period = instance.backup_retention_days;
  out.db_security_groups.present = true;
  for (const std::string& id : instance.security_group_ids) {
    VpcSecurityGroupMembership membership;
    membership.vpc_security_group_id = id;
    membership.status = "active";
    out.vpc_security_groups.push_back(std::move(membership));
  }
  DBParameterGroupStatus parameters;
  parameters.db_parameter_group_name = instance.parameter_group;
  parameters.parameter_apply_status = apply_status(instance, find_parameter_group(rds, instance));
  out.db_parameter_groups.push_back(std::move(parameters));
  OptionGroupMembership options;
  options.option_group_name = default_option_group(instance.engine_version);
  options.status = "in-sync";
  out.option_group_memberships.push_back(std::move(options));
  if (!instance.availability_zone.empty()) out.availability_zone = instance.availability_zone;
  if (auto group = subnet_group_of(rds, instance)) out.db_subnet_group = to_shape(rds, *group);
  out.pending_modified_values = pending_values(instance);
  if (const auto window = restorable_window(rds, instance))
    out.latest_restorable_time = window->latest;
  for (const std::string& log : instance.log_exports)
    out.enabled_cloudwatch_logs_exports.push_back(log);
  out.ca_certificate_identifier = kCertificateAuthority;
  if (instance.certificate_issued_at != TimePoint{}) {
    CertificateDetails certificate;
    certificate.ca_identifier = kCertificateAuthority;
    certificate.valid_till = instance.certificate_issued_at + std::chrono::days(365);
    out.certificate_details = std::move(certificate);
  }
  out.multi_az = false;
  out.auto_minor_version_upgrade = instance.auto_minor_version_upgrade;
  out.license_model = "postgresql-license";
  out.publicly_accessible = instance.publicly_accessible;
  out.storage_type = instance.storage_type;
  out.storage_encrypted = instance.encrypted();
  if (instance.encrypted()) out.kms_key_id = instance.volume_key.kms_key_arn;
  out.dbi_resource_id = instance.resource_id;
  out.copy_tags_to_snapshot = instance.copy_tags_to_snapshot;
  out.monitoring_interval = 0;
  out.db_instance_arn = instance.arn();
  out.iam_database_authentication_enabled = false;
  out.performance_insights_enabled = false;
  out.deletion_protection = instance.deletion_protection;
  for (const DbInstance& replica : replicas_of(rds, instance))
    out.read_replica_db_instance_identifiers.push_back(replica.identifier);
  if (instance.is_replica()) {
    out.read_replica_source_db_instance_identifier = instance.replica_source;
    DBInstanceStatusInfo status;
    status.status_type = "read replication";
    status.status = instance.replication;
    status.normal = instance.replication != "error";
    out.status_infos.push_back(std::move(status));
  }
  out.tag_list = to_shape(instance.tags);
  out.customer_owned_ip_enabled = false;
  out.network_type = "IPV4";
  out.backup_target = "region";
  out.multi_tenant = false;
  out.dedicated_log_volume = false;
  out.activity_stream_status = "stopped";
  out.engine_lifecycle_support = "open-source-rds-extended-support-disabled";
  return out;
}

DBSnapshot to_shape(const DbSnapshot& snapshot) {
  DBSnapshot out;
  out.db_snapshot_identifier = snapshot.identifier;
  out.db_instance_identifier = snapshot.instance;
  out.dbi_resource_id = snapshot.instance_resource_id;
  out.snapshot_create_time = snapshot.created_at;
  out.original_snapshot_create_time =
      snapshot.taken_at == TimePoint{} ? snapshot.created_at : snapshot.taken_at;
  out.instance_create_time = snapshot.instance_created_at;
  out.engine = kEngine;
  out.engine_version = snapshot.engine_version;
  out.allocated_storage = snapshot.allocated_storage_gib;
  out.status = snapshot.status;
  out.port = snapshot.port;
  out.availability_zone = snapshot.availability_zone;
  out.vpc_id = snapshot.vpc_id;
  out.master_username = snapshot.master_user;
  out.license_model = "postgresql-license";
  out.snapshot_type = snapshot.automated ? "automated" : "manual";
  out.option_group_name = default_option_group(snapshot.engine_version);
  out.percent_progress = snapshot.status == "available" ? 100 : 0;
  out.storage_type = snapshot.storage_type;
  out.encrypted = !snapshot.volume_key.empty();
  if (!snapshot.volume_key.empty()) out.kms_key_id = snapshot.volume_key.kms_key_arn;
  if (!snapshot.copied_from.empty()) {
    out.source_db_snapshot_identifier = snapshot.copied_from;
    if (const auto source = Arn::parse(snapshot.copied_from);
        source && source->region != snapshot.region)
      out.source_region = source->region;
  }
  out.iam_database_authentication_enabled = false;
  out.db_snapshot_arn = snapshot.arn();
  out.tag_list = to_shape(snapshot.tags);
  out.snapshot_target = "region";
  return out;
}

DBSubnetGroup to_shape(Rds& rds, const DbSubnetGroup& group) {
  DBSubnetGroup out;
  out.db_subnet_group_name = group.name;
  out.db_subnet_group_description = group.description;
  out.vpc_id = group.vpc_id;
  out.subnet_group_status = "Complete";
  out.db_subnet_group_arn = group.arn();
  out.supported_network_types = {"IPV4"};
  for (const std::string& id : group.subnet_ids) {
    Subnet subnet;
    subnet.subnet_identifier = id;
    subnet.subnet_status = "Active";
    if (auto found = rds.ec2.find_subnet({group.account, group.region}, id)) {
      AvailabilityZone zone;
      zone.name = found->availability_zone;
      subnet.subnet_availability_zone = std::move(zone);
    }
    out.subnets.push_back(std::move(subnet));
  }
  return out;
}

wire::List<Tag> to_shape(const Tags& tags) {
  wire::List<Tag> out;
  out.present = true;
  for (const auto& [key, value] : tags) {
    Tag tag;
    tag.key = key;
    tag.value = value;
    out.push_back(std::move(tag));
  }
  return out;
}

Result<Tags> to_tags(const wire::List<Tag>& tags) {
  Tags out;
  for (const Tag& tag : tags) {
    const std::string key = tag.key.value_or("");
    const std::string value = tag.value.value_or("");
    if (key.empty() || key.size() > 128 || value.size() > 256) {
      return fail("InvalidParameterValue",
                  "Tag keys have 1 to 128 characters, values at most 256.");
    }
    if (key.starts_with("aws:")) {
      return fail("InvalidParameterValue",
                  fmt::format("Tag keys must not start with 'aws:': {}", key));
    }
    if (!out.emplace(key, value).second) {
      return fail("InvalidParameterValue", fmt::format("Duplicate tag key {}", key));
    }
  }
  if (out.size() > 50) return fail("InvalidParameterValue", "A resource can have at most 50 tags.");
  return out;
}

Result<PageRequest> page_request(std::optional<std::int32_t> max_records,
                                 const std::optional<std::string>& marker) {
  PageRequest out;
  if (max_records) {
    if (*max_records < 20 || *max_records > 100) {
      return fail(
          "InvalidParameterValue",
          fmt::format("Invalid value {} for MaxRecords. Must be between 20 and 100", *max_records));
    }
    out.limit = std::size_t(*max_records);
  }
  out.after = marker.value_or("");
  return out;
}

}  // namespace landfall::rds
