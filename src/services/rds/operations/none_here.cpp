// Things that do not exist here, asked for by clients that list everything: always the empty list.
// operations: DescribeDBClusters, DescribeDBSecurityGroups, DescribePendingMaintenanceActions
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

task<Result<DescribeDBClustersResponse>> describe_db_clusters(Rds&, const RequestContext&,
                                                              DescribeDBClustersRequest in) {
  if (in.db_cluster_identifier) {
    co_return errors::db_cluster_not_found(
        fmt::format("DBCluster {} not found.", *in.db_cluster_identifier));
  }
  co_return DescribeDBClustersResponse{};
}

task<Result<DescribeDBSecurityGroupsResponse>> describe_db_security_groups(
    Rds&, const RequestContext&, DescribeDBSecurityGroupsRequest in) {
  if (in.db_security_group_name) {
    co_return errors::db_security_group_not_found(
        fmt::format("DBSecurityGroup {} not found.", *in.db_security_group_name));
  }
  co_return DescribeDBSecurityGroupsResponse{};
}

task<Result<DescribePendingMaintenanceActionsResponse>> describe_pending_maintenance_actions(
    Rds&, const RequestContext&, DescribePendingMaintenanceActionsRequest) {
  co_return DescribePendingMaintenanceActionsResponse{};
}

}  // namespace landfall::rds
