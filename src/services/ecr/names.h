// Names as registries write them: repositories, tags, hosts, image references.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "host/images/digest.h"

namespace landfall::ecr {

// Lower case letters, digits, single separators; slashes between parts; 2 to 256 characters.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
bool is_repository_name(std::string_view name);
bool is_tag(std::string_view tag);

// "123456789012.dkr.ecr.us-west-1.landfall.test" with or without port; `amazonaws.com` is taken
// too.
std::optional<Scope> parse_registry_host(std::string_view host);
std::string registry_host(const Scope& scope, std::string_view domain);

// "REGISTRY/REPOSITORY[:TAG][@DIGEST]"
struct ImageReference {
  std::string registry;  // with port
  std::string repository;
  std::string tag;  // empty when there is only a digest; "latest" when there is neither
  std::optional<host::Digest> digest;
};
// Error "reference-invalid".
Result<ImageReference> parse_reference(std::string_view text);

}  // namespace landfall::ecr
