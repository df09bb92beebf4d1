#include "services/elbv2/listener_settings.h"

#include "services/elbv2/ssl_policies.h"
#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {

Result<void> check_certificate(Elbv2& elbv2, const Scope& scope, const std::string& arn) {
  if (!Arn::looks_like(arn))
    return fail("ValidationError", fmt::format("Certificate ARN '{}' is not valid", arn));
  const auto found = elbv2.acm.find_certificate(scope, arn);
  if (!found) return errors::certificate_not_found(fmt::format("Certificate '{}' not found", arn));
  if (found->status != "ISSUED") {
    return fail("UnsupportedCertificate",
                fmt::format("The certificate '{}' must have a fully-qualified domain name, a "
                            "supported signature, and a supported key size; its status is {}.",
                            arn, found->status));
  }
  return {};
}

Result<void> check_listener(Elbv2& elbv2, ListenerRecord& listener) {
  const bool application = listener.load_balancer_type == "application";
  const auto& protocol = listener.protocol;
  const bool known = application ? protocol == "HTTP" || protocol == "HTTPS"
                                 : protocol == "TCP" || protocol == "TLS";
  if (!known) {
    return errors::unsupported_protocol(fmt::format("Listener protocol '{}' must be one of '{}'",
                                                    protocol,
                                                    application ? "HTTPS, HTTP" : "TCP, TLS"));
  }
  if (listener.port < 1 || listener.port > 65535)
    return fail("ValidationError", "The port of a listener must be between 1 and 65535");
  if (!listener.alpn_policy.empty()) {
    return errors::alpn_policy_not_supported("Landfall's listeners have no ALPN policies");
  }
  if (!listener.secure()) {
    if (!listener.certificate.empty()) {
      return fail("ValidationError",
                  fmt::format("A certificate cannot be specified for {} listeners", protocol));
    }
    if (!listener.ssl_policy.empty()) {
      return fail("ValidationError",
                  fmt::format("A security policy cannot be specified for {} listeners", protocol));
    }
    return {};
  }
  if (listener.certificate.empty()) {
    return fail("ValidationError",
                fmt::format("A certificate must be specified for {} listeners", protocol));
  }
  if (listener.ssl_policy.empty()) listener.ssl_policy = kDefaultPolicy;
  if (!find_policy(listener.ssl_policy)) {
    return errors::ssl_policy_not_found(
        fmt::format("SSL policy '{}' not found", listener.ssl_policy));
  }
  return check_certificate(elbv2, {listener.account, listener.region}, listener.certificate);
}

}  // namespace landfall::elbv2
