#include "services/ecr/views.h"

namespace landfall::ecr {

constexpr std::size_t kFiltersLimit = 5;
constexpr std::ptrdiff_t kWildcardsLimit = 2;

// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
Result<void> set_mutability(RepositoryRecord& record, const std::string& mutability,
                            const wire::List<ImageTagMutabilityExclusionFilter>& filters) {
  const auto invalid = [](std::string_view why) {
    return errors::invalid_parameter(
        fmt::format("Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy "
                    "constraint: '{}'",
                    why));
  };
  const bool with_exclusion = mutability.ends_with("_WITH_EXCLUSION");
  if (with_exclusion == filters.empty()) {
    return invalid("filters belong to the WITH_EXCLUSION settings, which need at least one");
  }
  if (filters.size() > kFiltersLimit) return invalid("at most 5 filters");
  std::vector<ExclusionFilter> exclusions;
  for (const auto& filter : filters) {
    if (std::ranges::count(filter.filter, '*') > kWildcardsLimit)
      return invalid("at most 2 wildcards in a filter");
    exclusions.push_back({filter.filter_type, filter.filter});
  }
  record.tag_mutability = mutability;
  record.mutability_exclusions = std::move(exclusions);
  return {};
}

task<Result<PutImageTagMutabilityResponse>> put_image_tag_mutability(
    Ecr& ecr, const RequestContext& ctx, PutImageTagMutabilityRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:PutImageTagMutability"));
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [&in](RepositoryRecord& record) -> Result<bool> {
              LF_OK(set_mutability(record, in.image_tag_mutability,
                                   in.image_tag_mutability_exclusion_filters));
              return true;
            }));
  co_return PutImageTagMutabilityResponse{changed.scope.account, changed.name(),
                                          in.image_tag_mutability,
                                          in.image_tag_mutability_exclusion_filters};
}

}  // namespace landfall::ecr
