#include "wire/cbor.h"

#include <bit>
#include <cmath>

#include "base/bytes.h"
#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr int kMostNested = 64;

// RFC 8949, section 3.1.
enum Major : std::uint8_t {
  kUnsigned = 0,
  kNegative = 1,
  kBytes = 2,
  kText = 3,
  kArray = 4,
  kMap = 5,
  kTag = 6,
  kSimple = 7
};
constexpr std::uint8_t kIndefinite = 31;
constexpr std::uint8_t kBreak = 0xff;
constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kTrue = 21;
constexpr std::uint8_t kNull = 22;
constexpr std::uint8_t kUndefined = 23;
constexpr std::uint8_t kHalf = 25;
constexpr std::uint8_t kSingle = 26;
constexpr std::uint8_t kDouble = 27;
constexpr std::uint64_t kEpochTag = 1;

std::unexpected<Error> unserializable(std::string message) {
  return fail("SerializationException", std::move(message));
}

std::unexpected<Error> cut() { return unserializable("the body is not CBOR: it ends too early"); }

double from_half(std::uint64_t bits) {
  const int exponent = int(bits >> 10 & 31);
  const double mantissa = double(bits & 1023);
  double value = exponent == 0    ? std::ldexp(mantissa, -24)
                 : exponent == 31 ? (mantissa == 0 ? HUGE_VAL : NAN)
                                  : std::ldexp(mantissa + 1024, exponent - 25);
  return bits >> 15 & 1 ? -value : value;
}

// The first byte of a data item and the number that follows it.
struct Head {
  std::uint8_t major = 0;
  std::uint8_t info = 0;
  std::uint64_t number = 0;
  bool null() const { return major == kSimple && (info == kNull || info == kUndefined); }
  bool indefinite() const { return info == kIndefinite; }
};

class Reader {
 public:
  Reader(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  Result<void> read(const Shape& shape, const Head& head, void* out, const Path& path, int depth);
  Result<Head> head();
  bool at_end() const { return at_ == text_.size(); }

 private:
  Result<void> read_structure(const Shape& shape, const Head& head, void* out, const Path& path,
                              int depth);
  Result<void> read_list(const Shape& shape, const Head& head, void* out, const Path& path,
                         int depth);
  Result<void> read_map(const Shape& shape, const Head& head, void* out, const Path& path,
                        int depth);
  Result<void> read_scalar(const Shape& shape, Head head, void* out);
  Result<void> skip(const Head& head, int depth);
  // The bytes of a string of either kind, whole.
  Result<std::string> string(const Head& head);
  Result<std::string> key();
  // Calls `item` for each item of an array, or for each pair of a map before its key is read.
  template <class Item>
  Result<void> each(const Head& head, Item&& item);
  bool take_break();

  std::string_view text_;
  std::size_t at_ = 0;
  Problems& problems_;
};

Result<Head> Reader::head() {
  if (at_ >= text_.size()) return cut();
  const auto first = static_cast<std::uint8_t>(text_[at_++]);
  Head out{.major = static_cast<std::uint8_t>(first >> 5),
           .info = static_cast<std::uint8_t>(first & 31)};
  if (out.info < 24) {
    out.number = out.info;
  } else if (out.info <= 27) {
    const std::size_t size = std::size_t(1) << (out.info - 24);
    if (text_.size() - at_ < size) return cut();
    for (std::size_t i = 0; i < size; ++i)
      out.number = out.number << 8 | static_cast<std::uint8_t>(text_[at_++]);
  } else if (out.info != kIndefinite || out.major < kBytes || out.major == kTag) {
    return unserializable("the body is not CBOR: an item has no length");
  }
  return out;
}

bool Reader::take_break() {
  if (at_ >= text_.size() || static_cast<std::uint8_t>(text_[at_]) != kBreak) return false;
  ++at_;
  return true;
}

template <class Item>
Result<void> Reader::each(const Head& head, Item&& item) {
  if (head.indefinite()) {
    while (!take_break()) LF_OK(item());
    return {};
  }
  // Every item has at least one byte, so that a length cannot promise more than there is.
  if (head.number > text_.size() - at_) return cut();
  for (std::uint64_t i = 0; i < head.number; ++i) LF_OK(item());
  return {};
}

Result<std::string> Reader::string(const Head& head) {
  if (!head.indefinite()) {
    if (head.number > text_.size() - at_) return cut();
    std::string out(text_.substr(at_, head.number));
    at_ += head.number;
    return out;
  }
  std::string out;
  while (!take_break()) {
    LF_TRY(part, this->head());
    if (part.major != head.major || part.indefinite() || part.number > text_.size() - at_)
      return cut();
    out += text_.substr(at_, part.number);
    at_ += part.number;
  }
  return out;
}

Result<std::string> Reader::key() {
  LF_TRY(head, this->head());
  if (head.major != kText) return unserializable("a key is not a string");
  LF_TRY(text, string(head));
  if (!is_valid_utf8(text)) return unserializable("a string is not UTF-8");
  return text;
}

Result<void> Reader::skip(const Head& head, int depth) {
  if (depth > kMostNested) return unserializable("the CBOR is nested too deeply");
  const auto one = [&]() -> Result<void> {
    LF_TRY(inner, this->head());
    return skip(inner, depth + 1);
  };
  switch (head.major) {
    case kBytes:
    case kText:
      LF_OK(string(head));
      return {};
    case kArray:
      return each(head, one);
    case kMap:
      return each(head, [&]() -> Result<void> {
        LF_OK(one());
        return one();
      });
    case kTag:
      return one();
    case kSimple:
      if (head.indefinite()) return unserializable("the body is not CBOR: a break without a start");
      return {};
    default:
      return {};
  }
}

Result<void> Reader::read(const Shape& shape, const Head& head, void* out, const Path& path,
                          int depth) {
  if (depth > kMostNested) return unserializable("the CBOR is nested too deeply");
  switch (shape.kind) {
    case Kind::structure:
      return read_structure(shape, head, out, path, depth);
    case Kind::list:
      return read_list(shape, head, out, path, depth);
    case Kind::map:
      return read_map(shape, head, out, path, depth);
    default:
      return read_scalar(shape, head, out);
  }
}

Result<void> Reader::read_structure(const Shape& shape, const Head& head, void* out,
                                    const Path& path, int depth) {
  if (head.major != kMap) return unserializable("something found where a structure is expected");
  std::vector<bool> seen(shape.members.size());
  LF_OK(each(head, [&]() -> Result<void> {
    LF_TRY(name, key());
    LF_TRY(value, this->head());
    const auto member = std::ranges::find(shape.members, name, &Member::location_name);
    if (member == shape.members.end() || value.null()) return skip(value, depth + 1);
    seen[std::size_t(member - shape.members.begin())] = true;
    return read(*member->shape, value, place(*member, out), Path{&path, &*member}, depth + 1);
  }));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i] && shape.members[i].required) problems_.missing(Path{&path, &shape.members[i]});
  }
  return {};
}

