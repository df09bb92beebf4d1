#include "services/iam/encoded_denial.h"
#include "services/sts/service.h"
#include "wire/sts/errors.h"
#include "wire/sts/operations.h"

namespace landfall::sts {

task<Result<DecodeAuthorizationMessageResponse>> decode_authorization_message(
    Sts& sts, const RequestContext& ctx, DecodeAuthorizationMessageRequest in) {
  auto details = iam::decode_denial(sts.iam, ctx.principal.account, in.encoded_message);
  if (!details) co_return errors::invalid_authorization_message("Message is not valid");
  co_return DecodeAuthorizationMessageResponse{.decoded_message = std::move(*details)};
}

}  // namespace landfall::sts
