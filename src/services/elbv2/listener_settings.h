// Protocol, port, certificates and security policy of a listener, as CreateListener and
// ModifyListener check them.
#pragma once

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

// Fills in the default policy and refuses what the protocol does not have. Errors:
// UnsupportedProtocol, SSLPolicyNotFound, CertificateNotFound, ValidationError.
Result<void> check_listener(Elbv2& elbv2, ListenerRecord& listener);

// What MutualAuthentication of CreateListener and ModifyListener says. Errors: TrustStoreNotFound,
// ValidationError.
Result<void> set_mutual_authentication(const Tables& tables, const Scope& scope,
                                       const MutualAuthenticationAttributes& wanted,
                                       ListenerRecord& listener);

// The certificate exists, is issued, and can be used. Errors: CertificateNotFound,
// UnsupportedCertificate.
Result<void> check_certificate(Elbv2& elbv2, const Scope& scope, const std::string& arn);

}  // namespace landfall::elbv2
