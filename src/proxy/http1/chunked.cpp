#include "proxy/http1/chunked.h"

#include <algorithm>

#include "proxy/http1/scan.h"

namespace landfall::proxy::http1 {
namespace {

constexpr std::uint16_t kExtensionLimit = 4096;
constexpr std::uint32_t kTrailerLimit = 16 << 10;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

bool ChunkedReader::take_size(char c) {
  const int digit = hex_digit(c);
  if (digit < 0 || digits_ == 15) return false;
  ++digits_;
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  return true;
}

ChunkedReader::State ChunkedReader::next(std::string_view& input, Piece& out) {
  const char* begin = input.data();
  const char* end = begin + input.size();
  const char* at = begin;
  out = {};
  const auto give = [&](const char* from) {
    out.framed = {from, at};
    input.remove_prefix(static_cast<std::size_t>(at - input.data()));
  };
  const auto broken = [&] {
    step_ = Step::failed;
    return State::broken;
  };
  while (at != end) {
    switch (step_) {
      case Step::size:
        if (take_size(*at)) {
          ++at;
          break;
        }
        if (digits_ == 0) return broken();
        overhead_ = 0;
        if (*at == '\r') {
          step_ = Step::size_lf;
          ++at;
          break;
        }
        if (*at != ';' && *at != ' ' && *at != '\t') return broken();
        step_ = Step::extension;
        if (at != begin) {
          give(begin);
          return State::more;
        }
        break;
      case Step::extension: {
        while (at != end && *at != '\r') {
          if (*at == '\n' || *at == '\0' || ++overhead_ > kExtensionLimit) return broken();
          ++at;
        }
        // Cut: what follows begins a new piece.
        begin = at;
        input.remove_prefix(static_cast<std::size_t>(at - input.data()));
        if (at != end) {
          step_ = Step::size_lf;
          ++at;
        }
        break;
      }
      case Step::size_lf:
        if (*at++ != '\n') return broken();
        digits_ = 0;
        step_ = left_ == 0 ? Step::trailer : Step::data;
        break;
      case Step::data: {
        const auto take =
            static_cast<std::size_t>(std::min<std::uint64_t>(left_, std::uint64_t(end - at)));
        out.data = {at, take};
        data_seen_ += take;
        left_ -= take;
        at += take;
        if (left_ == 0) step_ = Step::data_cr;
        give(begin);
        return State::more;
      }
      case Step::data_cr:
        if (*at++ != '\r') return broken();
        step_ = Step::data_lf;
        break;
      case Step::data_lf:
        if (*at++ != '\n') return broken();
        step_ = Step::size;
        break;
      case Step::trailer:
        if (*at == '\r') {
          step_ = Step::last_lf;
          ++at;
        } else if (is_token(*at)) {
          step_ = Step::trailer_line;
        } else {
          return broken();
        }
        break;
      case Step::trailer_line:
        if (*at == '\0' || *at == '\n' || ++trailer_size_ > kTrailerLimit) return broken();
        if (*at == '\r') step_ = Step::trailer_lf;
        ++at;
        break;
      case Step::trailer_lf:
        if (*at++ != '\n') return broken();
        step_ = Step::trailer;
        break;
      case Step::last_lf:
        if (*at++ != '\n') return broken();
        step_ = Step::finished;
        give(begin);
        return State::done;
      case Step::finished:
        return State::done;
      case Step::failed:
        return State::broken;
    }
  }
  give(begin);
  return step_ == Step::failed ? State::broken : State::more;
}

}  // namespace landfall::proxy::http1
