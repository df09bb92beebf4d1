// operations: DescribeAccountLimits, DescribeSSLPolicies
#include "services/elbv2/find.h"
#include "services/elbv2/ssl_policies.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Limit.html
constexpr std::pair<std::string_view, std::string_view> kLimits[] = {
    {"application-load-balancers", "50"},
    {"certificates-per-application-load-balancer", "25"},
    {"condition-values-per-alb-rule", "5"},
    {"condition-wildcards-per-alb-rule", "5"},
    {"listeners-per-application-load-balancer", "50"},
    {"listeners-per-network-load-balancer", "50"},
    {"network-load-balancers", "50"},
    {"rules-per-application-load-balancer", "100"},
    {"target-groups", "3000"},
    {"target-groups-per-action-on-application-load-balancer", "5"},
    {"targets-per-application-load-balancer", "1000"},
    {"targets-per-target-group", "1000"},
};

}  // namespace

task<Result<DescribeAccountLimitsResponse>> describe_account_limits(
    Elbv2&, const RequestContext&, DescribeAccountLimitsRequest in) {
  std::vector<Limit> found;
  for (const auto& [name, most] : kLimits) {
    Limit& limit = found.emplace_back();
    limit.name = std::string(name);
    limit.max = std::string(most);
  }
  DescribeAccountLimitsResponse out;
  LF_CO_TRY(next, page(found, "limits", in.marker, in.page_size,
                       [](const Limit& limit) { return limit.name.value_or(""); }));
  out.next_marker = next;
  for (Limit& limit : found) out.limits.push_back(std::move(limit));
  co_return out;
}

task<Result<DescribeSSLPoliciesResponse>> describe_ssl_policies(Elbv2&, const RequestContext&,
                                                                DescribeSSLPoliciesRequest in) {
  for (const std::string& name : in.names) {
    if (!find_policy(name)) {
      co_return errors::ssl_policy_not_found(fmt::format("One or more SSL policies not found"));
    }
  }
  std::vector<SslPolicy> found;
  for (const SecurityPolicy& policy : security_policies()) {
    if (!in.names.empty() && std::ranges::find(in.names, policy.name) == in.names.end()) continue;
    SslPolicy& shape = found.emplace_back();
    shape.name = std::string(policy.name);
    if (policy.minimum_version <= 10) shape.ssl_protocols.push_back("TLSv1");
    for (const auto& [version, name] : {std::pair(11, "TLSv1.1"), {12, "TLSv1.2"}, {13, "TLSv1.3"}})
      if (policy.minimum_version <= version && version <= policy.maximum_version)
        shape.ssl_protocols.push_back(name);
    int priority = 0;
    for (const std::string_view cipher : policy.ciphers) {
      Cipher& item = shape.ciphers.emplace_back();
      item.name = std::string(cipher);
      item.priority = ++priority;
    }
    shape.supported_load_balancer_types = {"application", "network"};
  }
  DescribeSSLPoliciesResponse out;
  LF_CO_TRY(next, page(found, "ssl-policies", in.marker, in.page_size,
                       [](const SslPolicy& policy) { return policy.name.value_or(""); }));
  out.next_marker = next;
  for (SslPolicy& policy : found) out.ssl_policies.push_back(std::move(policy));
  co_return out;
}

}  // namespace landfall::elbv2
