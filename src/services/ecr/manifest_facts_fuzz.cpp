// Any bytes may be pushed as a manifest, under any type; and any text may be an image reference.
#include "base/check.h"
#include "host/images/manifest.h"
#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view type = bytes.substr(0, bytes.find('\n'));
  const std::string_view body =
      type.size() < bytes.size() ? bytes.substr(type.size() + 1) : std::string_view();
  if (const auto facts = ecr::read_manifest(body, type)) {
    CHECK(!facts->media_type.empty());
    // The same again, by its own name.
    CHECK(ecr::read_manifest(body, facts->media_type));
  }
  (void)host::parse_manifest(body);
  (void)host::parse_image_config(body);
  if (const auto reference = ecr::parse_reference(type)) {
    CHECK(ecr::is_repository_name(reference->repository));
    CHECK(reference->tag.empty() ? reference->digest.has_value() : ecr::is_tag(reference->tag));
  }
  return 0;
}
