// Policy documents from arbitrary bytes, parsed as every kind and evaluated.
#include "services/iam/policy/evaluate.h"

using namespace landfall;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  iam::policy::ContextKeys context;
  context.set("aws:username", "ann");
  context.set("aws:SourceIp", "10.0.0.1");
  context.set("aws:TagKeys", std::vector<std::string>{"a", "b"});
  context.set("aws:CurrentTime", "2026-11-21T10:00:00Z");
  const Principal who{.kind = Principal::Kind::user,
                      .account = "123456789012",
                      .arn = "arn:aws:iam::123456789012:user/ann"};
  for (const auto kind :
       {iam::policy::DocumentKind::identity, iam::policy::DocumentKind::trust, iam::policy::DocumentKind::resource}) {
    const auto parsed = iam::policy::Document::parse(text, kind);
    if (!parsed) {
      if (parsed.error().code != "MalformedPolicyDocument") std::abort();
      continue;
    }
    iam::policy::PolicySet set{.identity = {*parsed}, .boundary = *parsed, .resource = *parsed};
    (void)iam::policy::evaluate(set, {"s3:GetObject", "arn:aws:s3:::b/k", context, who});
  }
  return 0;
}
