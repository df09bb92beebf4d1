// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html
#include "services/elbv2/attributes.h"
#include "services/elbv2/authentication.h"
#include "services/elbv2/find.h"
#include "services/elbv2/listener_settings.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<ModifyListenerResponse>> modify_listener(Elbv2& elbv2, const RequestContext& ctx,
                                                     ModifyListenerRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  ListenerRecord& listener = row.value;
  const auto balancer = tables.load_balancers.get(listener.load_balancer_name);
  if (!balancer) co_return errors::listener_not_found("One or more listeners not found");
  const bool was_secure = listener.secure();
  if (in.protocol) listener.protocol = *in.protocol;
  if (in.port) listener.port = *in.port;
  if (!listener.secure() && was_secure) {
    // "If you change the protocol from HTTPS to HTTP, the security policy and default certificate
    // are removed."
    listener.ssl_policy = listener.certificate = "";
    listener.certificates.clear();
    LF_CO_OK(set_mutual_authentication(tables, ctx.scope, {}, listener));
  }
  if (in.ssl_policy) listener.ssl_policy = *in.ssl_policy;
  if (in.certificates.size() > 1)
    co_return fail("ValidationError", "Specify exactly one default certificate");
  for (const Certificate& certificate : in.certificates)
    listener.certificate = certificate.certificate_arn.value_or("");
  if (in.alpn_policy.given())
    listener.alpn_policy.assign(in.alpn_policy.begin(), in.alpn_policy.end());
  std::erase(listener.certificates, listener.certificate);
  LF_CO_OK(check_listener(elbv2, listener));
  if (in.mutual_authentication) {
    LF_CO_OK(set_mutual_authentication(tables, ctx.scope, *in.mutual_authentication, listener));
  }
  for (const auto& other : listeners_of(tables, balancer->value)) {
    if (other.id != row.id && other.value.port == listener.port) {
      co_return errors::duplicate_listener(
          fmt::format("A listener already exists on this port for this load balancer '{}'",
                      listener.load_balancer_arn()));
    }
  }
  if (in.default_actions.given()) {
    LF_CO_TRY(actions, normalize_actions(listener, in.default_actions));
    LF_CO_OK(seal_secrets(elbv2.sealer, listener.key(), actions, &listener.default_actions));
    listener.default_actions = std::move(actions);
  } else {
    LF_CO_TRY(actions, normalize_actions(listener, listener.default_actions));
    listener.default_actions = std::move(actions);
  }
  LF_CO_OK(check_target_groups(tables, listener, balancer->value.vpc_id, listener.default_actions));
  // The attributes of another protocol's listener would be unknown keys.
  const Attributes known = with_defaults(attribute_owner(listener), {});
  std::erase_if(listener.attributes, [&](const auto& item) { return !known.contains(item.first); });
  LF_CO_OK(
      co_await commit(elbv2, std::move(guard), {{}, {tables.listeners.put(row.id, listener)}}));
  ModifyListenerResponse out;
  out.listeners.push_back(to_shape(listener));
  co_return out;
}

}  // namespace landfall::elbv2
