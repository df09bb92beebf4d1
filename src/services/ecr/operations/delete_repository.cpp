#include "services/ecr/deletion.h"
#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<DeleteRepositoryResponse>> delete_repository(Ecr& ecr, const RequestContext& ctx,
                                                         DeleteRepositoryRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:DeleteRepository"));
  const Repository view = repository_view(ecr, found);
  LF_CO_OK(co_await delete_with_images(ecr, found, in.force.value_or(false)));
  co_return DeleteRepositoryResponse{view};
}

}  // namespace landfall::ecr
