#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<ListImagesResponse>> list_images(Ecr& ecr, const RequestContext& ctx,
                                             ListImagesRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:ListImages"));
  LF_CO_TRY(start, page_start(in.next_token));
  const std::string status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  const bool none_archived =
      in.filter && in.filter->image_status && *in.filter->image_status == "ARCHIVED";
  // One entry a tag, and one for an image without any; in the order of "digest tag".
  std::map<std::string, ImageIdentifier> all;
  for (const TaggedImage& image : list_images(ecr, found)) {
    if (none_archived) break;
    if (status != "UNTAGGED") {
      for (const std::string& tag : image.tags) {
        all[image.record.digest + " " + tag] = {image.record.digest, tag};
      }
    }
    if (status != "TAGGED" && image.tags.empty())
      all[image.record.digest] = {image.record.digest, {}};
  }
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));
  ListImagesResponse out;
  std::string last;
  for (auto it = all.upper_bound(start); it != all.end(); ++it) {
    if (out.image_ids.size() == limit) {
      out.next_token = page_token(last);
      break;
    }
    last = it->first;
    out.image_ids.push_back(std::move(it->second));
  }
  co_return out;
}

}  // namespace landfall::ecr
