#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<DescribeImagesResponse>> describe_images(Ecr& ecr, const RequestContext& ctx,
                                                     DescribeImagesRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:DescribeImages"));
  DescribeImagesResponse out;
  if (!in.image_ids.empty()) {
    if (in.max_results || in.next_token) {
      co_return errors::invalid_parameter(
          "Invalid parameter: 'imageIds' cannot be used together with 'maxResults' or 'nextToken'");
    }
    std::set<std::string> seen;
    for (const ImageIdentifier& id : in.image_ids) {
      const auto digest = resolve_image_id(ecr, found, id);
      if (!digest && digest.error().code == "ImageNotFound") co_return image_missing(found, id);
      if (!digest) co_return errors::invalid_parameter(digest.error().reason);
      if (!seen.insert(*digest).second) continue;
      out.image_details.push_back(image_detail(
          found, {find_image(ecr, found, *digest)->value, tags_of(ecr, found, *digest)}));
    }
    co_return out;
  }
  LF_CO_TRY(start, page_start(in.next_token));
  const std::string status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  const bool none_archived =
      in.filter && in.filter->image_status && *in.filter->image_status == "ARCHIVED";
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));
  for (const TaggedImage& image : list_images(ecr, found)) {
    if (none_archived) break;
    if (image.record.digest <= start) continue;
    if ((status == "TAGGED" && image.tags.empty()) || (status == "UNTAGGED" && !image.tags.empty()))
      continue;
    if (out.image_details.size() == limit) {
      out.next_token = page_token(*out.image_details.back().image_digest);
      break;
    }
    out.image_details.push_back(image_detail(found, image));
  }
  co_return out;
}

}  // namespace landfall::ecr
