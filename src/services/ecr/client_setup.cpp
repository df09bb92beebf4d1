#include "services/ecr/client_setup.h"

#include <unistd.h>

#include "base/log.h"
#include "host/hosts_file/hosts_file.h"
#include "io/files.h"

namespace landfall::ecr {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kFile = "ca.crt";

// "host:port" lines.
std::set<std::string> recorded(const fs::path& record_file) {
  std::set<std::string> out;
  const auto text = io::read_file(record_file);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) out.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

bool needs_a_name(std::string_view host) { return host != "localhost" && !Ipv4::parse(host); }

Result<void> install_trust(const fs::path& folder, std::string_view authority) {
  const auto there = io::read_file(folder / kFile);
  if (there && *there == authority) return {};
  LF_OK(io::make_directories(folder));
  return io::write_file(folder / kFile, authority);
}

}  // namespace

ClientPlaces client_places(const host::Instance& instance) {
  ClientPlaces places;
  places.record_file = instance.data_dir / "registry-hosts";
  places.hosts_tag = instance.tag + "-registry";
  return places;
}

Result<void> introduce_host(const ClientPlaces& places, const fs::path& ca_file,
                            const std::string& host, Ipv4 address, std::uint16_t port) {
  LF_TRY(authority, io::read_file(ca_file));
  std::set<std::string> all = recorded(places.record_file);
  // Written down first: what a crash leaves behind is known.
  if (all.insert(fmt::format("{}:{}", host, port)).second) {
    LF_OK(io::write_file(places.record_file, fmt::format("{}\n", fmt::join(all, "\n"))));
  }
  for (const fs::path& root : places.trust_roots) {
    LF_OK(install_trust(root / fmt::format("{}:{}", host, port), authority));
  }
  host::HostNames names;
  for (const std::string& entry : all) {
    const std::string name = entry.substr(0, entry.rfind(':'));
    if (needs_a_name(name)) names[name] = address;
  }
  return host::update_hosts_file(places.hosts_file, places.hosts_tag, names);
}

Result<void> forget_hosts(const ClientPlaces& places) {
  for (const std::string& entry : recorded(places.record_file)) {
    for (const fs::path& root : places.trust_roots) {
      ::unlink((root / entry / kFile).c_str());
      ::rmdir((root / entry).c_str());  // stays when somebody else put something there
    }
  }
  LF_OK(host::update_hosts_file(places.hosts_file, places.hosts_tag, {}));
  if (::unlink(places.record_file.c_str()) < 0 && errno != ENOENT) {
    return fail_errno("remove " + places.record_file.string(), errno);
  }
  return {};
}

task<void> LocalClientSetup::introduce(std::string host, std::uint16_t port) {
  for (const std::string& name : {host, std::string("127.0.0.1"), std::string("localhost")}) {
    if (!done_.insert(name).second) continue;
    const auto done = co_await loop_.run_blocking(
        [turn = turn_, places = places_, ca_file = ca_file_, name, address = address_, port] {
          const std::scoped_lock lock(*turn);
          return introduce_host(places, ca_file, name, address, port);
        });
    if (done) continue;
    done_.erase(name);  // the next call tries again
    log::warning("ecr", "clients on this machine may not find or trust {}:{}: {}", name, port,
                 done.error().message);
  }
}

}  // namespace landfall::ecr
