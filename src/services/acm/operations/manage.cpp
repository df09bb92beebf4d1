// operations: RenewCertificate, ExportCertificate, UpdateCertificateOptions
#include "host/authority/x509.h"
#include "services/acm/shapes.h"
#include "wire/acm/errors.h"
#include "wire/acm/operations.h"

namespace landfall::acm {

// AWS renews on request what was exported; here every certificate of the authority can be renewed,
// as nobody outside has to be asked.
task<Result<RenewCertificateResponse>> renew_certificate(Acm& acm, const RequestContext& ctx,
                                                         RenewCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  CertificateRecord record = row.value;
  if (record.type != "AMAZON_ISSUED" || !record.issued()) {
    co_return errors::validation(fmt::format("The certificate {} cannot be renewed: it is {}",
                                             in.certificate_arn,
                                             record.issued() ? "imported" : "not issued yet"));
  }
  LF_CO_OK(co_await issue(acm, record));
  const auto table = acm.certificates(ctx.scope);
  LF_CO_TRY(done, co_await acm.store.commit(
                      {{table.unchanged(row.id, row.revision)}, {table.put(row.id, record)}}));
  if (!done.succeeded)
    co_return errors::request_in_progress("The certificate is being changed by another request");
  co_return RenewCertificateResponse{};
}

task<Result<ExportCertificateResponse>> export_certificate(Acm& acm, const RequestContext& ctx,
                                                           ExportCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  if (row.value.type != "AMAZON_ISSUED" || !row.value.exportable) {
    co_return errors::validation(
        fmt::format("Certificate ARN: {} is not an exportable certificate", in.certificate_arn));
  }
  if (!row.value.issued()) {
    co_return errors::request_in_progress(
        fmt::format("The certificate {} is not issued yet", in.certificate_arn));
  }
  if (in.passphrase.size() < 4) co_return errors::validation("The passphrase is too short");
  LF_CO_TRY(key, acm.sealer.unseal(row.value.sealed_key, acm.key_context(row.value)));
  LF_CO_TRY(encrypted, host::encrypt_key(key, in.passphrase));
  auto done = co_await acm.certificates(ctx.scope).update(
      row.id, [&](CertificateRecord& record) -> Result<bool> {
        record.exported_at = ctx.now;
        return true;
      });
  if (!done) co_return std::unexpected(done.error());
  ExportCertificateResponse out;
  out.certificate = row.value.certificate_pem;
  out.certificate_chain = row.value.chain_pem;
  out.private_key = encrypted;
  co_return out;
}

task<Result<UpdateCertificateOptionsResponse>> update_certificate_options(
    Acm& acm, const RequestContext& ctx, UpdateCertificateOptionsRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  if (row.value.type != "AMAZON_ISSUED")
    co_return errors::invalid_state("Only certificates that ACM issued have options");
  if (in.options.export_) co_return errors::validation("The export option cannot be changed");
  auto done = co_await acm.certificates(ctx.scope).update(
      row.id, [&](CertificateRecord& record) -> Result<bool> {
        if (const auto& wanted = in.options.certificate_transparency_logging_preference)
          record.transparency_logging = *wanted == "ENABLED";
        return true;
      });
  if (!done) co_return std::unexpected(done.error());
  co_return UpdateCertificateOptionsResponse{};
}

}  // namespace landfall::acm
