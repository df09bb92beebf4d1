// The actions that stand before the routing action of a rule: authenticate-oidc, jwt-validation.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html
#pragma once

#include "proxy/config.h"
#include "services/elbv2/service.h"

namespace landfall::elbv2 {

bool is_authentication(const Action& action);
// Fills in AWS's defaults and checks what needs no look-up. Errors: ValidationError,
// InvalidLoadBalancerAction.
Result<void> normalize_authentication(const ListenerRecord& listener, Action& action);

// Client secrets are kept sealed. `owner`: the key of the listener or rule they belong to.
// `former`: what the owner's actions were, whose secret UseExistingClientSecret means; null for a
// new one. Errors: ValidationError.
Result<void> seal_secrets(const store::Sealer& sealer, const std::string& owner,
                          wire::List<Action>& actions, const wire::List<Action>* former);
// Sealed secrets as the proxy needs them. One that does not open is left empty, and logged.
void unseal_secrets(const store::Sealer& sealer, const std::string& owner,
                    wire::List<Action>& actions);
// What clients are shown: no secret, sealed or not.
wire::List<Action> without_secrets(wire::List<Action> actions);

// Adds what stands before the routing action.
void add_authentication(const wire::List<Action>& actions, proxy::Action& out);

}  // namespace landfall::elbv2
