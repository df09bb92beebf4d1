// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeValidDBInstanceModifications.html
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// Storage keeps its type and grows.
task<Result<DescribeValidDBInstanceModificationsResponse>> describe_valid_db_instance_modifications(
    Rds& rds, const RequestContext& ctx, DescribeValidDBInstanceModificationsRequest in) {
  LF_CO_TRY(instance, find_instance(rds, ctx.scope, in.db_instance_identifier));
  ValidStorageOptions storage;
  storage.storage_type = instance.storage_type;
  Range sizes;
  sizes.from = instance.allocated_storage_gib;
  sizes.to = 65536;
  sizes.step = 1;
  storage.storage_size.push_back(std::move(sizes));
  storage.supports_storage_autoscaling = false;
  ValidDBInstanceModificationsMessage message;
  message.storage.push_back(std::move(storage));
  message.supports_dedicated_log_volume = false;
  DescribeValidDBInstanceModificationsResponse out;
  out.valid_db_instance_modifications_message = std::move(message);
  co_return out;
}

}  // namespace landfall::rds
