#include "host/claims/claims.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <map>

namespace landfall::host {
namespace {

namespace fs = std::filesystem;

// Held for as long as files are read and written, so that two servers that start at once see each
// other.
Result<io::Fd> take_turns(const ClaimPlaces& places) {
  LF_OK(io::make_directories(places.folder, 0755));
  const fs::path path = places.folder / ".lock";
  io::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno("open " + path.string(), errno);
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("lock " + path.string(), errno);
  }
  return file;
}

// Its server holds a lock on the file; without a server, the networks that it left running count.
bool lives(const std::string& tag, const Claim& claim, const ClaimPlaces& places) {
  std::error_code ignored;
  if (fs::exists(places.namespaces / Instance{claim.data_dir, tag}.namespace_name("edge"), ignored))
    return true;
  const auto taken = io::lock_file(places.folder / tag);
  return !taken && taken.error().code == "locked";
}

// By tag. Forgets what nobody holds any more; the caller has the turn.
std::map<std::string, Claim> read_claims(const ClaimPlaces& places) {
  std::map<std::string, Claim> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(places.folder, error)) {
    const std::string tag = entry.path().filename();
    if (tag.starts_with('.')) continue;
    const auto text = io::read_file(entry.path(), 64 << 10);
    auto claim = text ? record::from_text<Claim>(*text) : fail("unreadable", "");
    if (claim && lives(tag, *claim, places)) {
      out[tag] = std::move(*claim);
    } else {
      ::unlink(entry.path().c_str());
    }
  }
  return out;
}

struct Place {
  std::string address, port;
};
Place place_of(const std::string& text) {
  const auto colon = text.rfind(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// A port of every address is a port of each.
bool same_place(const std::string& a, const std::string& b) {
  const Place one = place_of(a), two = place_of(b);
  const auto any = [](const std::string& address) {
    return address == "0.0.0.0" || address == "[::]";
  };
  return one.port == two.port &&
         (one.address == two.address || any(one.address) || any(two.address));
}

}  // namespace

Result<io::Fd> claim(const Instance& instance, const Cidr& pool,
                     const std::vector<std::string>& published, const ClaimPlaces& places) {
  const auto turn = take_turns(places);
  if (!turn) return std::unexpected(turn.error());
  for (const auto& [tag, other] : read_claims(places)) {
    if (tag == instance.tag) continue;
    const auto taken = Cidr::parse(other.pool);
    if (taken && taken->overlaps(pool)) {
      return fail("pool-in-use",
                  fmt::format("the public addresses {} overlap {}, which belong to the server of "
                              "{}; choose others with --public-pool",
                              pool.str(), other.pool, other.data_dir));
    }
    for (const std::string& wanted : published) {
      const auto clash = std::ranges::find_if(
          other.published, [&](const std::string& held) { return same_place(held, wanted); });
      if (clash == other.published.end()) continue;
      return fail("address-in-use", fmt::format("{} (--publish) is published by the server of {}",
                                                wanted, other.data_dir));
    }
  }
  LF_OK(io::write_file(places.folder / instance.tag,
                       record::to_text(Claim{instance.data_dir, pool.str(), published})));
  return io::lock_file(places.folder / instance.tag);
}

std::vector<Cidr> claimed_pools(const ClaimPlaces& places) {
  std::vector<Cidr> out;
  const auto turn = take_turns(places);
  if (!turn) return out;
  for (const auto& [tag, claim] : read_claims(places)) {
    if (const auto pool = Cidr::parse(claim.pool)) out.push_back(*pool);
  }
  return out;
}

Result<void> release_claim(const Instance& instance, const ClaimPlaces& places) {
  const fs::path path = places.folder / instance.tag;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno("remove " + path.string(), errno);
  return {};
}

}  // namespace landfall::host
