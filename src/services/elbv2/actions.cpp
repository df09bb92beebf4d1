#include "base/check.h"
#include "services/elbv2/authentication.h"
#include "services/elbv2/rules.h"
#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

Result<void> normalize_forward(Action& action) {
  if (!action.forward_config) action.forward_config.emplace();
  ForwardActionConfig& forward = *action.forward_config;
  if (forward.target_groups.empty()) {
    if (!action.target_group_arn) {
      return invalid("A target group ARN must be specified for a forward action");
    }
    forward.target_groups.emplace_back().target_group_arn = action.target_group_arn;
  }
  if (forward.target_groups.size() > kMostTargetGroupsPerAction) {
    return errors::too_many_unique_target_groups_per_load_balancer(fmt::format(
        "A forward action can have at most {} target groups", kMostTargetGroupsPerAction));
  }
  std::set<std::string> seen;
  for (TargetGroupTuple& tuple : forward.target_groups) {
    if (!tuple.target_group_arn) return invalid("A target group ARN must be specified");
    if (!seen.insert(*tuple.target_group_arn).second) {
      return invalid(
          fmt::format("Target group '{}' is specified more than once", *tuple.target_group_arn));
    }
    tuple.weight = tuple.weight.value_or(1);
    if (*tuple.weight < 0 || *tuple.weight > 999)
      return invalid("The weight of a target group must be between 0 and 999");
  }
  if (action.target_group_arn && !seen.contains(*action.target_group_arn)) {
    return invalid("TargetGroupArn and ForwardConfig name different target groups");
  }
  // AWS shows the short form whenever there is one target group.
  action.target_group_arn = seen.size() == 1 ? std::optional(*seen.begin()) : std::nullopt;
  if (!forward.target_group_stickiness_config) forward.target_group_stickiness_config.emplace();
  TargetGroupStickinessConfig& sticky = *forward.target_group_stickiness_config;
  sticky.enabled = sticky.enabled.value_or(false);
  if (*sticky.enabled && !sticky.duration_seconds)
    return invalid("Target group stickiness needs DurationSeconds");
  if (sticky.duration_seconds &&
      (*sticky.duration_seconds < 1 || *sticky.duration_seconds > 604800)) {
    return invalid("The duration of target group stickiness must be between 1 and 604800 seconds");
  }
  return {};
}

Result<void> normalize_redirect(const ListenerRecord& listener, Action& action) {
  if (!action.redirect_config) return invalid("A redirect action needs RedirectConfig");
  RedirectActionConfig& to = *action.redirect_config;
  to.protocol = to.protocol.value_or("#{protocol}");
  to.port = to.port.value_or("#{port}");
  to.host = to.host.value_or("#{host}");
  to.path = to.path.value_or("/#{path}");
  to.query = to.query.value_or("#{query}");
  if (*to.protocol != "HTTP" && *to.protocol != "HTTPS" && *to.protocol != "#{protocol}")
    return invalid("The protocol of a redirect must be HTTP, HTTPS or #{protocol}");
  if (*to.protocol == "HTTP" && listener.protocol == "HTTPS")
    return errors::invalid_load_balancer_action("HTTPS requests cannot be redirected to HTTP");
  if (*to.port != "#{port}") {
    const bool digits = !to.port->empty() && to.port->size() <= 5 &&
                        std::ranges::all_of(*to.port, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || std::stoi(*to.port) < 1 || std::stoi(*to.port) > 65535)
      return invalid("The port of a redirect must be between 1 and 65535, or #{port}");
  }
  if (!to.path->starts_with('/')) return invalid("The path of a redirect must begin with '/'");
  if (to.query->starts_with('?')) return invalid("The query of a redirect has no leading '?'");
  for (const std::string* part : {&*to.host, &*to.path, &*to.query}) {
    if (part->size() > 128) return invalid("A component of a redirect has at most 128 characters");
  }
  if (*to.protocol == "#{protocol}" && *to.port == "#{port}" && *to.host == "#{host}" &&
      *to.path == "/#{path}") {
    return errors::invalid_load_balancer_action(
        "The redirect configuration is not valid because it creates a loop.");
  }
  return {};
}

Result<void> check_fixed_response(const Action& action) {
  if (!action.fixed_response_config)
    return invalid("A fixed-response action needs FixedResponseConfig");
  const FixedResponseActionConfig& answer = *action.fixed_response_config;
  const std::string& code = answer.status_code;
  if (code.size() != 3 || std::string_view("245").find(code[0]) == std::string_view::npos ||
      !std::isdigit(static_cast<unsigned char>(code[1])) ||
      !std::isdigit(static_cast<unsigned char>(code[2]))) {
    return invalid(fmt::format("'{}' is not a valid status code: 2XX, 4XX or 5XX", code));
  }
  const std::string type = answer.content_type.value_or("text/plain");
  if (!std::set<std::string>{"text/plain", "text/css", "text/html", "application/javascript",
                             "application/json"}
           .contains(type)) {
    return invalid(fmt::format("'{}' is not a valid content type", type));
  }
  if (answer.message_body.value_or("").size() > 1024)
    return invalid("The message body of a fixed response has at most 1024 characters");
  return {};
}

