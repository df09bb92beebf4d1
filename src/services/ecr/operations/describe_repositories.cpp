#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<DescribeRepositoriesResponse>> describe_repositories(Ecr& ecr,
                                                                 const RequestContext& ctx,
                                                                 DescribeRepositoriesRequest in) {
  DescribeRepositoriesResponse out;
  if (!in.repository_names.empty()) {
    if (in.max_results || in.next_token) {
      co_return errors::invalid_parameter(
          "Invalid parameter: 'repositoryNames' cannot be used together with 'maxResults' or "
          "'nextToken'");
    }
    for (const std::string& name : in.repository_names) {
      LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, name, "ecr:DescribeRepositories"));
      out.repositories.push_back(repository_view(ecr, found));
    }
    co_return out;
  }
  LF_CO_TRY(scope, own_registry(ctx, in.registry_id));
  LF_CO_TRY(start, page_start(in.next_token));
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));
  for (auto& row : repositories(ecr.store, scope).list({}, start)) {
    if (row.value.deleting) continue;
    if (out.repositories.size() == limit) {
      out.next_token = page_token(repository_id(*out.repositories.back().repository_name));
      break;
    }
    out.repositories.push_back(repository_view(ecr, {scope, std::move(row)}));
  }
  co_return out;
}

}  // namespace landfall::ecr
