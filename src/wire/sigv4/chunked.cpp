#include "wire/sigv4/chunked.h"

namespace landfall::sigv4 {
namespace {

using Kind = Problem::Kind;

constexpr std::size_t kLongestLine = 8 << 10;
constexpr std::size_t kMostTrailers = 32;
constexpr std::uint64_t kLargestChunk = std::uint64_t{5} << 30;  // the largest body of one request

std::unexpected<Problem> malformed(std::string detail) {
  return problem(Kind::malformed_chunk, std::move(detail));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

ChunkDecoder::ChunkDecoder(const Claim& claim, std::string key,
                           std::optional<std::uint64_t> decoded_length)
    : signed_(claim.payload != kStreamingUnsignedTrailer),
      trailing_(claim.payload != kStreamingSigned),
      key_(std::move(key)),
      prefix_(fmt::format("{}\n{}\n", claim.amz_date, claim.scope.str())),
      previous_(claim.signature),
      expected_length_(decoded_length) {}

Checked<void> ChunkDecoder::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (state_ == State::data) {
      const std::string_view piece =
          bytes.substr(0, std::size_t(std::min<std::uint64_t>(remaining_, bytes.size())));
      bytes.remove_prefix(piece.size());
      remaining_ -= piece.size();
      decoded_ += piece.size();
      if (expected_length_ && decoded_ > *expected_length_) {
        return malformed("The body is longer than x-amz-decoded-content-length says.");
      }
      if (signed_) digest_->update(piece);
      out += piece;
      if (remaining_ == 0) state_ = State::data_end;
      continue;
    }
    if (state_ == State::done) return malformed("Content follows the last chunk.");
    const std::size_t newline = bytes.find('\n');
    const std::string_view part = bytes.substr(0, newline);
    if (line_.size() + part.size() > kLongestLine) return malformed("A chunk header is too long.");
    line_ += part;
    if (newline == std::string_view::npos) return {};
    bytes.remove_prefix(newline + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, {});
    Checked<void> read;
    switch (state_) {
      case State::size_line:
        read = read_size_line(line);
        break;
      case State::data_end:
        if (!line.empty()) return malformed("A chunk is longer than its size says.");
        read = end_chunk();
        break;
      default:
        read = read_trailer_line(line);
        break;
    }
    if (!read) return read;
  }
  return {};
}

Checked<void> ChunkDecoder::read_size_line(std::string_view line) {
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  std::string_view rest = line.substr(std::size_t(parsed.ptr - line.data()));
  if (parsed.ec != std::errc() || size > kLargestChunk)
    return malformed("A chunk's size is not valid.");
  chunk_signature_.clear();
  constexpr std::string_view kExtension = ";chunk-signature=";
  if (rest.starts_with(kExtension)) {
    chunk_signature_ = trimmed(rest.substr(kExtension.size()));
  } else if (!rest.empty() && signed_) {
    return malformed("A chunk's extension is not chunk-signature.");
  }
  if (signed_ && chunk_signature_.size() != 64) return malformed("A chunk carries no signature.");
  if (signed_) digest_.emplace();
  remaining_ = size;
  last_ = size == 0;
  if (!last_) {
    state_ = State::data;
    return {};
  }
  return end_chunk();
}

// The last chunk has no data; what follows it up to the empty line is the trailer (empty without
// trailing headers).
Checked<void> ChunkDecoder::end_chunk() {
  if (signed_) {
    const std::string expected =
        sign("AWS4-HMAC-SHA256-PAYLOAD", std::string(kEmptyDigest) + "\n" + digest_->finish_hex());
    if (!equal_constant_time(expected, chunk_signature_)) return problem(Kind::mismatch);
    previous_ = expected;
  }
  state_ = last_ ? State::trailer : State::size_line;
  return {};
}

Checked<void> ChunkDecoder::read_trailer_line(std::string_view line) {
  if (line.empty()) {
    // Clients that end a header's value with a bare newline leave an empty line before the
    // trailer's signature.
    if (signed_ && trailing_ && trailer_signature_.empty() && !trailers_.empty()) return {};
    state_ = State::done;
    return end_trailer();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return malformed("A trailing header is not valid.");
  if (!trailing_ || trailers_.size() == kMostTrailers)
    return malformed("Unexpected trailing headers.");
  std::string name(line.substr(0, colon));
  for (char& c : name) c = char(std::tolower(static_cast<unsigned char>(c)));
  const std::string value(trimmed(line.substr(colon + 1)));
  if (name == "x-amz-trailer-signature") {
    trailer_signature_ = value;
  } else {
    trailers_.emplace_back(std::move(name), value);
  }
  return {};
}

Checked<void> ChunkDecoder::end_trailer() {
  if (!signed_ || !trailing_) return {};
  std::string canonical;
  for (const auto& [name, value] : trailers_) canonical += fmt::format("{}:{}\n", name, value);
  const std::string expected = sign("AWS4-HMAC-SHA256-TRAILER", sha256_hex(canonical));
  if (!equal_constant_time(expected, trailer_signature_)) return problem(Kind::mismatch);
  return {};
}

std::string ChunkDecoder::sign(std::string_view kind, std::string_view digests) const {
  return hex_encode(
      hmac_sha256(key_, fmt::format("{}\n{}{}\n{}", kind, prefix_, previous_, digests)));
}

Checked<void> ChunkDecoder::finish() {
  // Some clients leave out the empty line after the last chunk, or after the trailer.
  if (state_ == State::trailer && line_.empty() &&
      (!trailing_ || !trailer_signature_.empty() || !signed_)) {
    state_ = State::done;
    if (auto ended = end_trailer(); !ended) return ended;
  }
  if (state_ != State::done) {
    return problem(Kind::incomplete_body, "The request body terminated unexpectedly");
  }
  if (expected_length_ && decoded_ != *expected_length_) return problem(Kind::incomplete_body);
  return {};
}

Checked<void> PayloadCheck::finish() {
  if (expected_.empty() || equal_constant_time(digest_.finish_hex(), expected_)) return {};
  return problem(Kind::payload_mismatch);
}

}  // namespace landfall::sigv4
