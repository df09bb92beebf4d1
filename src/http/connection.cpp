#include "http/connection.h"

#include "base/log.h"

namespace landfall::http {
namespace {

constexpr std::size_t kPiece = 256 << 10;
// A body that the handler left unread is read to its end when that is cheaper than a new
// connection.
constexpr std::uint64_t kDiscardLimit = 256 << 10;
// Before closing under a client that still sends: it should see our answer, not a reset.
constexpr std::uint64_t kLingerLimit = 64 << 20;
constexpr Millis kLingerTime = std::chrono::seconds(5);
// Who uses an upgraded connection has limits of its own.
constexpr Millis kUpgradedTimeout = std::chrono::hours(24);
// Bodies up to this size travel in one write with their head.
constexpr std::size_t kJoinLimit = 16 << 10;

void append_clean(std::string& out, std::string_view text) {
  const std::size_t at = out.size();
  out += text;
  // A handler that echoes outside input into a header must not be able to add another header.
  for (std::size_t i = at; i < out.size(); ++i) {
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
  }
}

}  // namespace

std::string_view ServerShared::date() {
  const TimePoint now = SystemClock().now();
  const std::int64_t second = to_unix_ms(now) / 1000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = format_http_date(now);
  }
  return date_;
}

Connection::Connection(ServerShared& shared, io::Fd fd, io::Endpoint peer, std::uint64_t listener,
                       std::string network_namespace)
    : shared_(shared),
      stream_(shared.loop, std::move(fd)),
      peer_(std::move(peer)),
      listener_(listener),
      network_namespace_(std::move(network_namespace)) {}

task<void> Connection::run() {
  if (co_await open()) {
    while (co_await serve_one()) {
    }
  }
  stream_.close();
}

// The first byte tells TLS (a handshake record, 0x16) from HTTP.
task<bool> Connection::open() {
  stream_.set_timeout(shared_.options.header_timeout);
  stream_.set_deadline(std::chrono::steady_clock::now() + shared_.options.header_timeout);
  idle_ = true;
  const auto first = co_await stream_.peek();
  idle_ = false;
  if (!first || !*first) co_return false;
  if (**first != 0x16) co_return true;
  const std::shared_ptr<TlsContext> tls = shared_.tls;  // until the handshake is done
  if (!tls) co_return false;
  auto session = tls->accepting(stream_.fd());
  if (!session) co_return false;
  tls_ = true;
  const auto done = co_await stream_.handshake(std::move(*session));
  if (!done) log::debug("http", "{}: {}", peer_.str(), done.error().message);
  co_return done.has_value();
}

// False: the connection ends. A head that cannot be read has been answered then.
task<bool> Connection::read_head() {
  stream_.set_timeout(shared_.options.idle_timeout);
  stream_.set_deadline(SteadyTime::max());
  const std::size_t limit = shared_.options.header_limit;
  std::size_t looked_at = 0;
  bool begun = false;
  while (true) {
    while (pending_.starts_with("\r\n")) pending_.erase(0, 2);
    if (!pending_.empty() && !begun) {
      begun = true;
      stream_.set_timeout(shared_.options.header_timeout);
      stream_.set_deadline(std::chrono::steady_clock::now() + shared_.options.header_timeout);
    }
    const std::size_t end = find_head_end(pending_, looked_at);
    if (end != std::string::npos ? end > limit : pending_.size() >= limit) {
      co_await refuse({431, "the request's head is too large"});
      co_return false;
    }
    if (end != std::string::npos) {
      auto head = parse_request_head(std::string_view(pending_).substr(0, end));
      pending_.erase(0, end);
      if (!head) {
        co_await refuse(head.error());
        co_return false;
      }
      head_ = std::move(*head);
      co_return true;
    }
    looked_at = pending_.size();
    idle_ = !begun;
    if (idle_ && shared_.stopping) co_return false;
    const auto count = co_await stream_.read_some(shared_.scratch);
    idle_ = false;
    if (!count || *count == 0) co_return false;
    pending_.append(shared_.scratch.data(), *count);
  }
}

