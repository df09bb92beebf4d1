// Lets docker, podman and skopeo on this machine use the registry unmodified: they trust our
// certificate authority for its host (certs.d), and the host's name leads to us (/etc/hosts).
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/ipv4.h"
#include "host/instance.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

struct ClientPlaces {
  std::filesystem::path record_file;  // "host:port" lines: what was introduced, for removal
  std::vector<std::filesystem::path> trust_roots = {"/etc/containers/certs.d",
                                                    "/etc/docker/certs.d"};
  std::filesystem::path hosts_file = "/etc/hosts";
  std::string hosts_tag;  // of the block in it; not the one other names are in
};

// Of one instance: the record is in its data folder.
ClientPlaces client_places(const host::Instance& instance);

class LocalClientSetup final : public ClientSetup {
 public:
  // ca_file: our authority's certificate. address: where the API listens.
  LocalClientSetup(io::Loop& loop, ClientPlaces places, std::filesystem::path ca_file, Ipv4 address)
      : loop_(loop), places_(std::move(places)), ca_file_(std::move(ca_file)), address_(address) {}

  task<void> introduce(std::string host, std::uint16_t port) override;

 private:
  io::Loop& loop_;
  ClientPlaces places_;
  std::filesystem::path ca_file_;
  Ipv4 address_;
  std::set<std::string> done_;
  // Jobs on the pool take turns with the record file; it outlives them.
  std::shared_ptr<std::mutex> turn_ = std::make_shared<std::mutex>();
};

// Puts the authority's certificate at ROOT/HOST:PORT/ca.crt and the host into the hosts file,
// unless they are there. Blocks.
Result<void> introduce_host(const ClientPlaces& places, const std::filesystem::path& ca_file,
                            const std::string& host, Ipv4 address, std::uint16_t port);
// Takes away all that was introduced, for `landfall down`. Blocks.
Result<void> forget_hosts(const ClientPlaces& places);

}  // namespace landfall::ecr