Result<void> Reader::read_list(const Shape& shape, const Head& head, void* out, const Path& path,
                               int depth) {
  if (head.major != kArray) return unserializable("something found where a list is expected");
  shape.list->set_present(out);
  std::int64_t index = 0;
  return each(head, [&]() -> Result<void> {
    LF_TRY(value, this->head());
    ++index;
    if (value.null()) return {};
    return read(*shape.element, value, shape.list->append(out), Path{&path, nullptr, index},
                depth + 1);
  });
}

Result<void> Reader::read_map(const Shape& shape, const Head& head, void* out, const Path& path,
                              int depth) {
  if (head.major != kMap) return unserializable("something found where a map is expected");
  shape.map->set_present(out);
  return each(head, [&]() -> Result<void> {
    LF_TRY(name, key());
    LF_TRY(value, this->head());
    if (value.null()) return {};
    return read(*shape.element, value, shape.map->insert(out, name), Path{&path, nullptr, -1, name},
                depth + 1);
  });
}

// A number of any form, where one may stand.
std::optional<double> to_number(const Head& head) {
  switch (head.major) {
    case kUnsigned:
      return double(head.number);
    case kNegative:
      return -1.0 - double(head.number);
    case kSimple:
      if (head.info == kHalf) return from_half(head.number);
      if (head.info == kSingle) return std::bit_cast<float>(std::uint32_t(head.number));
      if (head.info == kDouble) return std::bit_cast<double>(head.number);
      return {};
    default:
      return {};
  }
}

std::optional<std::int64_t> to_integer(const Head& head) {
  constexpr std::uint64_t kMost = std::uint64_t(std::numeric_limits<std::int64_t>::max());
  if (head.major == kUnsigned && head.number <= kMost) return std::int64_t(head.number);
  if (head.major == kNegative && head.number <= kMost) return -1 - std::int64_t(head.number);
  std::int64_t out = 0;
  const auto number = head.major == kSimple ? to_number(head) : std::nullopt;
  if (number && read_integer(*number, out)) return out;
  return {};
}

Result<void> Reader::read_scalar(const Shape& shape, Head head, void* out) {
  const auto mismatch = [](std::string_view wanted) {
    return unserializable(fmt::format("a value cannot be converted to {}", wanted));
  };
  switch (shape.kind) {
    case Kind::string: {
      if (head.major != kText) return mismatch("String");
      LF_TRY(text, string(head));
      if (!is_valid_utf8(text)) return unserializable("a string is not UTF-8");
      *static_cast<std::string*>(out) = std::move(text);
      return {};
    }
    case Kind::blob: {
      if (head.major != kBytes) return mismatch("Blob");
      LF_TRY(bytes, string(head));
      *static_cast<std::string*>(out) = std::move(bytes);
      return {};
    }
    case Kind::boolean:
      if (head.major != kSimple || (head.info != kTrue && head.info != kFalse))
        return mismatch("Boolean");
      *static_cast<bool*>(out) = head.info == kTrue;
      return {};
    case Kind::int32: {
      const auto number = to_integer(head);
      if (!number || *number != std::int32_t(*number)) return mismatch("Integer");
      *static_cast<std::int32_t*>(out) = std::int32_t(*number);
      return {};
    }
    case Kind::int64: {
      const auto number = to_integer(head);
      if (!number) return mismatch("Long");
      *static_cast<std::int64_t*>(out) = *number;
      return {};
    }
    case Kind::float64: {
      const auto number = to_number(head);
      if (!number) return mismatch("Double");
      *static_cast<double*>(out) = *number;
      return {};
    }
    case Kind::timestamp: {
      if (head.major != kTag || head.number != kEpochTag) return mismatch("Timestamp");
      LF_TRY(inner, this->head());
      const auto seconds = to_number(inner);
      if (!seconds || !read_epoch(*seconds, *static_cast<TimePoint*>(out)))
        return mismatch("Timestamp");
      return {};
    }
    default:
      return mismatch("Document");
  }
}

