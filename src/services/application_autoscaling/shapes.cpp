#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::size_t kMostTags = 50;
constexpr std::int32_t kMostResults = 50;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

std::unexpected<Error> unsupported() {
  return errors::validation("Unsupported service namespace, resource type or scalable dimension");
}

}  // namespace

Result<void> check_namespace(const std::string& name) {
  if (name == kNamespace) return {};
  return errors::validation(fmt::format(
      "Unsupported service namespace, resource type or scalable dimension: {} is not served here; "
      "Landfall scales service namespace {}, scalable dimension {}.",
      name, kNamespace, kDimension));
}

Result<Place> parse_place(const std::string& name_space, const std::string& resource_id,
                          const std::string& dimension) {
  LF_OK(check_namespace(name_space));
  if (dimension != kDimension) return unsupported();
  std::string_view rest = resource_id;
  if (!rest.starts_with("service/")) return unsupported();
  rest.remove_prefix(8);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return unsupported();
  Place out{std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))};
  if (!is_name(out.cluster) || !is_name(out.service)) return unsupported();
  return out;
}

Result<void> authorize(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                       const std::string& action, const TargetRecord* target,
                       const wire::Map<std::string>& request_tags) {
  iam::Access access{
      .action = "application-autoscaling:" + action,
      .resource = target ? target_arn(ctx.scope, *target)
                         : fmt::format("arn:aws:application-autoscaling:{}:{}:scalable-target/*",
                                       ctx.scope.region, ctx.scope.account)};
  access.context.set("application-autoscaling:service-namespace", std::string(kNamespace));
  access.context.set("application-autoscaling:scalable-dimension", std::string(kDimension));
  if (target) {
    for (const auto& [key, value] : target->tags)
      access.context.set("aws:ResourceTag/" + key, value);
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : request_tags) {
    access.context.set("aws:RequestTag/" + key, value);
    keys.push_back(key);
  }
  if (!keys.empty()) access.context.set("aws:TagKeys", std::move(keys));
  return scaling.iam.authorize(ctx, access);
}

Result<TargetRow> find_target(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                              const std::string& action, const std::string& name_space,
                              const std::string& resource_id, const std::string& dimension) {
  LF_TRY(place, parse_place(name_space, resource_id, dimension));
  auto row = scaling.tables(ctx.scope).targets.get(place.key());
  LF_OK(authorize(scaling, ctx, action, row ? &row->value : nullptr));
  if (!row) {
    return errors::object_not_found(fmt::format(
        "No scalable target found for service namespace: {}, resource ID: {}, scalable dimension: "
        "{}",
        name_space, resource_id, dimension));
  }
  return std::move(*row);
}

Result<ListQuery> read_list(std::string_view list, const std::string& name_space,
                            const std::optional<std::string>& resource_id,
                            const std::optional<std::string>& dimension,
                            const std::optional<std::int32_t>& max_results,
                            const std::optional<std::string>& next_token) {
  LF_OK(check_namespace(name_space));
  ListQuery out;
  if (dimension && !resource_id)
    return errors::validation(
        "If you specify a scalable dimension, you must also specify a resource ID.");
  if (dimension && *dimension != kDimension) return unsupported();
  if (resource_id) {
    LF_TRY(place, parse_place(name_space, *resource_id, std::string(kDimension)));
    out.place = place;
  }
  if (max_results) {
    if (*max_results < 1 || *max_results > kMostResults)
      return errors::validation(fmt::format("MaxResults must be between 1 and {}.", kMostResults));
    out.limit = static_cast<std::size_t>(*max_results);
  }
  auto after = store::read_page_token(list, next_token);
  if (!after) return errors::invalid_next_token("The specified token is not valid.");
  out.after = *after;
  return out;
}

Result<void> merge_tags(std::map<std::string, std::string>& into,
                        const wire::Map<std::string>& tags) {
  for (const auto& [key, value] : tags) {
    if (key.starts_with("aws:"))
      return errors::validation("Tag keys that start with aws: are reserved.");
    into[key] = value;
  }
  if (into.size() > kMostTags)
    return errors::too_many_tags(fmt::format("A scalable target has at most {} tags.", kMostTags));
  return {};
}

wire::List<Alarm> alarms_of(const ApplicationAutoscaling& scaling, const Scope& scope,
                            const std::string& resource, const PolicyRecord& policy) {
  wire::List<Alarm> out;
  out.present = true;
  const auto& cloudwatch = scaling.cloudwatch;
  for (const std::string& name :
       cloudwatch.alarms_with_action(scope, policy_arn(scope, resource, policy))) {
    if (const auto alarm = cloudwatch.alarm(scope, name))
      out.push_back({.alarm_name = alarm->name, .alarm_arn = alarm->arn});
  }
  return out;
}

}  // namespace landfall::application_autoscaling