task<bool> Connection::serve_one() {
  if (!co_await read_head()) co_return false;
  stream_.set_deadline(SteadyTime::max());
  stream_.set_timeout(shared_.options.body_timeout);
  begin_body(head_);
  Request request = std::move(head_.request);
  request.client = peer_;
  request.network_namespace = network_namespace_;
  request.tls = tls_;
  method_ = request.method;

  try {
    co_await shared_.handler(std::move(request), *this, *this);
  } catch (const io::Cancelled&) {
    throw;
  } catch (const std::exception& failure) {
    log::error("http", "a handler failed: {}", failure.what());
  }
  if (reply_ == Reply::none) {
    Response failed{.status = 500};
    failed.headers.add("Content-Type", "text/plain");
    failed.body = "internal error\n";
    if (!co_await send(std::move(failed))) co_return false;
  }
  if (reply_ != Reply::finished)
    co_return false;  // cut: the client must see that the answer is not whole
  if (body_error_) co_return false;
  if (!keep_alive_ || !co_await discard_body(kDiscardLimit)) {
    co_await linger();
    co_return false;
  }
  if (pending_.empty() && pending_.capacity() > 1024) pending_ = {};
  co_return true;
}

void Connection::begin_body(const RequestHead& head) {
  body_kind_ = head.framing.kind;
  body_left_ = head.framing.length;
  body_length_.reset();
  if (body_kind_ != Framing::Kind::chunked) body_length_ = body_left_;
  chunks_ = {};
  body_error_.reset();
  continue_wanted_ = head.expect_continue && body_kind_ != Framing::Kind::none;
  reply_ = Reply::none;
  keep_alive_ = head.keep_alive;
}

task<void> Connection::refuse(Malformed malformed) {
  begin_body({});
  keep_alive_ = false;
  method_.clear();
  Response response{.status = malformed.status};
  response.headers.add("Content-Type", "text/plain");
  response.body = fmt::format("{}\n", malformed.reason);
  stream_.set_deadline(SteadyTime::max());
  if (co_await send(std::move(response))) co_await linger();
}

std::optional<std::uint64_t> Connection::length() const { return body_length_; }

std::unexpected<Error> Connection::body_failed(Error error) {
  body_error_ = std::move(error);
  return std::unexpected(*body_error_);
}

task<Result<std::string>> Connection::read() {
  if (body_error_) co_return std::unexpected(*body_error_);
  if (body_done()) co_return std::string();
  if (std::exchange(continue_wanted_, false) && pending_.empty() && reply_ == Reply::none) {
    if (auto sent = co_await stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n"); !sent) {
      co_return body_failed(std::move(sent).error());
    }
  }
  if (body_kind_ == Framing::Kind::chunked) co_return co_await read_chunked();
  co_return co_await read_sized();
}

task<Result<std::string>> Connection::read_sized() {
  std::string piece;
  if (pending_.empty()) {
    auto received = co_await stream_.read_piece(
        static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, kPiece)));
    if (!received) co_return body_failed(std::move(received).error());
    if (received->empty())
      co_return body_failed({"connection-lost", "the request's body ended early", 400});
    piece = std::move(*received);
  } else if (pending_.size() <= body_left_) {
    piece = std::exchange(pending_, {});
  } else {
    piece = pending_.substr(0, static_cast<std::size_t>(body_left_));
    pending_.erase(0, piece.size());
  }
  body_left_ -= piece.size();
  if (body_left_ == 0) body_kind_ = Framing::Kind::none;
  co_return piece;
}

task<Result<std::string>> Connection::read_chunked() {
  std::string piece;
  while (true) {
    std::size_t used = 0;
    if (!chunks_.decode(pending_, piece, used)) {
      co_return body_failed({"malformed-body", "malformed chunked body", 400});
    }
    pending_.erase(0, used);
    if (chunks_.done()) body_kind_ = Framing::Kind::none;
    if (chunks_.done() || !piece.empty()) co_return piece;
    const auto count = co_await stream_.read_some(shared_.scratch);
    if (!count) co_return body_failed(count.error());
    if (*count == 0)
      co_return body_failed({"connection-lost", "the request's body ended early", 400});
    pending_.assign(shared_.scratch.data(), *count);
  }
}

// True when the body's end was reached.
task<bool> Connection::discard_body(std::uint64_t limit) {
  std::uint64_t seen = 0;
  while (!body_done()) {
    const auto piece = co_await read();
    if (!piece) co_return false;
    seen += piece->size();
    if (seen > limit) co_return false;
  }
  co_return true;
}

// Closing a socket with unread bytes sends a reset, which can destroy our answer on its way to the
// client.
task<void> Connection::linger() {
  stream_.finish_sending();
  stream_.set_deadline(std::chrono::steady_clock::now() + kLingerTime);
  std::uint64_t seen = 0;
  while (seen < kLingerLimit) {
    idle_ = true;
    const auto count = co_await stream_.read_some(shared_.scratch);
    if (!count || *count == 0) break;
    seen += *count;
  }
}

