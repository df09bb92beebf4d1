// operations: CreateTags, DeleteTags, DescribeTags
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<CreateTagsResponse>> create_tags(Ec2& ec2, const RequestContext& ctx,
                                             CreateTagsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  for (const std::string& id : in.resources) {
    // One resource a transaction: two rules of one group share a record.
    store::Transaction transaction;
    LF_CO_OK(
        change_tags(tables, id, [&](Tags& tags) { return add_tags(tags, in.tags); }, transaction));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_return CreateTagsResponse{};
}

// A tag named with a value goes only if it has that value; without tags named, all go.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
task<Result<DeleteTagsResponse>> delete_tags(Ec2& ec2, const RequestContext& ctx,
                                             DeleteTagsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  for (const std::string& id : in.resources) {
    store::Transaction transaction;
    const auto remove = [&](Tags& tags) -> Result<void> {
      if (in.tags.empty()) tags.clear();
      for (const Tag& tag : in.tags) {
        const auto found = tags.find(tag.key.value_or(""));
        if (found != tags.end() && (!tag.value || *tag.value == found->second)) tags.erase(found);
      }
      return {};
    };
    LF_CO_OK(change_tags(tables, id, remove, transaction));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_return DeleteTagsResponse{};
}

task<Result<DescribeTagsResponse>> describe_tags(Ec2& ec2, const RequestContext& ctx,
                                                 DescribeTagsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto facts = [](const TaggedResource& resource, const std::string& key,
                        const std::string& value) {
    return Facts{{"key", {key}},
                 {"value", {value}},
                 {"resource-id", {resource.id}},
                 {"resource-type", {resource.resource_type}}};
  };
  LF_CO_OK(check_filters(in.filters, facts({}, "", "")));
  auto after = store::read_page_token("tags", in.next_token);
  if (!after) co_return fail("InvalidNextToken", "The token is not valid.");
  const auto place = [](const TagDescription& tag) {
    return fmt::format("{}/{}", *tag.resource_id, *tag.key);
  };
  std::vector<TagDescription> found;
  for (const TaggedResource& resource : tagged_resources(tables)) {
    for (const auto& [key, value] : resource.tags) {
      if (!passes(in.filters, facts(resource, key, value), {{key, value}})) continue;
      TagDescription tag;
      tag.resource_id = resource.id;
      tag.resource_type = resource.resource_type;
      tag.key = key;
      tag.value = value;
      if (after->empty() || place(tag) > *after) found.push_back(std::move(tag));
    }
  }
  std::ranges::sort(found, {}, place);
  DescribeTagsResponse out;
  out.next_token =
      store::cut_page(found, static_cast<std::size_t>(in.max_results.value_or(0)), place, "tags");
  for (TagDescription& tag : found) out.tags.push_back(std::move(tag));
  co_return out;
}

}  // namespace landfall::ec2
