#include "services/sts/service.h"
#include "wire/sts/operations.h"

namespace landfall::sts {

task<Result<GetCallerIdentityResponse>> get_caller_identity(Sts&, const RequestContext& ctx,
                                                            GetCallerIdentityRequest) {
  co_return GetCallerIdentityResponse{
      .user_id = ctx.principal.user_id, .account = ctx.principal.account, .arn = ctx.principal.arn};
}

}  // namespace landfall::sts
