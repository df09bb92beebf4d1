// DNS messages: as much of the codec as a resolver inside a VPC needs. RFC 1035, RFC 6891.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ipv4.h"
#include "base/result.h"

namespace landfall::host::dns {

inline constexpr std::uint16_t kTypeA = 1, kTypeCname = 5, kTypePtr = 12, kTypeAaaa = 28,
                               kTypeAny = 255;
inline constexpr std::uint16_t kClassIn = 1;
enum class Code : std::uint8_t {
  ok = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5
};

struct Query {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::uint8_t operation = 0;  // 0: a standard query
  std::string name;            // lower case, without the final dot; the root is empty
  std::string question;        // the question section as it was sent, to be repeated in the answer
  std::uint16_t type = 0;
  std::uint16_t query_class = 0;
  std::size_t payload_limit = 512;  // what the client takes by UDP
  bool extended = false;            // it sent an OPT record
};

// Errors: "malformed" when there is not even a header to answer to, or it is an answer itself.
Result<Query> parse_query(std::string_view message);

struct Record {
  std::string name;  // of the owner; empty: that of the question
  std::uint16_t type = kTypeA;
  std::uint32_t ttl_s = 5;
  Ipv4 address;           // A
  std::string target;     // CNAME, PTR
  std::string data = {};  // in place of address and target: RDATA, of any type
};

// An answer to `query`; records that do not fit into `limit` are left out and the truncation bit is
// set.
std::string encode_answer(const Query& query, Code code, const std::vector<Record>& records,
                          std::size_t limit);

// A name as it goes over the wire, without compression; labels longer than 63 bytes are cut.
std::string encode_name(std::string_view name);

// "10.1.0.10.in-addr.arpa" -> 10.0.1.10
std::optional<Ipv4> reverse_address(std::string_view name);

}  // namespace landfall::host::dns
