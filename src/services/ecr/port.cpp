#include "services/ecr/port.h"

#include "services/ecr/images.h"
#include "services/ecr/names.h"

namespace landfall::ecr {
namespace {

struct Found {
  ImageReference reference;
  FoundRepository repository;
};

Result<Found> find(const Ecr& ecr, const Scope& scope, std::string_view text) {
  LF_TRY(reference, parse_reference(text));
  if (!is_own_registry(ecr, reference.registry)) {
    return fail("registry-unknown",
                fmt::format("{} is not a registry of Landfall", reference.registry), 404);
  }
  const Scope where = parse_registry_host(reference.registry).value_or(scope);
  auto repository = find_repository(ecr, where, reference.repository);
  if (!repository) {
    return fail("repository-not-found",
                repository_missing(where, reference.repository).error().message, 404);
  }
  return Found{std::move(reference), std::move(*repository)};
}

}  // namespace

bool is_own_registry(const Ecr& ecr, std::string_view registry) {
  if (parse_registry_host(registry)) return true;
  return registry == fmt::format("127.0.0.1:{}", ecr.settings.port) ||
         registry == fmt::format("localhost:{}", ecr.settings.port);
}

Result<ResolvedImage> resolve_image(const Ecr& ecr, const Scope& scope, std::string_view text) {
  LF_TRY(found, find(ecr, scope, text));
  const FoundRepository& repository = found.repository;
  const std::string digest = found.reference.digest
                                 ? found.reference.digest->str()
                                 : digest_of_tag(ecr, repository, found.reference.tag).value_or("");
  if (digest.empty() || !find_image(ecr, repository, digest)) {
    return fail("image-not-found",
                fmt::format("{} is not in the repository '{}' of the registry with id '{}'",
                            found.reference.digest ? digest : "tag " + found.reference.tag,
                            repository.name(), repository.scope.account),
                404);
  }
  LF_TRY(parsed, host::Digest::parse(digest));
  return ResolvedImage{parsed, repository_arn(repository.scope, repository.name())};
}

Result<std::vector<iam::Access>> pull_accesses(const Ecr& ecr, const Scope& scope,
                                               std::string_view text) {
  LF_TRY(found, find(ecr, scope, text));
  std::vector<iam::Access> out;
  out.emplace_back().action = "ecr:GetAuthorizationToken";
  out.push_back(access_to(found.repository, "ecr:BatchGetImage"));
  out.push_back(access_to(found.repository, "ecr:GetDownloadUrlForLayer"));
  return out;
}

}  // namespace landfall::ecr
