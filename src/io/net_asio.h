// The Asio objects inside the sockets of net.h, for http/*.cpp. As expensive as asio.h.
#pragma once

#include "io/asio.h"
#include "io/net.h"

namespace landfall::io {

struct TcpStream::Impl {
  Loop& loop;
  asio::ip::tcp::socket socket;
};

}  // namespace landfall::io
