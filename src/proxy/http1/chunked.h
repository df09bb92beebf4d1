// Where a chunked body ends, and what of it is data.
#pragma once

#include <cstdint>
#include <string_view>

namespace landfall::proxy::http1 {

// Feed it what arrives; it consumes up to the end of the body.
//
// In transit form the framing is passed on byte by byte, except chunk extensions, which are cut
// out: nobody uses them, and servers disagree about where they end. Framing that is not exactly
// CRLF-terminated is an error.
class ChunkedReader {
 public:
  enum class State : std::uint8_t { more, done, broken };

  struct Piece {
    std::string_view framed;  // to be passed on as it is
    std::string_view data;    // the part of it that is body data
  };

  // Takes the next piece from `input` (removing it). An empty `framed` with state `more` means that
  // the input is used up. Trailer fields are part of `framed`, and not of `data`.
  State next(std::string_view& input, Piece& out);
  bool done() const { return step_ == Step::finished; }
  std::uint64_t data_seen() const { return data_seen_; }

 private:
  enum class Step : std::uint8_t {
    size,       // hexadecimal digits
    extension,  // skipped up to CR
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,  // at the beginning of a trailer line
    trailer_line,
    trailer_lf,
    last_lf,
    finished,
    failed,
  };
  bool take_size(char c);

  Step step_ = Step::size;
  std::uint8_t digits_ = 0;
  std::uint16_t overhead_ = 0;  // bytes of this extension
  std::uint32_t trailer_size_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t data_seen_ = 0;
};

}  // namespace landfall::proxy::http1
