#include "proxy/http1/chunked.h"

#include <gtest/gtest.h>

namespace landfall::proxy::http1 {
namespace {

struct Outcome {
  ChunkedReader::State state = ChunkedReader::State::more;
  std::string framed, data, rest;
};

// Reads `text` in parts of `step` bytes.
Outcome read(const std::string& text, std::size_t step) {
  Outcome out;
  ChunkedReader reader;
  for (std::size_t at = 0; at < text.size(); at += step) {
    std::string_view input = std::string_view(text).substr(at, step);
    ChunkedReader::Piece piece;
    do {
      out.state = reader.next(input, piece);
      out.framed += piece.framed;
      out.data += piece.data;
    } while (out.state == ChunkedReader::State::more && !input.empty());
    if (out.state != ChunkedReader::State::more) {
      out.rest = std::string(input) + text.substr(std::min(text.size(), at + step));
      break;
    }
  }
  return out;
}

TEST(Chunked, AnyPartition) {
  const std::string text = "5\r\nhello\r\nA;ext=\"1\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Outcome out = read(text, step);
    EXPECT_EQ(out.state, ChunkedReader::State::done) << step;
    EXPECT_EQ(out.data, "hello0123456789") << step;
    EXPECT_EQ(out.framed, "5\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n") << step;
    EXPECT_EQ(out.rest, "NEXT") << step;
  }
}

TEST(Chunked, Broken) {
  for (const std::string text : {"\r\n", "g\r\n", "5\nhello", "5\r\nhelloX", "5\r\nhello\n",
                                 "1000000000000000\r\n", "-1\r\n", "0x5\r\n", "0\r\n\n",
                                 "0\r\nA: b\n\r\n", "0\r\n bad: 1\r\n\r\n", "5;a\nb\r\nhello"}) {
    EXPECT_EQ(read(text, 1).state, ChunkedReader::State::broken) << text;
    EXPECT_EQ(read(text, text.size()).state, ChunkedReader::State::broken) << text;
  }
}

TEST(Chunked, ExtensionsAndTrailersAreBounded) {
  EXPECT_EQ(read("5;" + std::string(5000, 'x') + "\r\n", 100).state, ChunkedReader::State::broken);
  EXPECT_EQ(read("0\r\nA: " + std::string(20000, 'x'), 100).state, ChunkedReader::State::broken);
}

}  // namespace
}  // namespace landfall::proxy::http1
