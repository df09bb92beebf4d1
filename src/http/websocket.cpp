#include "http/websocket.h"

#include <openssl/sha.h>

#include "base/bytes.h"

namespace landfall::http {
namespace {

constexpr int kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;
constexpr std::size_t kMostControl = 125;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

bool lists(std::string_view header, std::string_view token) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (equal_ignoring_case(item, token)) return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return base64_encode({reinterpret_cast<const char*>(digest), sizeof digest});
}

task<Result<WebSocket>> WebSocket::accept(io::Loop& loop, const Request& request,
                                          ResponseWriter& out) {
  const std::string_view key = request.headers.get("Sec-WebSocket-Key");
  if (request.method != "GET" || !lists(request.headers.get("Upgrade"), "websocket") ||
      !lists(request.headers.get("Connection"), "upgrade") || key.empty() ||
      request.headers.get("Sec-WebSocket-Version") != "13")
    co_return fail("not-websocket", "this address speaks WebSocket version 13");
  Headers headers;
  headers.add("Upgrade", "websocket");
  headers.add("Sec-WebSocket-Accept", websocket_accept(key));
  LF_CO_TRY(connection, co_await out.upgrade(std::move(headers)));
  co_return WebSocket(loop, *connection);
}

// Until that many bytes wait. False: the connection has ended before.
task<Result<bool>> WebSocket::fill(std::size_t wanted) {
  while (pending_.size() < wanted) {
    LF_CO_TRY(more, co_await connection_->receive());
    if (more.empty()) co_return false;
    pending_ += more;
  }
  co_return true;
}

task<Result<std::optional<WebSocketMessage>>> WebSocket::receive() {
  WebSocketMessage message;
  bool begun = false;
  while (true) {
    LF_CO_TRY(head, co_await fill(2));
    if (!head) co_return std::nullopt;
    const auto first = static_cast<unsigned char>(pending_[0]);
    const auto second = static_cast<unsigned char>(pending_[1]);
    const bool last = (first & 0x80) != 0;
    const int opcode = first & 0x0f;
    const bool control = opcode >= kClose;
    std::uint64_t size = second & 0x7f;
    // What a client sends is masked, and nothing has negotiated the reserved bits.
    if ((first & 0x70) != 0 || (second & 0x80) == 0 ||
        (control && (!last || size > kMostControl)) ||
        (!control && (opcode == kContinuation) != begun) || (opcode > kBinary && opcode < kClose) ||
        opcode > kPong)
      co_return fail("malformed-message", "a malformed WebSocket frame");
    std::size_t at = 2;
    if (size >= 126) {
      const std::size_t extra = size == 126 ? 2 : 8;
      LF_CO_TRY(there, co_await fill(at + extra));
      if (!there) co_return std::nullopt;
      size = big_endian(std::string_view(pending_).substr(at, extra));
      at += extra;
    }
    if (size > kMostMessage - message.bytes.size())
      co_return fail("message-too-large", "a WebSocket message is too large");
    LF_CO_TRY(whole, co_await fill(at + 4 + size));
    if (!whole) co_return std::nullopt;
    const std::string mask = pending_.substr(at, 4);
    std::string bytes = pending_.substr(at + 4, size);
    pending_.erase(0, at + 4 + size);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(bytes[i] ^ mask[i % 4]);
    if (opcode == kClose) {
      (void)co_await frame(kClose, bytes.substr(0, std::min<std::size_t>(bytes.size(), 2)));
      co_return std::nullopt;
    }
    if (opcode == kPing) LF_CO_OK(co_await frame(kPong, std::move(bytes)));
    if (control) continue;
    if (opcode != kContinuation) message.text = opcode == kText;
    begun = true;
    message.bytes += bytes;
    if (last) co_return std::optional(std::move(message));
  }
}

task<Result<void>> WebSocket::frame(int opcode, std::string bytes) {
  std::string out;
  out += static_cast<char>(0x80 | opcode);
  if (bytes.size() < 126) {
    out += static_cast<char>(bytes.size());
  } else if (bytes.size() <= 0xffff) {
    out += static_cast<char>(126);
    append_big_endian(out, bytes.size(), 2);
  } else {
    out += static_cast<char>(127);
    append_big_endian(out, bytes.size(), 8);
  }
  out += bytes;
  const auto turn = co_await writing_->enter();
  co_return co_await connection_->transmit(out);
}

task<Result<void>> WebSocket::send(WebSocketMessage message) {
  return frame(message.text ? kText : kBinary, std::move(message.bytes));
}

task<void> WebSocket::close(int code) {
  std::string bytes;
  append_big_endian(bytes, static_cast<std::uint64_t>(code), 2);
  (void)co_await frame(kClose, std::move(bytes));
}

}  // namespace landfall::http
