#include "services/sts/service.h"
#include "wire/sts/operations.h"

namespace landfall::sts {

task<Result<GetAccessKeyInfoResponse>> get_access_key_info(Sts& sts, const RequestContext& ctx,
                                                           GetAccessKeyInfoRequest in) {
  if (in.access_key_id == ctx.principal.access_key_id) {
    co_return GetAccessKeyInfoResponse{.account = ctx.principal.account};
  }
  const auto row = sts.iam.access_keys().get(in.access_key_id);
  if (!row) {
    co_return fail("ValidationError",
                   fmt::format("The access key {} does not exist.", in.access_key_id));
  }
  co_return GetAccessKeyInfoResponse{.account = row->value.account};
}

}  // namespace landfall::sts
