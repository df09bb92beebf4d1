#include "host/dns/message.h"

namespace landfall::host::dns {

std::string encode_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto dot = std::min(name.find('.'), name.size());
    const auto length = std::min<std::size_t>(dot, 63);
    out += static_cast<char>(length);
    out += name.substr(0, length);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out += '\0';
  return out;
}

namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::uint16_t kTypeOpt = 41;

// Reads forward; after a read past the end everything is zero and `good` is false.
struct Reader {
  std::string_view bytes;
  std::size_t at = 0;
  bool good = true;

  std::uint8_t byte() {
    if (at >= bytes.size()) return good = false, 0;
    return static_cast<std::uint8_t>(bytes[at++]);
  }
  std::uint16_t two() {
    const std::uint16_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  void skip(std::size_t count) {
    if (count > bytes.size() - at) return void(good = false);
    at += count;
  }

  // A name without compression: nothing comes before a question that it could point to, and in the
  // records of a query a pointer ends the name.
  std::string name() {
    std::string out;
    for (;;) {
      const std::uint8_t length = byte();
      if (!good || length == 0) return out;
      if ((length & 0xc0) == 0xc0) return byte(), out;
      if (length > 63 || length > bytes.size() - at || out.size() + length > 254) {
        return good = false, out;
      }
      if (!out.empty()) out += '.';
      for (std::size_t i = 0; i < length; ++i) {
        const char c = bytes[at + i];
        // A dot inside a label would read as two labels.
        if (c == '.' || c == '\0') good = false;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
      at += length;
    }
  }
};

void put_two(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 255);
  out += static_cast<char>(value & 255);
}

void put_four(std::string& out, std::uint32_t value) {
  put_two(out, value >> 16);
  put_two(out, value & 0xffff);
}

std::string encode_record(const Record& record) {
  // 0xc00c points to the question's name.
  std::string out = record.name.empty() ? std::string("\xc0\x0c") : encode_name(record.name);
  put_two(out, record.type);
  put_two(out, kClassIn);
  put_four(out, record.ttl_s);
  std::string data = record.data;
  if (!data.empty()) {
    // As it is.
  } else if (record.type == kTypeA) {
    put_four(data, record.address.value);
  } else {
    data = encode_name(record.target);
  }
  put_two(out, static_cast<unsigned>(data.size()));
  return out + data;
}

}  // namespace

Result<Query> parse_query(std::string_view message) {
  Reader reader{message};
  Query query;
  query.id = reader.two();
  const std::uint16_t flags = reader.two();
  const std::uint16_t questions = reader.two(), answers = reader.two(), authorities = reader.two();
  const std::uint16_t additional = reader.two();
  if (!reader.good || (flags & 0x8000)) return fail("malformed", "not a DNS query");
  query.operation = flags >> 11 & 15;
  query.recursion_desired = flags & 0x0100;
  if (questions != 1) return query;  // answered with a format error: the question is empty

  const std::size_t start = reader.at;
  query.name = reader.name();
  query.type = reader.two();
  query.query_class = reader.two();
  if (!reader.good) return query;
  query.question = message.substr(start, reader.at - start);

  for (unsigned i = 0; i < unsigned(answers) + authorities + additional && reader.good; ++i) {
    reader.name();
    const std::uint16_t type = reader.two(), size = reader.two();
    reader.skip(4);
    reader.skip(reader.two());
    if (!reader.good || type != kTypeOpt) continue;
    query.extended = true;
    query.payload_limit = std::clamp<std::size_t>(size, 512, 4096);
  }
  return query;
}

std::string encode_answer(const Query& query, Code code, const std::vector<Record>& records,
                          std::size_t limit) {
  std::string opt;
  if (query.extended) {
    opt += '\0';
    put_two(opt, kTypeOpt);
    put_two(opt, 1232);
    put_four(opt, 0);
    put_two(opt, 0);
  }
  std::string body;
  unsigned count = 0;
  bool truncated = false;
  for (const Record& record : records) {
    const std::string encoded = encode_record(record);
    if (kHeaderSize + query.question.size() + body.size() + encoded.size() + opt.size() > limit) {
      truncated = true;
      break;
    }
    body += encoded;
    ++count;
  }
  std::string out;
  put_two(out, query.id);
  put_two(out, 0x8000u | unsigned(query.operation) << 11 | (truncated ? 0x0200u : 0u) |
                   (query.recursion_desired ? 0x0100u : 0u) | 0x0080u |
                   static_cast<unsigned>(code));
  put_two(out, query.question.empty() ? 0 : 1);
  put_two(out, count);
  put_two(out, 0);
  put_two(out, query.extended ? 1 : 0);
  return out + query.question + body + opt;
}

std::optional<Ipv4> reverse_address(std::string_view name) {
  constexpr std::string_view kEnd = ".in-addr.arpa";
  if (!name.ends_with(kEnd)) return {};
  name.remove_suffix(kEnd.size());
  const auto backwards = Ipv4::parse(name);
  if (!backwards) return {};
  const std::uint32_t v = backwards->value;
  return Ipv4{v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24};
}

}  // namespace landfall::host::dns
