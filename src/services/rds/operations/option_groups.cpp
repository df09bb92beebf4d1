// PostgreSQL on RDS has no options: the default group of each version is all there is.
// operations: DescribeOptionGroups
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

task<Result<DescribeOptionGroupsResponse>> describe_option_groups(Rds& rds,
                                                                  const RequestContext& ctx,
                                                                  DescribeOptionGroupsRequest in) {
  DescribeOptionGroupsResponse out;
  std::set<int> majors;
  for (const auto& installed : co_await rds.installations()) majors.insert(installed.major());
  for (const int major : majors) {
    const std::string version = std::to_string(major);
    OptionGroup group;
    group.option_group_name = default_option_group(version);
    if (in.option_group_name && *in.option_group_name != *group.option_group_name) continue;
    if (in.engine_name && *in.engine_name != "postgres") continue;
    if (in.major_engine_version && *in.major_engine_version != version) continue;
    group.option_group_description = fmt::format("Default option group for postgres {}", version);
    group.engine_name = "postgres";
    group.major_engine_version = version;
    group.allows_vpc_and_non_vpc_instance_memberships = true;
    group.option_group_arn =
        Arn{"aws", "rds", ctx.scope.region, ctx.scope.account, "og:" + *group.option_group_name}
            .str();
    out.option_groups_list.push_back(std::move(group));
  }
  if (out.option_groups_list.empty() && in.option_group_name) {
    co_return errors::option_group_not_found(
        fmt::format("Specified OptionGroupName: {} not found.", *in.option_group_name));
  }
  co_return out;
}

}  // namespace landfall::rds
