// operations: DescribeCertificates
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// The installation's own authority is the only one: what `sslrootcert` must name is its ca.crt.
task<Result<DescribeCertificatesResponse>> describe_certificates(Rds& rds,
                                                                 const RequestContext& ctx,
                                                                 DescribeCertificatesRequest in) {
  if (in.certificate_identifier && *in.certificate_identifier != kCertificateAuthority) {
    co_return errors::certificate_not_found(
        fmt::format("CertificateNotFound: {}", *in.certificate_identifier));
  }
  LF_CO_TRY(authority, rds.authority.describe());
  Certificate out;
  out.certificate_identifier = kCertificateAuthority;
  out.certificate_type = "CA";
  out.thumbprint = authority.sha1_thumbprint;
  out.valid_from = authority.valid_from;
  out.valid_till = authority.valid_till;
  out.certificate_arn =
      Arn{"aws", "rds", ctx.scope.region, "", fmt::format("cert:{}", kCertificateAuthority)}.str();
  out.customer_override = false;
  DescribeCertificatesResponse response;
  response.default_certificate_for_new_launches = kCertificateAuthority;
  response.certificates.push_back(std::move(out));
  co_return response;
}

}  // namespace landfall::rds
