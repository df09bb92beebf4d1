// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#include "services/elbv2/find.h"
#include "services/elbv2/health_check.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostTargetGroups = 3000;

Result<void> check_name(const std::string& name) {
  const auto bad = [&](std::string_view what) {
    return fail("ValidationError", fmt::format("Target group name '{}' {}", name, what));
  };
  if (name.empty()) return bad("must have at least one character");
  if (name.size() > 32) return bad("cannot be longer than '32' characters");
  if (!std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-'; }))
    return bad("can only contain characters that are alphanumeric characters and hyphens(-)");
  if (name.starts_with('-') || name.ends_with('-')) return bad("cannot begin or end with a hyphen");
  return {};
}

Result<void> read_protocol(const CreateTargetGroupRequest& in, TargetGroupRecord& group) {
  if (group.target_type != "ip" && group.target_type != "instance") {
    return errors::invalid_configuration_request(
        fmt::format("Landfall has no targets of type '{}'", group.target_type));
  }
  if (!in.protocol) return fail("ValidationError", "A protocol must be specified");
  if (!in.port) return fail("ValidationError", "A port must be specified");
  if (!in.vpc_id) return fail("ValidationError", "A VPC ID must be specified");
  group.protocol = *in.protocol;
  group.port = *in.port;
  group.vpc_id = *in.vpc_id;
  if (group.port < 1 || group.port > 65535)
    return fail("ValidationError", "The port of a target group must be between 1 and 65535");
  if (!group.application() && group.protocol != "TCP" && group.protocol != "TLS") {
    return errors::unsupported_protocol(
        fmt::format("Landfall has no target groups of protocol '{}'", group.protocol));
  }
  // Terraform's provider sends an empty one for "not given".
  const std::string version = in.protocol_version.value_or("");
  if (!version.empty() && !group.application()) {
    return fail(
        "ValidationError",
        fmt::format("ProtocolVersion cannot be specified with protocol {}", group.protocol));
  }
  if (group.application()) group.protocol_version = version.empty() ? "HTTP1" : version;
  if (group.application() && group.protocol_version != "HTTP1" &&
      group.protocol_version != "HTTP2" && group.protocol_version != "GRPC") {
    return fail("ValidationError", fmt::format("Protocol version '{}' must be one of 'GRPC, HTTP1, "
                                               "HTTP2'",
                                               group.protocol_version));
  }
  if (in.ip_address_type.value_or("ipv4") != "ipv4")
    return errors::invalid_configuration_request("Landfall's target groups have IPv4 only");
  if (in.target_control_port)
    return fail("ValidationError", "Landfall's target groups have no target control port");
  return {};
}

bool same_settings(const TargetGroupRecord& a, const TargetGroupRecord& b) {
  return a.target_type == b.target_type && a.protocol == b.protocol &&
         a.protocol_version == b.protocol_version && a.port == b.port && a.vpc_id == b.vpc_id &&
         a.tags == b.tags && record::encode(a.health_check) == record::encode(b.health_check);
}

}  // namespace

task<Result<CreateTargetGroupResponse>> create_target_group(Elbv2& elbv2, const RequestContext& ctx,
                                                            CreateTargetGroupRequest in) {
  LF_CO_OK(check_name(in.name));
  TargetGroupRecord group;
  group.name = in.name;
  group.id = elbv2.new_id();
  group.account = ctx.scope.account;
  group.region = ctx.scope.region;
  group.target_type = in.target_type.value_or("instance");
  LF_CO_OK(read_protocol(in, group));
  if (!elbv2.ec2.find_vpc(ctx.scope, group.vpc_id)) {
    co_return fail("ValidationError", fmt::format("The VPC ID '{}' is not found", group.vpc_id));
  }
  group.health_check = default_health_check(group);
  LF_CO_OK(change_health_check(group, health_check_change(in)));
  LF_CO_TRY(tags, read_tags(in.tags));
  group.tags = std::move(tags);

  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  CreateTargetGroupResponse out;
  if (const auto found = tables.target_groups.get(in.name)) {
    if (!same_settings(found->value, group)) {
      co_return errors::duplicate_target_group_name(fmt::format(
          "A target group with the same name '{}' exists, but with different settings", in.name));
    }
    out.target_groups.push_back(to_shape(tables, found->value));
    co_return out;
  }
  if (tables.target_groups.list().size() >= kMostTargetGroups) {
    co_return errors::too_many_target_groups(
        fmt::format("The limit of {} target groups in a region is reached", kMostTargetGroups));
  }
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.target_groups.put(group.name, group)}}));
  out.target_groups.push_back(to_shape(tables, group));
  co_return out;
}

}  // namespace landfall::elbv2
