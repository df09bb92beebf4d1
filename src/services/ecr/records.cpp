#include "services/ecr/records.h"

#include "base/bytes.h"

namespace landfall::ecr {
namespace {

constexpr std::string_view kReferences = "/ecr/-/-/blobs/";

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("/ecr/{}/{}/{}/", scope.account, scope.region, table);
}

}  // namespace

std::string repository_id(std::string_view name) { return percent_encode(name); }

store::Table<RepositoryRecord> repositories(store::Store& store, const Scope& scope) {
  return {store, prefix(scope, "repositories")};
}

store::Table<ImageRecord> images(store::Store& store, const Scope& scope,
                                 std::string_view repository) {
  return {store, prefix(scope, "images") + repository_id(repository) + "/"};
}

store::Table<TagRecord> tags(store::Store& store, const Scope& scope, std::string_view repository) {
  return {store, prefix(scope, "tags") + repository_id(repository) + "/"};
}

store::Table<BlobReference> blob_references(store::Store& store) {
  return {store, std::string(kReferences)};
}

std::string reference_id(const host::Digest& digest, const Scope& scope,
                         std::string_view repository) {
  return fmt::format("{}/{}/{}/{}", digest.hex(), scope.account, scope.region,
                     repository_id(repository));
}

ReferenceOwner reference_owner(std::string_view id) {
  std::array<std::string_view, 4> parts;
  for (std::string_view& part : parts) {
    const std::size_t end = std::min(id.find('/'), id.size());
    part = id.substr(0, end);
    id.remove_prefix(std::min(end + 1, id.size()));
  }
  return {{std::string(parts[1]), std::string(parts[2])}, percent_decode(parts[3]).value_or("")};
}

std::optional<ReferenceOwner> repository_key(std::string_view key) {
  // "/ecr/<account>/<region>/repositories/<id>"
  std::vector<std::string_view> parts;
  while (!key.empty()) {
    key.remove_prefix(1);
    const std::size_t end = std::min(key.find('/'), key.size());
    parts.push_back(key.substr(0, end));
    key.remove_prefix(end);
  }
  if (parts.size() != 5 || parts[0] != "ecr" || parts[3] != "repositories") return {};
  return ReferenceOwner{{std::string(parts[1]), std::string(parts[2])},
                        percent_decode(parts[4]).value_or("")};
}

bool is_referenced(store::Store& store, const host::Digest& digest) {
  return !store
              .range(fmt::format("{}{}/", kReferences, digest.hex()),
                     {.start_after = "", .limit = 1})
              .empty();
}

std::string repository_arn(const Scope& scope, std::string_view name) {
  return Arn{"aws", "ecr", scope.region, scope.account, fmt::format("repository/{}", name)}.str();
}

}  // namespace landfall::ecr
