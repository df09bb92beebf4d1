// What an instance takes of the machine that no other may have: its pool of public addresses and
// the addresses it publishes listeners at. Written down where every instance looks, so that a
// second server is told at its start and not when its first packet goes astray.
//
// One file per instance, /run/landfall-claims/<tag>. A claim holds while its server runs or its
// networks are there (they go on without it); what is left of an instance that is gone counts for
// nothing and is removed by the next that looks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/ipv4.h"
#include "base/record.h"
#include "host/instance.h"
#include "io/files.h"

namespace landfall::host {

struct Claim {
  std::string data_dir;
  std::string pool;                    // "198.18.0.0/16"
  std::vector<std::string> published;  // "0.0.0.0:443"
};
LF_RECORD(Claim, data_dir, pool, published)

inline constexpr std::string_view kClaimsFolder = "/run/landfall-claims";

struct ClaimPlaces {
  std::filesystem::path folder = kClaimsFolder;
  std::filesystem::path namespaces = "/run/netns";  // where a living network shows
};

// Replaces what this instance claimed before, and holds it for as long as the answer lives. Errors:
// "pool-in-use", "address-in-use", with the other instance's data folder in the message.
Result<io::Fd> claim(const Instance& instance, const Cidr& pool,
                     const std::vector<std::string>& published, const ClaimPlaces& places = {});
// The pools of the instances that live, this one's included.
std::vector<Cidr> claimed_pools(const ClaimPlaces& places = {});
// For `landfall down`. Absent is success.
Result<void> release_claim(const Instance& instance, const ClaimPlaces& places = {});

}  // namespace landfall::host
