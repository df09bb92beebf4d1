// operations: AddTagsToCertificate, RemoveTagsFromCertificate, ListTagsForCertificate
#include "services/acm/shapes.h"
#include "wire/acm/operations.h"

namespace landfall::acm {

task<Result<AddTagsToCertificateResponse>> add_tags_to_certificate(Acm& acm,
                                                                   const RequestContext& ctx,
                                                                   AddTagsToCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  auto done = co_await acm.certificates(ctx.scope).update(
      row.id, [&](CertificateRecord& record) -> Result<bool> {
        LF_OK(add_tags(record.tags, in.tags));
        return true;
      });
  if (!done) co_return std::unexpected(done.error());
  co_return AddTagsToCertificateResponse{};
}

task<Result<RemoveTagsFromCertificateResponse>> remove_tags_from_certificate(
    Acm& acm, const RequestContext& ctx, RemoveTagsFromCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  auto done = co_await acm.certificates(ctx.scope).update(
      row.id, [&](CertificateRecord& record) -> Result<bool> {
        for (const Tag& tag : in.tags) {
          const auto found = record.tags.find(tag.key);
          // With a value, only the tag that has it.
          if (found != record.tags.end() && tag.value.value_or(found->second) == found->second)
            record.tags.erase(found);
        }
        return true;
      });
  if (!done) co_return std::unexpected(done.error());
  co_return RemoveTagsFromCertificateResponse{};
}

task<Result<ListTagsForCertificateResponse>> list_tags_for_certificate(
    Acm& acm, const RequestContext& ctx, ListTagsForCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  ListTagsForCertificateResponse out;
  for (const auto& [key, value] : row.value.tags) {
    Tag& tag = out.tags.emplace_back();
    tag.key = key;
    tag.value = value;
  }
  co_return out;
}

}  // namespace landfall::acm
