// Answers of targets: heads and chunked bodies, in parts of any size.
#include "base/check.h"
#include "proxy/engine/rewrite.h"
#include "proxy/http1/chunked.h"

using namespace landfall::proxy;

namespace {

// (state, data) of the whole input taken in parts of `step` bytes.
std::pair<http1::ChunkedReader::State, std::string> read(std::string_view text, std::size_t step) {
  http1::ChunkedReader reader;
  std::string data;
  http1::ChunkedReader::State state = http1::ChunkedReader::State::more;
  for (std::size_t at = 0; at < text.size() && state == http1::ChunkedReader::State::more;
       at += step) {
    std::string_view part = text.substr(at, step);
    http1::ChunkedReader::Piece piece;
    do {
      state = reader.next(part, piece);
      data += piece.data;
    } while (state == http1::ChunkedReader::State::more && !part.empty());
  }
  return {state, data};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http1::ResponseHead head;
  if (http1::parse_response(text, head) == http1::Parsed::complete) {
    CHECK(head.size <= size);
    std::vector<char> buffer(160 << 10);
    Writer out(buffer.data(), buffer.size());
    rewrite_response(head, {.close = true, .drop_chunked = size % 2 == 0}, out);
    http1::ResponseHead again;
    CHECK(http1::parse_response(out.text(), again) == http1::Parsed::complete);
    CHECK(again.status == head.status);
    CHECK(again.close);
  }
  const auto whole = read(text, size + 1);
  const auto bytes = read(text, 1);
  CHECK(whole.first == bytes.first);
  CHECK(whole.first == http1::ChunkedReader::State::broken || whole.second == bytes.second);
  return 0;
}
