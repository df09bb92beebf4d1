// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/configuring-mtls-with-elb.html
#include "services/elbv2/find.h"
#include "services/elbv2/listener_settings.h"

namespace landfall::elbv2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

}  // namespace

Result<void> set_mutual_authentication(const Tables& tables, const Scope& scope,
                                       const MutualAuthenticationAttributes& wanted,
                                       ListenerRecord& listener) {
  const std::string mode = wanted.mode.value_or("off");
  if (mode != "off" && mode != "passthrough" && mode != "verify") {
    return invalid(fmt::format(
        "Mutual authentication mode '{}' must be one of '[off, passthrough, verify]'", mode));
  }
  if (mode != "off" && listener.protocol != "HTTPS")
    return invalid("Mutual authentication is only supported for HTTPS listeners");
  const bool verify = mode == "verify";
  const bool ignore_expiry = wanted.ignore_client_certificate_expiry.value_or(false);
  const std::string advertise = wanted.advertise_trust_store_ca_names.value_or("off");
  if (!verify && wanted.trust_store_arn)
    return invalid("A trust store can only be specified with mode 'verify'");
  if (!verify && ignore_expiry)
    return invalid("IgnoreClientCertificateExpiry can only be specified with mode 'verify'");
  if (!verify && advertise == "on")
    return invalid("AdvertiseTrustStoreCaNames can only be specified with mode 'verify'");
  if (verify && !wanted.trust_store_arn)
    return invalid("A trust store ARN must be specified with mode 'verify'");
  if (verify) LF_OK(find_trust_store(tables, scope, *wanted.trust_store_arn));
  listener.client_certificates = mode;
  listener.trust_store = wanted.trust_store_arn.value_or("");
  listener.ignore_client_certificate_expiry = ignore_expiry;
  listener.advertise_authorities = advertise == "on";
  return {};
}

}  // namespace landfall::elbv2
