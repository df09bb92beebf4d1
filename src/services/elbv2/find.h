// Look-ups by ARN with AWS's errors, tags and pages: what the operations share.
#pragma once

#include "services/elbv2/service.h"
#include "store/pagination.h"

namespace landfall::elbv2 {

using LoadBalancerRow = store::Row<LoadBalancerRecord>;
using ListenerRow = store::Row<ListenerRecord>;
using RuleRow = store::Row<RuleRecord>;
using TargetGroupRow = store::Row<TargetGroupRecord>;
using TrustStoreRow = store::Row<TrustStoreRecord>;

// Errors: ValidationError (not an ARN of that kind), LoadBalancerNotFound and so on.
Result<LoadBalancerRow> find_load_balancer(const Tables& tables, const Scope& scope,
                                           const std::string& arn);
Result<ListenerRow> find_listener(const Tables& tables, const Scope& scope, const std::string& arn);
Result<TargetGroupRow> find_target_group(const Tables& tables, const Scope& scope,
                                         const std::string& arn);
Result<TrustStoreRow> find_trust_store(const Tables& tables, const Scope& scope,
                                       const std::string& arn);
// A rule and its listener; a default rule has no record of its own (`rule` is empty).
struct FoundRule {
  ListenerRow listener;
  std::optional<RuleRow> rule;
};
Result<FoundRule> find_rule(const Tables& tables, const Scope& scope, const std::string& arn);

std::vector<ListenerRow> listeners_of(const Tables& tables, const LoadBalancerRecord& balancer);
// By priority.
std::vector<RuleRow> rules_of(const Tables& tables, const ListenerRecord& listener);
std::vector<store::Row<TargetRecord>> targets_of(const Tables& tables,
                                                 const TargetGroupRecord& group);

// Errors: DuplicateTagKeys, TooManyTags, ValidationError.
Result<Tags> read_tags(const wire::List<Tag>& tags);
wire::List<Tag> tag_shapes(const Tags& tags);

// Cuts to PageSize and sets the marker. Errors: ValidationError.
template <class T, class IdOf>
Result<std::optional<std::string>> page(std::vector<T>& items, std::string_view list,
                                        const std::optional<std::string>& marker,
                                        std::optional<std::int32_t> page_size, IdOf id_of) {
  const auto last = store::read_page_token(list, marker);
  if (!last) return fail("ValidationError", "The marker is not valid");
  std::ranges::sort(items, {}, id_of);
  std::erase_if(items, [&](const T& item) { return !last->empty() && id_of(item) <= *last; });
  return store::cut_page(items, std::size_t(page_size.value_or(400)), id_of, list);
}

}  // namespace landfall::elbv2
