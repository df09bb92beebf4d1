#include "services/logs/queries.h"

#include "base/log.h"
#include "io/files.h"
#include "services/logs/insights/run.h"
#include "services/logs/store.h"

namespace landfall::logs {

namespace {

// How long a query has a thread of the pool before others may have it.
constexpr auto kSlice = std::chrono::milliseconds(50);

std::unexpected<Error> stopped() { return fail("query-stopped", "the server stops"); }
std::unexpected<Error> cancelled() { return fail("query-cancelled", "somebody stopped the query"); }

}  // namespace

QueryRunner::QueryRunner(io::Loop& loop, store::Store& store, const Clock& clock,
                         const Engine& engine, std::filesystem::path folder, Settings settings)
    : loop_(loop),
      store_(store),
      clock_(clock),
      engine_(engine),
      folder_(std::move(folder)),
      settings_(settings),
      ended_(loop),
      scope_(loop) {}

store::Table<QueryRecord> QueryRunner::table(const Scope& scope) const {
  return {store_, fmt::format("{}{}/{}/queries/", kKeys, scope.account, scope.region)};
}

void QueryRunner::start() {
  for (const auto& [scope, id] : scoped_keys(store_, "queries")) {
    auto row = table(scope).get(id);
    if (!row || row->value.ended()) continue;
    auto open = std::make_shared<Open>(Open{scope, std::move(row->value), false});
    open_[id] = open;
    scope_.spawn("logs query", run(open));
  }
}

task<Result<void>> QueryRunner::submit(Scope scope, QueryRecord query) {
  const auto ours = std::count_if(open_.begin(), open_.end(),
                                  [&](const auto& one) { return one.second->scope == scope; });
  if (static_cast<std::size_t>(ours) >= settings_.most_open) {
    co_return fail("too-many-queries", "too many queries at once");
  }
  auto open = std::make_shared<Open>(Open{scope, std::move(query), false});
  const std::string id = open->record.id;
  open_[id] = open;  // counts from now on
  const auto rows = table(scope);
  auto written = co_await store_.commit({{rows.absent(id)}, {rows.put(id, open->record)}});
  if (!written) {
    open_.erase(id);
    co_return std::unexpected(written.error());
  }
  scope_.spawn("logs query", run(open));
  co_return Result<void>();
}

QueryRecord QueryRunner::live(QueryRecord record) const {
  const auto found = open_.find(record.id);
  return found == open_.end() ? std::move(record) : found->second->record;
}

std::optional<QueryRecord> QueryRunner::find(const Scope& scope, const std::string& id) const {
  auto row = table(scope).get(id);
  if (!row) return {};
  return live(std::move(row->value));
}

std::vector<QueryRecord> QueryRunner::list(const Scope& scope) const {
  std::vector<QueryRecord> records;
  for (auto& row : table(scope).list()) records.push_back(live(std::move(row.value)));
  return records;
}

task<Result<void>> QueryRunner::cancel(Scope scope, std::string id) {
  auto record = find(scope, id);
  if (!record) co_return fail("not-found", "no such query");
  const auto open = open_.find(id);
  if (record->ended() || open == open_.end()) co_return fail("ended", record->status);
  if (open->second->cancelled) co_return fail("ended", "Cancelled");
  const std::shared_ptr<Open> ours = open->second;
  ours->cancelled = true;
  ended_.notify_all();  // it may wait for its turn
  co_await end(ours, cancelled());
  co_return Result<void>();
}

task<void> QueryRunner::run(std::shared_ptr<Open> open) {
  while (running_ >= settings_.at_once && !open->cancelled) co_await ended_.wait();
  if (open->cancelled) co_return;
  ++running_;
  open->record.status = "Running";
  Result<QueryTable> outcome = co_await execute(open);
  --running_;
  ended_.notify_all();
  // A cancelled one has been ended already; one that the server's end stopped runs again later.
  if (open->cancelled || (!outcome && outcome.error().code == "query-stopped")) co_return;
  co_await end(open, std::move(outcome));
}

task<Result<QueryTable>> QueryRunner::execute(std::shared_ptr<Open> open) {
  const QueryRecord& query = open->record;
  LF_CO_TRY(plan, insights::Plan::make(query.text, {query.limit, to_unix_ms(query.created_at)}));
  ScanSettings scan;
  std::vector<std::string> logs;
  std::vector<std::int64_t> ids;
  for (const QueriedGroup& group : query.groups) {
    scan.groups.push_back({group.id, group.from_ms});
    logs.push_back(fmt::format("{}:{}", query.account, group.name));
    ids.push_back(group.id);
  }
  scan.to_ms = query.to_ms;
  scan.latest_first = plan.latest_first();
  scan.required = plan.required();
  auto running =
      std::make_shared<insights::QueryRun>(std::move(plan), engine_.scan(std::move(scan)),
                                           std::move(logs), std::move(ids), settings_.memory);
  const auto began = std::chrono::steady_clock::now();
  const std::stop_token stop = co_await io::current_stop();
  for (bool more = true; more;) {
    if (stop.stop_requested()) co_return stopped();
    if (open->cancelled) co_return cancelled();
    if (std::chrono::steady_clock::now() - began > settings_.timeout) {
      co_return fail("query-timeout", "the query took too long");
    }
    auto stepped = co_await loop_.run_blocking(
        [running] { return running->step(std::chrono::steady_clock::now() + kSlice); });
    const insights::Figures figures = running->figures();
    open->record.matched = figures.matched;
    open->record.scanned = figures.scanned;
    open->record.bytes = figures.bytes;
    if (!stepped) co_return std::unexpected(stepped.error());
    more = *stepped;
  }
  QueryTable table{running->columns(), std::move(running->rows())};
  if (open->cancelled) co_return cancelled();
  auto written = co_await loop_.run_blocking(
      [folder = folder_, path = file(query.id), text = record::to_text(table)]() -> Result<void> {
        LF_OK(io::make_directories(folder, 0700));
        return io::write_file(path, text, 0600);
      });
  if (!written) co_return std::unexpected(written.error());
  co_return table;
}

task<void> QueryRunner::end(std::shared_ptr<Open> open, Result<QueryTable> outcome) {
  QueryRecord record = open->record;
  if (outcome) {
    record.status = "Complete";
  } else if (outcome.error().code == "query-cancelled") {
    record.status = "Cancelled";
  } else if (outcome.error().code == "query-timeout") {
    record.status = "Timeout";
  } else {
    record.status = "Failed";
    record.why = outcome.error().message;
    log::warning("logs", "query {} failed: {}", record.id, record.why);
  }
  record.ended_at = clock_.now();
  const auto rows = table(open->scope);
  auto written = co_await store_.commit({{}, {rows.put(record.id, record)}});
  if (!written) {
    // It stays open as it is, and runs again after the next start.
    log::warning("logs", "cannot keep the end of query {}: {}", record.id, written.error().message);
    co_return;
  }
  // Nobody is told of an end that a crash could undo.
  open_.erase(record.id);
}

task<Result<QueryTable>> QueryRunner::results(std::string id) const {
  co_return co_await loop_.run_blocking([path = file(id)]() -> Result<QueryTable> {
    auto text = io::read_file(path, std::size_t{1} << 30);
    if (!text) return fail("not-found", "the results of the query are gone");
    return record::from_text<QueryTable>(*text);
  });
}

task<void> QueryRunner::sweep() {
  const TimePoint oldest = clock_.now() - settings_.keep;
  for (const auto& [scope, id] : scoped_keys(store_, "queries")) {
    const auto rows = table(scope);
    auto row = rows.get(id);
    if (!row || !row->value.ended() || row->value.ended_at >= oldest) continue;
    const auto removed = co_await loop_.run_blocking([path = file(id)] {
      std::error_code error;
      std::filesystem::remove(path, error);
      return !error;
    });
    if (!removed) continue;
    if (auto done = co_await store_.commit({{}, {rows.remove(id)}}); !done) {
      log::warning("logs", "cannot drop an old query: {}", done.error().message);
      co_return;
    }
  }
}

}  // namespace landfall::logs
