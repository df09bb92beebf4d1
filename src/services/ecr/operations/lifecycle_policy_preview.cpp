// operations: StartLifecyclePolicyPreview, GetLifecyclePolicyPreview
//
// A preview takes no time here, so none is ever in progress: what starting one leaves behind is the
// policy's text, and getting it computes the answer from the images there are now.
#include "services/ecr/lifecycle/policy.h"
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

std::unexpected<Error> preview_missing(const FoundRepository& repository) {
  return errors::lifecycle_policy_preview_not_found(
      fmt::format("Lifecycle policy preview does not exist for the repository with name '{}' in "
                  "the registry with id '{}'",
                  repository.name(), repository.scope.account));
}

bool wanted(const ImageIdentifier& id, const lifecycle::Expiry& expiry) {
  return (!id.image_digest || *id.image_digest == expiry.image.record.digest) &&
         (!id.image_tag || expiry.image.tags.contains(*id.image_tag));
}

LifecyclePolicyPreviewResult view(const lifecycle::Expiry& expiry) {
  LifecyclePolicyPreviewResult out;
  out.image_tags.assign(expiry.image.tags.begin(), expiry.image.tags.end());
  out.image_digest = expiry.image.record.digest;
  out.image_pushed_at = expiry.image.record.pushed_at;
  out.action = LifecyclePolicyRuleAction{"EXPIRE", {}};
  out.applied_rule_priority = expiry.priority;
  return out;
}

}  // namespace

task<Result<StartLifecyclePolicyPreviewResponse>> start_lifecycle_policy_preview(
    Ecr& ecr, const RequestContext& ctx, StartLifecyclePolicyPreviewRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name,
                            "ecr:StartLifecyclePolicyPreview"));
  const std::string text = in.lifecycle_policy_text.value_or(found.record().lifecycle_policy);
  if (text.empty()) {
    co_return errors::lifecycle_policy_not_found(
        fmt::format("Lifecycle policy does not exist for the repository with name '{}' in the "
                    "registry with id '{}'",
                    found.name(), found.scope.account));
  }
  if (const auto rules = lifecycle::parse(text); !rules) {
    co_return errors::invalid_parameter(
        fmt::format("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
                    "'Lifecycle policy validation failure: {}'",
                    rules.error().message));
  }
  LF_CO_TRY(changed, co_await change_repository(ecr, found,
                                                [&text](RepositoryRecord& record) -> Result<bool> {
                                                  record.lifecycle_preview = text;
                                                  return true;
                                                }));
  co_return StartLifecyclePolicyPreviewResponse{changed.scope.account, changed.name(), text,
                                                "IN_PROGRESS"};
}

task<Result<GetLifecyclePolicyPreviewResponse>> get_lifecycle_policy_preview(
    Ecr& ecr, const RequestContext& ctx, GetLifecyclePolicyPreviewRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name,
                            "ecr:GetLifecyclePolicyPreview"));
  if (found.record().lifecycle_preview.empty()) co_return preview_missing(found);
  LF_CO_TRY(start, page_start(in.next_token));
  LF_CO_TRY(rules, lifecycle::parse(found.record().lifecycle_preview));
  const std::vector<lifecycle::Expiry> all =
      lifecycle::plan(rules, list_images(ecr, found), ctx.now);
  const std::string status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));

  GetLifecyclePolicyPreviewResponse out;
  out.registry_id = found.scope.account;
  out.repository_name = found.name();
  out.lifecycle_policy_text = found.record().lifecycle_preview;
  out.status = "COMPLETE";
  out.summary.emplace().expiring_image_total_count = static_cast<std::int32_t>(all.size());
  bool reached = start.empty();
  for (const lifecycle::Expiry& expiry : all) {
    if (!reached) {
      reached = expiry.image.record.digest == start;
      continue;
    }
    const bool untagged = expiry.image.tags.empty();
    if ((status == "TAGGED" && untagged) || (status == "UNTAGGED" && !untagged)) continue;
    if (!in.image_ids.empty() &&
        std::ranges::none_of(in.image_ids, [&](const auto& id) { return wanted(id, expiry); })) {
      continue;
    }
    if (out.preview_results.size() == limit) {
      out.next_token = page_token(*out.preview_results.back().image_digest);
      break;
    }
    out.preview_results.push_back(view(expiry));
  }
  co_return out;
}

}  // namespace landfall::ecr