// ---- writing ----

void write_head(Major major, std::uint64_t number, std::string& out) {
  const auto first = [&](unsigned info) { out += static_cast<char>(unsigned(major) << 5 | info); };
  unsigned size = 8;
  if (number < 24) return first(unsigned(number));
  if (number <= 0xff) {
    first(24), size = 1;
  } else if (number <= 0xffff) {
    first(25), size = 2;
  } else if (number <= 0xffffffff) {
    first(26), size = 4;
  } else {
    first(27);
  }
  while (size-- > 0) out += static_cast<char>(number >> (8 * size) & 0xff);
}

void write_integer(std::int64_t value, std::string& out) {
  if (value >= 0) return write_head(kUnsigned, std::uint64_t(value), out);
  write_head(kNegative, std::uint64_t(-(value + 1)), out);
}

void write_double(double value, std::string& out) {
  out += static_cast<char>(kSimple << 5 | kDouble);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xff);
}

void write_time(TimePoint time, std::string& out) {
  write_head(kTag, kEpochTag, out);
  const std::int64_t ms = to_unix_ms(time);
  if (ms % 1000 == 0) return write_integer(ms / 1000, out);
  write_double(double(ms) / 1000, out);
}

void write_structure(const Shape& shape, const void* value, std::string& out, bool root) {
  std::vector<std::pair<const Member*, const void*>> found;
  found.reserve(shape.members.size());
  for (const Member& member : shape.members) {
    const void* at = look(member, value);
    const bool container = member.shape->kind == Kind::list || member.shape->kind == Kind::map;
    if (!at && root && container) at = static_cast<const char*>(value) + member.offset;
    if (at) found.emplace_back(&member, at);
  }
  write_head(kMap, found.size(), out);
  for (const auto& [member, at] : found) {
    write_cbor_string(member->location_name, out);
    write_cbor(*member->shape, at, out);
  }
}

}  // namespace

Result<void> read_cbor(const Shape& shape, std::string_view body, void* out, Problems& problems) {
  Reader reader(body, problems);
  LF_TRY(head, reader.head());
  LF_OK(reader.read(shape, head, out, Path{}, 0));
  if (!reader.at_end()) return unserializable("the body goes on after its end");
  return {};
}

void write_cbor_string(std::string_view text, std::string& out) {
  if (!is_valid_utf8(text)) return write_cbor_string(valid_utf8(text), out);
  write_head(kText, text.size(), out);
  out += text;
}

void write_cbor_map(std::size_t size, std::string& out) { write_head(kMap, size, out); }

void write_cbor(const Shape& shape, const void* value, std::string& out, bool root) {
  switch (shape.kind) {
    case Kind::structure:
      return write_structure(shape, value, out, root);
    case Kind::list:
      write_head(kArray, shape.list->size(value), out);
      each_item(shape, value, [&](const void* item) { write_cbor(*shape.element, item, out); });
      return;
    case Kind::map:
      write_head(kMap, shape.map->size(value), out);
      each_entry(shape, value, [&](const std::string& key, const void* item) {
        write_cbor_string(key, out);
        write_cbor(*shape.element, item, out);
      });
      return;
    case Kind::string:
      return write_cbor_string(*static_cast<const std::string*>(value), out);
    case Kind::blob: {
      const auto& bytes = *static_cast<const std::string*>(value);
      write_head(kBytes, bytes.size(), out);
      out += bytes;
      return;
    }
    case Kind::boolean:
      out += static_cast<char>(kSimple << 5 | (*static_cast<const bool*>(value) ? kTrue : kFalse));
      return;
    case Kind::int32:
      return write_integer(*static_cast<const std::int32_t*>(value), out);
    case Kind::int64:
      return write_integer(*static_cast<const std::int64_t*>(value), out);
    case Kind::float64:
      return write_double(*static_cast<const double*>(value), out);
    case Kind::timestamp:
      return write_time(*static_cast<const TimePoint*>(value), out);
    case Kind::document:
      // The protocol has no documents; no service that speaks it models one.
      out += static_cast<char>(kSimple << 5 | kNull);
      return;
  }
}

}  // namespace landfall::wire