bool ends_the_request(const Action& action) {
  return action.type == "forward" || action.type == "redirect" || action.type == "fixed-response";
}

}  // namespace

Result<wire::List<Action>> normalize_actions(const ListenerRecord& listener,
                                             wire::List<Action> actions) {
  if (actions.empty()) return invalid("At least one action must be specified");
  const bool http = listener.protocol == "HTTP" || listener.protocol == "HTTPS";
  std::size_t endings = 0, authentications = 0;
  std::set<int> orders;
  for (Action& action : actions) {
    if (action.order && (*action.order < 1 || *action.order > 50000))
      return invalid("The order of an action must be between 1 and 50000");
    if (actions.size() > 1 && !action.order)
      return invalid("Each action must have an order when there are several");
    if (!orders.insert(action.order.value_or(1)).second)
      return invalid("Two actions cannot have the same order");
    if (!http && action.type != "forward") {
      return errors::invalid_load_balancer_action(fmt::format(
          "An action of type '{}' is not valid for a {} listener", action.type, listener.protocol));
    }
    endings += ends_the_request(action);
    if (action.type == "forward") {
      LF_OK(normalize_forward(action));
    } else if (action.type == "redirect") {
      LF_OK(normalize_redirect(listener, action));
    } else if (action.type == "fixed-response") {
      LF_OK(check_fixed_response(action));
    } else if (is_authentication(action)) {
      ++authentications;
      LF_OK(normalize_authentication(listener, action));
    } else {
      return errors::invalid_load_balancer_action(
          fmt::format("Landfall's load balancers have no action of type '{}'", action.type));
    }
  }
  if (endings != 1) {
    return errors::too_many_actions(
        "Exactly one action must be a forward, redirect or fixed-response action");
  }
  if (authentications > 1) {
    return errors::too_many_actions(
        "At most one action can be an authenticate-oidc, authenticate-cognito or jwt-validation "
        "action");
  }
  std::ranges::sort(actions, {}, [](const Action& action) { return action.order.value_or(1); });
  if (!ends_the_request(actions.back())) {
    return errors::invalid_load_balancer_action(
        "The forward, redirect or fixed-response action must be performed last");
  }
  actions.present = true;
  return actions;
}

std::set<std::string> target_groups_in(const wire::List<Action>& actions) {
  std::set<std::string> out;
  for (const Action& action : actions) {
    if (!action.forward_config) continue;
    for (const TargetGroupTuple& tuple : action.forward_config->target_groups)
      out.insert(tuple.target_group_arn.value_or(""));
  }
  return out;
}

std::set<std::string> load_balancers_of(const Tables& tables, const std::string& group_arn) {
  std::set<std::string> out;
  std::map<std::string, std::string> arn_of_listener;
  for (const auto& row : tables.listeners.list()) {
    arn_of_listener[row.id] = row.value.load_balancer_arn();
    if (target_groups_in(row.value.default_actions).contains(group_arn))
      out.insert(row.value.load_balancer_arn());
  }
  for (const auto& row : tables.rules.list()) {
    if (target_groups_in(row.value.actions).contains(group_arn))
      out.insert(arn_of_listener[row.value.listener_key]);
  }
  return out;
}

Result<void> check_target_groups(const Tables& tables, const ListenerRecord& listener,
                                 const std::string& vpc_id, const wire::List<Action>& actions) {
  const bool http = listener.protocol == "HTTP" || listener.protocol == "HTTPS";
  for (const std::string& arn : target_groups_in(actions)) {
    const auto name = parse_name({listener.account, listener.region}, arn);
    if (!name || name->kind != ResourceName::Kind::target_group)
      return invalid(fmt::format("'{}' is not a valid target group ARN", arn));
    const auto row = tables.target_groups.get(name->name);
    if (!row || row->value.id != name->id) {
      return errors::target_group_not_found(fmt::format("Target groups '{}' not found", arn));
    }
    const TargetGroupRecord& group = row->value;
    if (group.application() != http) {
      return errors::incompatible_protocols(
          fmt::format("The target group '{}' has protocol {}, which a {} listener cannot use", arn,
                      group.protocol, listener.protocol));
    }
    if (group.protocol_version == "GRPC" && listener.protocol != "HTTPS") {
      return errors::incompatible_protocols(
          "Target groups of protocol version GRPC need an HTTPS listener");
    }
    if (group.vpc_id != vpc_id) {
      return errors::invalid_configuration_request(
          fmt::format("The target group '{}' is in VPC {}, the load balancer in {}", arn,
                      group.vpc_id, vpc_id));
    }
    for (const std::string& used_by : load_balancers_of(tables, arn)) {
      if (used_by == listener.load_balancer_arn()) continue;
      return errors::target_group_association_limit(
          fmt::format("The following target groups cannot be associated with more than one load "
                      "balancer: {}",
                      arn));
    }
  }
  return {};
}

const Action& final_action(const wire::List<Action>& actions) {
  CHECK(!actions.empty());
  return actions.back();
}

}  // namespace landfall::elbv2
