// operations: PutImageScanningConfiguration, StartImageScan, DescribeImageScanFindings
// operations: BatchGetRepositoryScanningConfiguration, GetRegistryScanningConfiguration
//
// Landfall has no scanner, and says so: no scan ever starts, none has findings. The setting is kept
// for the tools that compare it, and DescribeImages reports UNSUPPORTED_IMAGE where it is on.
#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<PutImageScanningConfigurationResponse>> put_image_scanning_configuration(
    Ecr& ecr, const RequestContext& ctx, PutImageScanningConfigurationRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name,
                            "ecr:PutImageScanningConfiguration"));
  const bool on = in.image_scanning_configuration.scan_on_push.value_or(false);
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [on](RepositoryRecord& record) -> Result<bool> {
              record.scan_on_push = on;
              return true;
            }));
  co_return PutImageScanningConfigurationResponse{changed.scope.account, changed.name(),
                                                  ImageScanningConfiguration{on}};
}

task<Result<StartImageScanResponse>> start_image_scan(Ecr& ecr, const RequestContext& ctx,
                                                      StartImageScanRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:StartImageScan"));
  if (!resolve_image_id(ecr, found, in.image_id)) co_return image_missing(found, in.image_id);
  co_return errors::unsupported_image_type(
      "Landfall does not scan images: it has no vulnerability database.");
}

task<Result<DescribeImageScanFindingsResponse>> describe_image_scan_findings(
    Ecr& ecr, const RequestContext& ctx, DescribeImageScanFindingsRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name,
                            "ecr:DescribeImageScanFindings"));
  if (!resolve_image_id(ecr, found, in.image_id)) co_return image_missing(found, in.image_id);
  co_return errors::scan_not_found(
      fmt::format("Image scan does not exist for the image with '{}' in the repository with name "
                  "'{}' in the registry "
                  "with id '{}'",
                  image_id_text(in.image_id), found.name(), found.scope.account));
}

task<Result<BatchGetRepositoryScanningConfigurationResponse>>
batch_get_repository_scanning_configuration(Ecr& ecr, const RequestContext& ctx,
                                            BatchGetRepositoryScanningConfigurationRequest in) {
  BatchGetRepositoryScanningConfigurationResponse out;
  for (const std::string& name : in.repository_names) {
    const auto found = find_repository(ecr, ctx.scope, name);
    if (!found) {
      out.failures.push_back(
          {name, "REPOSITORY_NOT_FOUND", repository_missing(ctx.scope, name).error().message});
      continue;
    }
    const bool on = found->record().scan_on_push;
    out.scanning_configurations.push_back(
        {repository_arn(ctx.scope, name), name, on, on ? "SCAN_ON_PUSH" : "MANUAL", {}});
  }
  co_return out;
}

task<Result<GetRegistryScanningConfigurationResponse>> get_registry_scanning_configuration(
    Ecr&, const RequestContext& ctx, GetRegistryScanningConfigurationRequest) {
  RegistryScanningConfiguration basic;
  basic.scan_type = "BASIC";
  basic.rules.present = true;
  co_return GetRegistryScanningConfigurationResponse{ctx.scope.account, std::move(basic)};
}

}  // namespace landfall::ecr
