// A listener that also answers at an address of the host (`landfall serve --publish`).
#pragma once

#include <cstdint>
#include <string>

#include "io/net.h"

namespace landfall::elbv2 {

struct Published {
  io::Endpoint at;
  std::string region;  // empty: every
  std::string balancer;
  std::uint16_t listener_port = 0;
};

}  // namespace landfall::elbv2