void Connection::decide_keep_alive() {
  if (shared_.stopping || body_error_) keep_alive_ = false;
  // A client that waits for "100 Continue" and gets a final answer may or may not send the body:
  // nobody can tell.
  if (continue_wanted_) keep_alive_ = false;
  if (body_kind_ == Framing::Kind::length && body_left_ > kDiscardLimit) keep_alive_ = false;
}

std::string Connection::make_head(const Response& response, std::optional<std::uint64_t> length) {
  decide_keep_alive();
  std::string head;
  head.reserve(256 + response.headers.size() * 48 +
               (response.body.size() <= kJoinLimit ? response.body.size() : 0));
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", response.status,
                 reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    if (equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "connection") ||
        equal_ignoring_case(name, "transfer-encoding")) {
      continue;
    }
    append_clean(head, name);
    head += ": ";
    append_clean(head, value);
    head += "\r\n";
  }
  head += "Date: ";
  head += shared_.date();
  head += "\r\n";
  if (length) fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *length);
  if (chunked_reply_) head += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive_) {
    head += "Connection: close\r\n";
  } else if (head_.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  return head;
}

namespace {

std::optional<std::uint64_t> announced_length(const Response& response) {
  const std::string_view text = response.headers.get("Content-Length");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return length;
}

bool status_without_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

task<Result<void>> Connection::send(Response response) {
  CHECK(reply_ == Reply::none);
  reply_ = Reply::finished;
  chunked_reply_ = false;
  const bool head_only = method_ == "HEAD";
  no_body_ = head_only || status_without_body(response.status);
  std::optional<std::uint64_t> length = response.body.size();
  if (head_only) {
    if (const auto announced = announced_length(response)) length = announced;
  } else if (status_without_body(response.status)) {
    length.reset();
  }
  std::string head = make_head(response, length);
  if (no_body_) co_return co_await stream_.write_all(head);
  if (response.body.size() > kJoinLimit) co_return co_await stream_.write_all(head, response.body);
  head += response.body;
  co_return co_await stream_.write_all(head);
}

task<Result<void>> Connection::start(Response response) {
  CHECK(reply_ == Reply::none);
  reply_ = Reply::streaming;
  no_body_ = method_ == "HEAD" || status_without_body(response.status);
  reply_left_ = status_without_body(response.status) ? std::nullopt : announced_length(response);
  chunked_reply_ = !reply_left_ && !head_.http_1_0 && !status_without_body(response.status);
  if (!reply_left_ && !chunked_reply_ && !no_body_)
    keep_alive_ = false;  // HTTP/1.0: the end of the connection ends it
  const std::string head = make_head(response, reply_left_);
  co_return co_await stream_.write_all(head);
}

task<Result<void>> Connection::write(std::string_view bytes) {
  CHECK(reply_ == Reply::streaming);
  if (bytes.empty() || no_body_) co_return Result<void>();
  if (reply_left_) {
    CHECK(bytes.size() <= *reply_left_);
    *reply_left_ -= bytes.size();
  }
  if (!chunked_reply_) co_return co_await stream_.write_all(bytes);
  const std::string size = fmt::format("{:x}\r\n", bytes.size());
  co_return co_await stream_.write_all(size, bytes, "\r\n");
}

task<Result<void>> Connection::finish() {
  CHECK(reply_ == Reply::streaming);
  // Less than announced: stays "streaming", and the connection is cut.
  if (!no_body_ && reply_left_.value_or(0) > 0)
    co_return fail("response-short", "the response ended early", 500);
  reply_ = Reply::finished;
  if (chunked_reply_ && !no_body_) co_return co_await stream_.write_all("0\r\n\r\n");
  co_return Result<void>();
}

task<Result<Duplex*>> Connection::upgrade(Headers headers) {
  CHECK(reply_ == Reply::none);
  // Stays so: the connection is not used again.
  reply_ = Reply::streaming;
  keep_alive_ = false;
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  for (const auto& [name, value] : headers) {
    append_clean(head, name);
    head += ": ";
    append_clean(head, value);
    head += "\r\n";
  }
  head += "\r\n";
  stream_.set_timeout(kUpgradedTimeout);
  LF_CO_OK(co_await stream_.write_all(head));
  co_return this;
}

task<Result<std::string>> Connection::receive() {
  if (!pending_.empty()) co_return std::exchange(pending_, {});
  co_return co_await stream_.read_piece(kPiece);
}

task<Result<void>> Connection::transmit(std::string_view bytes) {
  co_return co_await stream_.write_all(bytes);
}

}  // namespace landfall::http
