// Bodies: aws-chunked content with a signature per chunk, and the digest of plain ones.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
#pragma once

#include <optional>

#include "base/bytes.h"
#include "wire/sigv4/verify.h"

namespace landfall::sigv4 {

// Takes the chunk framing off, piece by piece, and verifies each chunk's signature and the
// trailer's. Data is handed on before the chunk it belongs to has been verified, so that a chunk
// may be larger than memory: what was written counts only once finish() has succeeded.
class ChunkDecoder {
 public:
  // claim.payload says which of the three forms; `key` is the derived signing key (unused for the
  // unsigned form); decoded_length: x-amz-decoded-content-length, which AWS requires.
  ChunkDecoder(const Claim& claim, std::string key, std::optional<std::uint64_t> decoded_length);

  // Consumes all of `bytes`, appends the data in them to `out`. After an error the decoder is
  // spent.
  Checked<void> feed(std::string_view bytes, std::string& out);
  // At the end of the body: `incomplete_body` unless the last chunk and its trailer have come, and
  // the length is right.
  Checked<void> finish();
  // Trailing headers (x-amz-checksum-...), names in lower case; valid after finish().
  const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }

 private:
  enum class State { size_line, data, data_end, trailer, done };

  Checked<void> read_size_line(std::string_view line);
  Checked<void> end_chunk();
  Checked<void> read_trailer_line(std::string_view line);
  Checked<void> end_trailer();
  std::string sign(std::string_view kind, std::string_view digests) const;

  bool signed_ = false;
  bool trailing_ = false;
  std::string key_;
  std::string prefix_;  // date and scope, as each string to sign holds them
  std::string previous_;
  std::optional<std::uint64_t> expected_length_;

  State state_ = State::size_line;
  std::string line_;  // an incomplete line
  std::uint64_t remaining_ = 0;
  std::uint64_t decoded_ = 0;
  bool last_ = false;
  std::string chunk_signature_;
  std::string trailer_signature_;
  std::optional<Sha256> digest_;
  std::vector<std::pair<std::string, std::string>> trailers_;
};

// Checks a plain body against the digest that was signed.
class PayloadCheck {
 public:
  explicit PayloadCheck(const Claim& claim) {
    if (claim.payload.size() == 64) expected_ = claim.payload;
  }
  void update(std::string_view bytes) {
    if (!expected_.empty()) digest_.update(bytes);
  }
  Checked<void> finish();  // once

 private:
  std::string expected_;  // empty: unsigned
  Sha256 digest_;
};

}  // namespace landfall::sigv4
