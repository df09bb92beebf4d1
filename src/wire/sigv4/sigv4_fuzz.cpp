// Claims and aws-chunked bodies from arbitrary bytes. First byte: what to read; then the text.
#include "wire/sigv4/chunked.h"

using namespace landfall;

namespace {

void read_claims(std::string_view text) {
  http::Request request;
  const std::size_t line = std::min(text.find('\n'), text.size());
  request.method = "GET";
  request.path = "/";
  request.query = std::string(text.substr(0, line));
  request.headers.add("Host", "h");
  request.headers.add("X-Amz-Date", "20130524T000000Z");
  if (line < text.size()) request.headers.add("Authorization", std::string(text.substr(line + 1)));
  sigv4::KeyCache keys;
  if (auto claim = sigv4::read_claim(request)) {
    const auto now = from_unix_ms(1369353600000);
    if (sigv4::verify(*claim, request, "secret", sigv4::kEmptyDigest, now, keys)) std::abort();
  }
}

void read_chunks(std::string_view text, std::string_view payload, std::size_t step) {
  sigv4::Claim claim;
  claim.payload = payload;
  claim.scope = {"20130524", "us-east-1", "s3"};
  sigv4::ChunkDecoder decoder(claim, "key", {});
  std::string out;
  const std::size_t size = text.size();
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, step);
    if (!decoder.feed(piece, out)) return;
    text.remove_prefix(piece.size());
  }
  if (out.size() > size) std::abort();
  (void)decoder.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      read_claims(text);
      break;
    case 1:
      read_chunks(text, sigv4::kStreamingUnsignedTrailer, 1);
      read_chunks(text, sigv4::kStreamingUnsignedTrailer, 64);
      break;
    case 2:
      read_chunks(text, sigv4::kStreamingSigned, 7);
      break;
    default:
      read_chunks(text, sigv4::kStreamingSignedTrailer, 7);
      break;
  }
  return 0;
}
