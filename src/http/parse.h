// HTTP/1 framing (RFC 9112), strict: whatever two parties could read in two ways is refused.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/message.h"

namespace landfall::http {

struct Framing {
  enum class Kind { none, length, chunked, until_close } kind = Kind::none;
  std::uint64_t length = 0;
};

struct RequestHead {
  Request request;
  Framing framing;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expect_continue = false;
};

struct ResponseHead {
  Response response;  // without body
  Framing framing;
  bool keep_alive = true;
};

// What to answer before closing the connection.
struct Malformed {
  int status = 400;
  const char* reason = "";
};

// Position behind the empty line that ends a head, or npos. Bytes before `from` were looked at
// already.
std::size_t find_head_end(std::string_view bytes, std::size_t from = 0);

// `head` ends with the empty line.
std::expected<RequestHead, Malformed> parse_request_head(std::string_view head);
// method: of the request it answers (HEAD has no body).
std::expected<ResponseHead, Malformed> parse_response_head(std::string_view head,
                                                           std::string_view method);

// Takes the chunked transfer coding apart, however the bytes arrive.
class ChunkedDecoder {
 public:
  // Appends what `in` holds of the body to `out` and tells how many bytes of `in` were used: all of
  // them, or fewer when the body ended. False: malformed.
  bool decode(std::string_view in, std::string& out, std::size_t& used);
  bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    end_lf,
    done
  };
  bool control(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  int digits_ = 0;
  std::size_t ignored_ = 0;  // bytes of extensions and trailers so far
};

std::string_view reason_phrase(int status);

}  // namespace landfall::http
