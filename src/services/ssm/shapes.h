// What the operations have in common.
#pragma once

#include "services/ssm/service.h"
#include "store/pagination.h"
#include "wire/ssm/errors.h"
#include "wire/ssm/operations.h"

namespace landfall::ssm {

// Error TooManyTagsError, ValidationException.
Result<void> add_tags(ParameterRecord& parameter, const wire::List<Tag>& tags);
// With the value decrypted when asked; otherwise a SecureString shows its ciphertext.
task<Result<Parameter>> to_parameter(Ssm& ssm, const RequestContext& ctx, std::string name,
                                     VersionRecord version, bool decrypt);
wire::List<ParameterInlinePolicy> to_policies(const VersionRecord& version);
Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token);
// ParameterFilters. Errors: InvalidFilterKey, InvalidFilterOption.
Result<bool> passes(const ParameterRecord& parameter,
                    const wire::List<ParameterStringFilter>& filters);

}  // namespace landfall::ssm
