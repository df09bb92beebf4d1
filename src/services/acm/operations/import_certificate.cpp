// https://docs.aws.amazon.com/acm/latest/APIReference/API_ImportCertificate.html
#include "host/authority/x509.h"
#include "services/acm/shapes.h"
#include "wire/acm/errors.h"
#include "wire/acm/operations.h"

namespace landfall::acm {

task<Result<ImportCertificateResponse>> import_certificate(Acm& acm, const RequestContext& ctx,
                                                           ImportCertificateRequest in) {
  const auto blocks = host::certificate_blocks(in.certificate);
  if (blocks.size() != 1) {
    co_return errors::validation(
        blocks.empty() ? "The certificate field contains no certificate in PEM"
                       : "The certificate field contains more than one certificate. You can "
                         "specify only one certificate in this field.");
  }
  const std::string chain = in.certificate_chain.value_or("");
  if (auto good = host::check_key_and_chain(blocks.front(), in.private_key, chain); !good)
    co_return errors::validation(good.error().message);

  const auto table = acm.certificates(ctx.scope);
  CertificateRecord record;
  store::Revision revision = 0;
  if (in.certificate_arn) {
    LF_CO_TRY(row, find(acm, ctx.scope, *in.certificate_arn));
    if (row.value.type != "IMPORTED") {
      co_return errors::validation(
          "Only imported certificates can be imported again; this one is managed by ACM");
    }
    if (!in.tags.empty())
      co_return errors::invalid_parameter("Tags cannot be given when a certificate is re-imported");
    record = row.value;
    revision = row.revision;
    record.domain.clear();
  } else {
    record.id = acm.random.uuid();
    record.account = ctx.scope.account;
    record.region = ctx.scope.region;
    record.type = "IMPORTED";
    record.created_at = ctx.now;
    LF_CO_OK(add_tags(record.tags, in.tags));
  }
  record.certificate_pem = blocks.front();
  record.chain_pem.clear();
  for (const std::string& block : host::certificate_blocks(chain)) record.chain_pem += block;
  if (auto read = read_facts(record); !read) co_return errors::validation(read.error().message);
  if (ctx.now >= record.not_after)
    co_return errors::validation("The certificate that is being imported has expired.");
  if (ctx.now < record.not_before)
    co_return errors::validation("The certificate that is being imported is not valid yet.");
  record.status = "ISSUED";
  record.imported_at = ctx.now;
  ++record.version;
  record.sealed_key = acm.sealer.seal(in.private_key, acm.key_context(record));
  LF_CO_TRY(done, co_await acm.store.commit(
                      {{table.unchanged(record.id, revision)}, {table.put(record.id, record)}}));
  if (!done.succeeded)
    co_return errors::invalid_parameter("The certificate was changed at the same time");
  ImportCertificateResponse out;
  out.certificate_arn = record.arn();
  co_return out;
}

}  // namespace landfall::acm
