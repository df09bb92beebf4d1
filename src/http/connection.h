// One connection of the server: reads requests, lets the handler answer, and decides whether the
// connection lives on.
#pragma once

#include <vector>

#include "http/parse.h"
#include "http/server.h"
#include "http/stream.h"

namespace landfall::http {

// What all connections of a server share.
struct ServerShared {
  ServerShared(io::Loop& loop_in, Handler handler_in, ServerOptions options_in)
      : loop(loop_in),
        handler(std::move(handler_in)),
        options(std::move(options_in)),
        scratch(64 << 10) {}
  std::string_view date();  // header value, made once a second

  io::Loop& loop;
  Handler handler;
  ServerOptions options;
  std::shared_ptr<TlsContext> tls;  // null: TLS is refused
  // Bytes are received here and used up before the next task switch, so idle connections own no
  // buffer.
  std::vector<char> scratch;
  bool stopping = false;

 private:
  std::int64_t date_second_ = 0;
  std::string date_;
};

class Connection final : public BodyReader, public ResponseWriter, public Duplex {
 public:
  Connection(ServerShared& shared, io::Fd fd, io::Endpoint peer, std::uint64_t listener,
             std::string network_namespace);

  task<void> run();

  // Waiting for a request, with none begun.
  bool idle() const { return idle_; }
  std::uint64_t listener() const { return listener_; }
  Stream& stream() { return stream_; }

  task<Result<std::string>> read() override;
  std::optional<std::uint64_t> length() const override;
  task<Result<void>> send(Response response) override;
  task<Result<void>> start(Response head) override;
  task<Result<void>> write(std::string_view bytes) override;
  task<Result<void>> finish() override;
  task<Result<Duplex*>> upgrade(Headers headers) override;
  task<Result<std::string>> receive() override;
  task<Result<void>> transmit(std::string_view bytes) override;
  bool started() const override { return reply_ != Reply::none; }

 private:
  enum class Reply { none, streaming, finished };

  task<bool> open();
  task<bool> read_head();
  task<bool> serve_one();
  task<void> refuse(Malformed malformed);
  task<bool> discard_body(std::uint64_t limit);
  task<void> linger();
  void begin_body(const RequestHead& head);
  task<Result<std::string>> read_sized();
  task<Result<std::string>> read_chunked();
  bool body_done() const { return body_kind_ == Framing::Kind::none; }
  void decide_keep_alive();
  std::string make_head(const Response& response, std::optional<std::uint64_t> length);
  std::unexpected<Error> body_failed(Error error);

  ServerShared& shared_;
  Stream stream_;
  io::Endpoint peer_;
  std::uint64_t listener_;
  std::string network_namespace_;
  std::string pending_;  // received, not yet used
  bool tls_ = false;
  bool idle_ = false;

  // Of the request under way.
  RequestHead head_;
  std::string method_;
  Framing::Kind body_kind_ = Framing::Kind::none;
  std::uint64_t body_left_ = 0;
  std::optional<std::uint64_t> body_length_;
  ChunkedDecoder chunks_;
  std::optional<Error> body_error_;
  bool continue_wanted_ = false;
  Reply reply_ = Reply::none;
  bool keep_alive_ = true;
  bool no_body_ = false;  // HEAD, 204, 304
  bool chunked_reply_ = false;
  std::optional<std::uint64_t> reply_left_;  // of an announced Content-Length
};

}  // namespace landfall::http
