// Finding a repository for somebody: whose registry it is in, whether the caller may, whether it is
// there.
#pragma once

#include "services/ecr/records.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

struct FoundRepository {
  Scope scope;
  store::Row<RepositoryRecord> row;
  const RepositoryRecord& record() const { return row.value; }
  const std::string& name() const { return row.value.name; }
};

// RepositoryNotFoundException, in AWS's words.
std::unexpected<Error> repository_missing(const Scope& scope, std::string_view name);
// Nothing while it is being deleted.
std::optional<FoundRepository> find_repository(const Ecr& ecr, const Scope& scope,
                                               std::string_view name);

// For an API operation. The gateway has asked the caller's own policies; here the repository's
// policy is heard, which decides alone for callers of other accounts.
Result<FoundRepository> find_for(const Ecr& ecr, const RequestContext& ctx,
                                 const std::optional<std::string>& registry_id,
                                 const std::string& name, std::string_view action);

// What IAM is to be asked for `action` on the repository.
iam::Access access_to(const FoundRepository& repository, std::string_view action);

// The caller's registry, for operations on none in particular. Error InvalidParameterException for
// another account's.
Result<Scope> own_registry(const RequestContext& ctx,
                           const std::optional<std::string>& registry_id);

}  // namespace landfall::ecr
