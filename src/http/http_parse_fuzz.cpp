// Requests, responses and chunked bodies from strangers: never a crash, and the same result however
// the bytes are cut.
#include "base/check.h"
#include "http/parse.h"

namespace {

using namespace landfall::http;

void fuzz_chunks(std::string_view bytes, std::size_t step) {
  ChunkedDecoder whole;
  ChunkedDecoder pieces;
  std::string from_whole;
  std::string from_pieces;
  std::size_t used = 0;
  const bool good = whole.decode(bytes, from_whole, used);
  bool good_pieces = true;
  std::size_t used_pieces = 0;
  while (good_pieces && !pieces.done() && used_pieces < bytes.size()) {
    std::size_t some = 0;
    good_pieces = pieces.decode(bytes.substr(used_pieces, step), from_pieces, some);
    used_pieces += some;
  }
  CHECK(good == good_pieces);
  CHECK(!good ||
        (from_whole == from_pieces && used == used_pieces && whole.done() == pieces.done()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = find_head_end(bytes);
  const std::string_view head = bytes.substr(0, end);
  if (const auto request = parse_request_head(head)) {
    CHECK(request->request.path.find_first_of(" \r\n\t#?") == std::string::npos);
    for (const auto& [name, value] : request->request.headers) {
      CHECK(!name.empty() && name.find_first_of(" \r\n:") == std::string::npos);
      CHECK(value.find_first_of("\r\n") == std::string::npos);
    }
  }
  (void)parse_response_head(head, size % 2 == 0 ? "GET" : "HEAD");
  fuzz_chunks(end == std::string_view::npos ? bytes : bytes.substr(end), 1 + size % 7);
  (void)parse_form(bytes);
  return 0;
}
