// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#include "services/elbv2/authentication.h"
#include "services/elbv2/find.h"
#include "services/elbv2/listener_settings.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostListeners = 50;

Result<void> check_supported(const CreateListenerRequest& in) {
  if (in.certificates.size() > 1) {
    return fail("ValidationError",
                "Specify one default certificate; add others with AddListenerCertificates");
  }
  return {};
}

// Creating once more what is there already succeeds; with other settings it does not.
bool same_settings(const ListenerRecord& a, const ListenerRecord& b) {
  return a.protocol == b.protocol && a.certificate == b.certificate &&
         a.ssl_policy == b.ssl_policy && a.client_certificates == b.client_certificates &&
         a.trust_store == b.trust_store &&
         record::encode(without_secrets(a.default_actions)) ==
             record::encode(without_secrets(b.default_actions));
}

}  // namespace

task<Result<CreateListenerResponse>> create_listener(Elbv2& elbv2, const RequestContext& ctx,
                                                     CreateListenerRequest in) {
  LF_CO_OK(check_supported(in));
  if (!in.port) co_return fail("ValidationError", "A listener port must be specified");
  if (!in.protocol) co_return fail("ValidationError", "A listener protocol must be specified");
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(balancer, find_load_balancer(tables, ctx.scope, in.load_balancer_arn));
  ListenerRecord listener;
  listener.id = elbv2.new_id();
  listener.account = ctx.scope.account;
  listener.region = ctx.scope.region;
  listener.load_balancer_id = balancer.value.id;
  listener.load_balancer_name = balancer.value.name;
  listener.load_balancer_type = balancer.value.type;
  listener.protocol = *in.protocol;
  listener.port = *in.port;
  listener.ssl_policy = in.ssl_policy.value_or("");
  for (const Certificate& certificate : in.certificates)
    listener.certificate = certificate.certificate_arn.value_or("");
  for (const std::string& protocol : in.alpn_policy) listener.alpn_policy.push_back(protocol);
  listener.default_rule_id = elbv2.new_id();
  LF_CO_OK(check_listener(elbv2, listener));
  if (in.mutual_authentication) {
    LF_CO_OK(set_mutual_authentication(tables, ctx.scope, *in.mutual_authentication, listener));
  }
  LF_CO_TRY(tags, read_tags(in.tags));
  listener.tags = std::move(tags);
  LF_CO_TRY(actions, normalize_actions(listener, in.default_actions));
  listener.default_actions = std::move(actions);
  LF_CO_OK(seal_secrets(elbv2.sealer, listener.key(), listener.default_actions, nullptr));

  CreateListenerResponse out;
  const auto others = listeners_of(tables, balancer.value);
  for (const auto& other : others) {
    if (other.value.port != listener.port) continue;
    if (!same_settings(other.value, listener)) {
      co_return errors::duplicate_listener(
          fmt::format("A listener already exists on this port for this load balancer '{}'",
                      in.load_balancer_arn));
    }
    out.listeners.push_back(to_shape(other.value));
    co_return out;
  }
  if (others.size() >= kMostListeners) {
    co_return errors::too_many_listeners(
        fmt::format("A load balancer can have at most {} listeners", kMostListeners));
  }
  LF_CO_OK(check_target_groups(tables, listener, balancer.value.vpc_id, listener.default_actions));
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{tables.listeners.absent(listener.key())},
                            {tables.listeners.put(listener.key(), listener)}}));
  out.listeners.push_back(to_shape(listener));
  co_return out;
}

}  // namespace landfall::elbv2
