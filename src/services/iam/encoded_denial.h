// The details of a refusal, sealed: the one who was refused may not see them unless it may call
// sts:DecodeAuthorizationMessage. Nothing is kept.
#pragma once

#include "services/iam/policy/evaluate.h"
#include "services/iam/service.h"

namespace landfall::iam {

// The field of authorize()'s error, for EC2's actions, that holds the text.
inline constexpr const char* kEncodedDenial = "encodedDenial";

std::string encode_denial(const Iam& iam, const policy::PolicySet& policies,
                          const policy::Question& question, const policy::Verdict& verdict);
// The details as JSON; nothing when the text is none of this account's.
std::optional<std::string> decode_denial(const Iam& iam, const std::string& account,
                                         const std::string& encoded);

}  // namespace landfall::iam
