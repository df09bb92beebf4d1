// What AWS puts into an account's region before anybody asks: the default VPC and its furniture.
#pragma once

#include "services/ec2/service.h"

namespace landfall::ec2 {

// The tables of a scope, with the default VPC made if this is the first use. Handlers start with
// it.
task<Result<Tables>> open_tables(Ec2& ec2, Scope scope);

// Adds to `transaction` what every VPC has from birth: main route table, default security group,
// default network ACL. Fills in the ids of `vpc` and adds `vpc` itself.
void add_vpc(Ec2& ec2, const Tables& tables, VpcRecord& vpc, store::Transaction& transaction);

// The default VPC with a subnet per zone, an internet gateway and the route to it. Caller holds
// ec2.writing.
task<Result<VpcRecord>> make_default_vpc(Ec2& ec2, Scope scope);

SecurityRuleRecord allow_all_egress(Ec2& ec2);

}  // namespace landfall::ec2
