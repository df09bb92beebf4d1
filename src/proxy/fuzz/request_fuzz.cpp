// Request heads: the parser, the rewriter and the rules on outside bytes. What goes on to a target
// must parse again, with the same borders.
#include <sys/socket.h>

#include "base/check.h"
#include "proxy/engine/rewrite.h"
#include "proxy/http1/fields.h"
#include "proxy/rules/condition.h"
#include "proxy/rules/transform.h"

using namespace landfall::proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http1::RequestHead head;
  if (http1::parse_request(text, head) != http1::Parsed::complete) return 0;
  CHECK(head.size <= size);
  CHECK(!(head.framing.chunked && head.framing.has_length));

  static const std::vector<CompiledCondition> conditions = [] {
    std::vector<CompiledCondition> out;
    for (const Condition& each :
         {Condition{.field = ConditionField::path_pattern, .values = {"/a*b?c"}},
          Condition{.field = ConditionField::host_header, .values = {"*.example.com"}},
          Condition{.field = ConditionField::http_header, .name = "X", .values = {"*"}},
          Condition{.field = ConditionField::query_string, .pairs = {{"k", "v*"}}},
          Condition{.field = ConditionField::path_pattern, .regexes = {"^/(a|b)+c{2,5}$"}}}) {
      out.push_back(*CompiledCondition::compile(each));
    }
    return out;
  }();
  const PeerAddress peer{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1}, 4711};
  for (const CompiledCondition& condition : conditions)
    condition.matches({head, host_without_port(head.authority), peer});

  LoadBalancer balancer;
  balancer.preserve_host_header = size % 2 == 0;
  balancer.forwarded_for_client_port = size % 3 == 0;
  std::vector<char> buffer(160 << 10);
  Writer out(buffer.data(), buffer.size());
  // Parts of what came, moved to places where they were not.
  static const auto transforms =
      *CompiledTransforms::compile({{TransformKind::host_header, "^([^.]*)[.](.*)$", "$2$1"},
                                    {TransformKind::url, "/([^/]*)(.*)$", "/x$2$1"}});
  Transformed transformed;
  if (size % 5 == 0) transformed = apply(*transforms, head);
  if (transformed.failed) return 0;
  const RewrittenRequest rewritten = rewrite_request(head,
                                                     {.balancer = balancer,
                                                      .names = {},
                                                      .peer = peer,
                                                      .listener_port = 8080,
                                                      .unix_seconds = 1,
                                                      .host = transformed.host,
                                                      .url = transformed.url},
                                                     out);
  if (rewritten.status != 0) return 0;
  http1::RequestHead again;
  const http1::Parsed parsed = http1::parse_request(rewritten.head, again);
  if (parsed == http1::Parsed::refused) {
    // Only by outgrowing a limit that the original kept.
    CHECK(rewritten.head.size() > http1::kHeaderLimit);
    return 0;
  }
  CHECK(parsed == http1::Parsed::complete);
  CHECK(again.size == rewritten.head.size());
  CHECK(again.method == head.method);
  CHECK(again.framing.chunked == head.framing.chunked);
  CHECK(again.framing.length == head.framing.length);
  CHECK(again.severity != http1::Severity::ambiguous || head.severity == again.severity);
  return 0;
}
