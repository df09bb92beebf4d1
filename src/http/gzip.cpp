#include "http/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include "base/check.h"

namespace landfall::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, with gzip's head
constexpr std::size_t kChunk = 64 << 10;

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

Result<std::string> gunzip(std::string_view compressed, std::size_t limit) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK);
  stream.next_in = bytes_of(compressed);
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string out;
  std::string chunk(kChunk, '\0');
  int status = Z_OK;
  while (status == Z_OK && out.size() <= limit) {
    stream.next_out = bytes_of(chunk);
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > limit)
    return fail("body-too-large", fmt::format("the body is larger than {} bytes", limit));
  if (status != Z_STREAM_END) return fail("not-gzip", "the body is not gzip");
  return out;
}

std::string gzip(std::string_view plain) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                     Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = bytes_of(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
  stream.next_out = bytes_of(out);
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace landfall::http
