#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

// An image whose last tag goes, goes too; asked for by digest, with all its tags.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
void add_removal(const TaggedImage& image, const std::set<std::string>& tags_going, bool by_digest,
                 bool listed, Removal& removal) {
  const bool all_tags = std::ranges::includes(tags_going, image.tags);
  if (by_digest || (all_tags && !listed)) {
    removal.digests.insert(image.record.digest);
  } else {
    removal.tags.insert(tags_going.begin(), tags_going.end());
  }
}

}  // namespace

task<Result<BatchDeleteImageResponse>> batch_delete_image(Ecr& ecr, const RequestContext& ctx,
                                                          BatchDeleteImageRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:BatchDeleteImage"));
  BatchDeleteImageResponse out;
  const std::vector<TaggedImage> all = list_images(ecr, found);
  std::map<std::string, std::set<std::string>> tags_going;
  std::map<std::string, ImageIdentifier> by_digest;
  for (const ImageIdentifier& id : in.image_ids) {
    const auto digest = resolve_image_id(ecr, found, id);
    if (!digest) {
      out.failures.push_back({id, digest.error().code, digest.error().reason});
    } else if (id.image_tag) {
      tags_going[*digest].insert(*id.image_tag);
    } else {
      by_digest[*digest] = id;
    }
  }
  std::set<std::string> going;
  for (const auto& [digest, id] : by_digest) going.insert(digest);
  Removal removal;
  for (const TaggedImage& image : all) {
    const std::string& digest = image.record.digest;
    const auto index = listed_by(all, going, digest);
    const auto whole = by_digest.find(digest);
    if (whole != by_digest.end() && index) {
      out.failures.push_back(
          {whole->second, "ImageReferencedByManifestList",
           fmt::format("Requested image referenced by manifest list: [{}]", *index)});
      continue;
    }
    if (whole == by_digest.end() && !tags_going.contains(digest)) continue;
    add_removal(image, tags_going[digest], whole != by_digest.end(), index.has_value(), removal);
    const std::set<std::string>& tags = whole != by_digest.end() ? image.tags : tags_going[digest];
    for (const std::string& tag : tags) out.image_ids.push_back({digest, tag});
    if (tags.empty()) out.image_ids.push_back({digest, {}});
  }
  LF_CO_OK(co_await remove_images(ecr, found, std::move(removal)));
  co_return out;
}

}  // namespace landfall::ecr
