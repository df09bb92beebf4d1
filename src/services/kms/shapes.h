// What the operations have in common.
#pragma once

#include "services/kms/service.h"
#include "store/pagination.h"
#include "wire/kms/errors.h"
#include "wire/kms/operations.h"

namespace landfall::kms {

KeyMetadata to_metadata(const Scope& scope, const KeyRecord& key);
Result<std::string> read_marker(std::string_view list, const std::optional<std::string>& marker);
// Errors: TagException.
Result<void> add_tags(KeyRecord& key, const wire::List<Tag>& tags);
Context to_context(const wire::Map<std::string>& context);

// Changes a customer's key that is not pending deletion, when the caller may.
task<Result<KeyRow>> change(Kms& kms, const RequestContext& ctx, std::string key_id,
                            std::string action, std::function<Result<bool>(KeyRecord&)> edit);

}  // namespace landfall::kms
