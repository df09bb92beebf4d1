// PostgreSQL's password verifiers (RFC 5803 form): what the server stores instead of a password.
#pragma once

#include "base/random.h"

namespace landfall::host {

// "SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>", accepted by CREATE ROLE ... PASSWORD as it
// is. `password` must be printable ASCII, for which SASLprep changes nothing.
std::string scram_verifier(std::string_view password, Random& random);
// Does `password` match a verifier made by scram_verifier?
bool scram_matches(std::string_view password, std::string_view verifier);

}  // namespace landfall::host
