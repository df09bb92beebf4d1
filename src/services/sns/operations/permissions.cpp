// operations: AddPermission, RemovePermission
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

Result<json::object> policy_object(const TopicName& topic, const TopicRecord& record) {
  boost::system::error_code error;
  json::value parsed = json::parse(policy_of(topic, record), error);
  if (error || !parsed.is_object() || !parsed.get_object()["Statement"].is_array())
    return errors::invalid_parameter("Invalid parameter: the topic's policy has no statements");
  return std::move(parsed.get_object());
}

bool labelled(const json::value& statement, const std::string& label) {
  const auto* object = statement.if_object();
  const json::value* sid = object ? object->if_contains("Sid") : nullptr;
  return sid && sid->is_string() && sid->get_string() == label;
}

}  // namespace

task<Result<AddPermissionResponse>> add_permission(Sns& sns, const RequestContext& ctx,
                                                   AddPermissionRequest in) {
  LF_CO_OK(sns.open(ctx, "AddPermission", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  if (in.aws_account_id.empty() || in.action_name.empty()) {
    co_return errors::invalid_parameter(
        "Invalid parameter: AWSAccountId and ActionName must not be empty");
  }
  const auto change = [&](TopicRecord& record) -> Result<bool> {
    LF_TRY(policy, policy_object(topic, record));
    json::array& statements = policy["Statement"].get_array();
    for (const json::value& statement : statements) {
      if (labelled(statement, in.label))
        return errors::invalid_parameter("Invalid parameter: Statement already exists");
    }
    json::array principals;
    for (const std::string& account : in.aws_account_id)
      principals.push_back(json::value(fmt::format("arn:aws:iam::{}:root", account)));
    json::array actions;
    for (const std::string& action : in.action_name)
      actions.push_back(json::value("SNS:" + action));
    statements.push_back(json::object{{"Sid", in.label},
                                      {"Effect", "Allow"},
                                      {"Principal", json::object{{"AWS", std::move(principals)}}},
                                      {"Action", std::move(actions)},
                                      {"Resource", topic.arn()}});
    LF_OK(set_topic_attribute(record, "Policy", json::serialize(policy)));
    return true;
  };
  LF_CO_OK(co_await sns.topics(topic.scope).update(topic.name, change));
  co_return AddPermissionResponse{};
}

task<Result<RemovePermissionResponse>> remove_permission(Sns& sns, const RequestContext& ctx,
                                                         RemovePermissionRequest in) {
  LF_CO_OK(sns.open(ctx, "RemovePermission", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  const auto change = [&](TopicRecord& record) -> Result<bool> {
    LF_TRY(policy, policy_object(topic, record));
    json::array kept;
    for (json::value& statement : policy["Statement"].get_array()) {
      if (!labelled(statement, in.label)) kept.push_back(std::move(statement));
    }
    policy["Statement"] = std::move(kept);
    LF_OK(set_topic_attribute(record, "Policy", json::serialize(policy)));
    return true;
  };
  LF_CO_OK(co_await sns.topics(topic.scope).update(topic.name, change));
  co_return RemovePermissionResponse{};
}

}  // namespace landfall::sns
