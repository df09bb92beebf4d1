// operations: DescribeContainerInstances, ListContainerInstances, ListAttributes
#include "services/ecs/service.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// Tasks run on Fargate: no cluster has container instances.
task<Result<DescribeContainerInstancesResponse>> describe_container_instances(
    Ecs& ecs, const RequestContext& ctx, DescribeContainerInstancesRequest in) {
  LF_CO_TRY(cluster, find_cluster(ecs.tables(ctx.scope), ctx.scope, in.cluster));
  DescribeContainerInstancesResponse out;
  out.container_instances.present = out.failures.present = true;
  for (const std::string& reference : in.container_instances) {
    const bool is_arn = Arn::looks_like(reference);
    out.failures.push_back(
        {is_arn ? reference
                : arn(ctx.scope, fmt::format("container-instance/{}/{}", cluster.id, reference)),
         "MISSING",
         {}});
  }
  co_return out;
}

task<Result<ListContainerInstancesResponse>> list_container_instances(
    Ecs& ecs, const RequestContext& ctx, ListContainerInstancesRequest in) {
  LF_CO_OK(find_cluster(ecs.tables(ctx.scope), ctx.scope, in.cluster));
  ListContainerInstancesResponse out;
  out.container_instance_arns.present = true;
  co_return out;
}

task<Result<ListAttributesResponse>> list_attributes(Ecs& ecs, const RequestContext& ctx,
                                                     ListAttributesRequest in) {
  LF_CO_OK(find_cluster(ecs.tables(ctx.scope), ctx.scope, in.cluster));
  ListAttributesResponse out;
  out.attributes.present = true;
  co_return out;
}

}  // namespace landfall::ecs
