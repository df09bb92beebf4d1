// Queries from arbitrary bytes: parsed, planned and run over a few events. Zero bytes part the
// query from the messages.
#include "services/logs/insights/run.h"

using namespace landfall;
using namespace landfall::logs;

namespace {

struct Lines final : Scan {
  std::vector<std::string_view> lines;
  Result<bool> run(std::chrono::steady_clock::time_point, const Visit& visit) override {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      ScannedEvent event;
      event.stream = 7;
      event.stream_name = "stream";
      event.position = {static_cast<std::int64_t>(i) * 40'000, i, 0};
      event.message = lines[i];
      visit(event);
    }
    return false;
  }
  void ignore_before(std::int64_t) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto split = std::min(input.find('\0'), input.size());
  const std::string_view query = input.substr(0, split);
  auto plan = insights::Plan::make(query, {});
  if (!plan) {
    if (plan.error().code != "MalformedQueryException") std::abort();
    return 0;
  }
  auto scan = std::make_unique<Lines>();
  for (std::string_view rest = input.substr(split); !rest.empty() && scan->lines.size() < 16;) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('\0'), rest.size());
    scan->lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  insights::QueryRun run(std::move(*plan), std::move(scan), {"1:/g"}, {1}, 1 << 20);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto more = run.step(until);
  if (!more) {
    if (more.error().code != "query-failed") std::abort();
    return 0;
  }
  if (*more) std::abort();
  for (const auto& row : run.rows()) {
    if (row.size() != run.columns().size()) std::abort();
  }
  return 0;
}
