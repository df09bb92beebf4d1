// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html
#include "services/elbv2/find.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<DescribeRulesResponse>> describe_rules(Elbv2& elbv2, const RequestContext& ctx,
                                                   DescribeRulesRequest in) {
  if (in.listener_arn.has_value() == !in.rule_arns.empty()) {
    co_return fail("ValidationError", "You must specify either listener ARN or rule ARNs");
  }
  const Tables tables = elbv2.tables(ctx.scope);
  std::vector<Rule> found;
  if (in.listener_arn) {
    LF_CO_TRY(listener, find_listener(tables, ctx.scope, *in.listener_arn));
    for (const auto& row : rules_of(tables, listener.value))
      found.push_back(to_shape(listener.value, row.value));
    found.push_back(default_rule(listener.value));
  }
  for (const std::string& arn : in.rule_arns) {
    const auto rule = find_rule(tables, ctx.scope, arn);
    if (!rule && rule.error().code == "RuleNotFound")
      co_return errors::rule_not_found("One or more rules not found");
    if (!rule) co_return std::unexpected(rule.error());
    found.push_back(rule->rule ? to_shape(rule->listener.value, rule->rule->value)
                               : default_rule(rule->listener.value));
  }
  DescribeRulesResponse out;
  // In the order in which they are tried.
  LF_CO_TRY(next, page(found, "rules", in.marker, in.page_size, [](const Rule& rule) {
              const std::string priority = *rule.is_default ? "99999" : rule.priority.value_or("");
              return fmt::format("{:0>5} {}", priority, rule.rule_arn.value_or(""));
            }));
  out.next_marker = next;
  for (Rule& rule : found) out.rules.push_back(std::move(rule));
  co_return out;
}

}  // namespace landfall::elbv2
