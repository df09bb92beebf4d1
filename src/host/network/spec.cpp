#include "host/network/spec.h"

#include "base/check.h"

namespace landfall::host::network {
namespace {

std::string device_name(char kind, std::string_view id) {
  const auto dash = id.find('-');
  CHECK(dash != std::string_view::npos);
  return kind + std::string(id.substr(dash + 1, 14));
}

Ipv4 address(std::string_view text) { return *Ipv4::parse(text); }

}  // namespace

std::string interface_device(std::string_view interface_id) {
  return device_name('e', interface_id);
}

std::string uplink_device(std::string_view vpc_id) { return device_name('v', vpc_id); }

std::vector<LocalService> local_services(const VpcSpec& vpc) {
  std::vector<LocalService> services = {
      {address("169.254.169.253"), {53}, {53}},
      {address("169.254.169.254"), {80}, {}},
      {address("169.254.170.2"), {80}, {}},
      {address("169.254.170.10"), {80, 443, 4566}, {}},
  };
  // https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html: the primary block's
  // base plus two.
  if (!vpc.blocks.empty()) services.push_back({vpc.blocks.front().base + 2, {53}, {53}});
  return services;
}

}  // namespace landfall::host::network
