// Things that do not exist here, asked for by clients that list everything: always the empty list.
// operations: DescribeInstances, DescribeVpcPeeringConnections
// operations: DescribeEgressOnlyInternetGateways
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeInstancesResponse>> describe_instances(Ec2&, const RequestContext&,
                                                           DescribeInstancesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_OK(select_none(kinds::kInstance, in.instance_ids));
  co_return DescribeInstancesResponse{};
}

task<Result<DescribeVpcPeeringConnectionsResponse>> describe_vpc_peering_connections(
    Ec2&, const RequestContext&, DescribeVpcPeeringConnectionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_OK(select_none(kinds::kPeering, in.vpc_peering_connection_ids));
  co_return DescribeVpcPeeringConnectionsResponse{};
}

task<Result<DescribeEgressOnlyInternetGatewaysResponse>> describe_egress_only_internet_gateways(
    Ec2&, const RequestContext&, DescribeEgressOnlyInternetGatewaysRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_OK(select_none(kinds::kEgressOnlyGateway, in.egress_only_internet_gateway_ids));
  co_return DescribeEgressOnlyInternetGatewaysResponse{};
}

}  // namespace landfall::ec2
