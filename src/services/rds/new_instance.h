// What every way to make a DB instance shares: a new one, a read replica, a restore.
#pragma once

#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/context.h"

namespace landfall::rds {

// Error DBInstanceAlreadyExists.
Result<void> check_unused(const Rds& rds, const Scope& scope, const std::string& identifier);

// An identity and when it began; the rest is for the caller to say.
DbInstance new_instance(Rds& rds, const RequestContext& ctx, std::string identifier);

// Writes it down. Error DBInstanceAlreadyExists: another request was faster.
task<Result<DBInstance>> add_instance(Rds& rds, const RequestContext& ctx, DbInstance instance);

// Settings that all of the requests have and Landfall does not.
template <class In>
Result<void> refuse_unsupported_alike(const In& in) {
  return refuse_unsupported({
      {in.multi_az.value_or(false), "MultiAZ"},
      {in.iops.has_value(), "Iops"},
      {in.storage_throughput.has_value(), "StorageThroughput"},
      {in.enable_iam_database_authentication.value_or(false), "EnableIAMDatabaseAuthentication"},
      {in.domain.has_value(), "Domain"},
      {!in.processor_features.empty(), "ProcessorFeatures"},
      {in.network_type.value_or("IPV4") != "IPV4", "NetworkType"},
      {in.backup_target.value_or("region") != "region", "BackupTarget"},
      {in.dedicated_log_volume.value_or(false), "DedicatedLogVolume"},
      {in.ca_certificate_identifier.value_or(std::string(kCertificateAuthority)) !=
           kCertificateAuthority,
       "CACertificateIdentifier"},
      {!in.additional_storage_volumes.empty(), "AdditionalStorageVolumes"},
      {in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
       "OptionGroupName"},
  });
}

// Settings that need no more than taking them over.
template <class In>
void take_plain_settings(const In& in, DbInstance& instance) {
  instance.deletion_protection = in.deletion_protection.value_or(false);
  instance.copy_tags_to_snapshot = in.copy_tags_to_snapshot.value_or(false);
  for (const std::string& log : in.enable_cloudwatch_logs_exports)
    instance.log_exports.push_back(log);
}

}  // namespace landfall::rds
