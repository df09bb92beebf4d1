#include "services/ecs/registry_images.h"

namespace landfall::ecs {

// https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html
Result<ResolvedImage> RegistryImages::resolve_own(const Scope& scope, const std::string& reference,
                                                  const std::string& role) const {
  if (role.empty()) {
    return fail("access-denied",
                fmt::format("the task definition has no execution role to pull {} with", reference),
                400);
  }
  LF_TRY(accesses, ecr::pull_accesses(ecr_, scope, reference));
  for (const iam::Access& access : accesses) {
    if (auto may = iam_.authorize_role(role, "ecs-pull", access); !may)
      return fail("access-denied", may.error().message, 400);
  }
  LF_TRY(resolved, ecr::resolve_image(ecr_, scope, reference));
  return ResolvedImage{resolved.digest.str()};
}

task<Result<ResolvedImage>> RegistryImages::resolve(Scope scope, std::string reference,
                                                    std::string role) {
  if (ecr::is_own_registry(ecr_, reference.substr(0, reference.find('/'))))
    co_return resolve_own(scope, reference, role);
  LF_CO_TRY(digest, co_await outside_.resolve(reference));
  co_return ResolvedImage{std::move(digest)};
}

}  // namespace landfall::ecs
