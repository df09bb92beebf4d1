#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "io/files.h"
#include "store/schema.h"
#include "store/snapshot.h"

namespace landfall::store {

namespace {

constexpr std::size_t kMostValueBytes = 32 << 20;

// Suspends until the writer has answered. Not to be stopped half way: the answer comes within one
// fsync, and what was submitted happens whether anybody waits or not.
struct Submission {
  Writer& writer;
  std::shared_ptr<Request> request;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    request->delivered = [handle](const Request&) { handle.resume(); };
    auto submitted = writer.submit(request);
    if (submitted) return true;
    request->result = std::unexpected(submitted.error());
    return false;
  }
  void await_resume() noexcept {}
};

class SqliteStore final : public Store {
 public:
  SqliteStore(io::Loop& loop, const Clock& clock, io::Fd lock, std::shared_ptr<Snapshot> snapshot)
      : loop_(loop),
        clock_(clock),
        lock_(std::move(lock)),
        snapshot_(std::move(snapshot)),
        alive_(std::make_shared<SqliteStore*>(this)) {}

  ~SqliteStore() override {
    *alive_ = nullptr;
    writer_.reset();
  }

  Result<void> start(Database database, std::size_t history) {
    LF_OK(snapshot_->load());
    LF_OK(load_leases(database));
    writer_ = std::make_unique<Writer>(
        std::move(database), history,
        [&loop = loop_, snapshot = snapshot_](Requests requests) {
          loop.post([snapshot, requests = std::move(requests)] { snapshot->deliver(requests); });
        },
        [&loop = loop_, alive = std::weak_ptr(alive_)] {
          loop.post([alive] {
            if (auto store = alive.lock(); store && *store) (*store)->expire_leases();
          });
        });
    LF_OK(writer_->start());
    wake_for_leases();
    return {};
  }

  std::optional<KeyValue> get(std::string_view key) override {
    const auto found = snapshot_->keys.find(key);
    if (found == snapshot_->keys.end()) return {};
    return *found;
  }

  std::vector<KeyValue> range(std::string_view prefix, const RangeOptions& options) override {
    std::vector<KeyValue> found;
    const std::string_view after = options.start_after;
    auto it = !after.empty() && after >= prefix ? snapshot_->keys.upper_bound(after)
                                                : snapshot_->keys.lower_bound(prefix);
    for (; it != snapshot_->keys.end() && it->key.starts_with(prefix); ++it) {
      if (options.limit != 0 && found.size() == options.limit) break;
      found.push_back(*it);
    }
    return found;
  }

  Revision revision() override { return snapshot_->revision; }

  task<Result<Committed>> commit(Transaction transaction) override {
    for (const Operation& operation : transaction.operations) {
      const auto* put = std::get_if<Put>(&operation);
      if (put != nullptr && put->value.size() > kMostValueBytes) {
        co_return fail("value-too-large",
                       fmt::format("{} has {} bytes", put->key, put->value.size()), 500);
      }
    }
    expire_leases();
    auto request = std::make_shared<Request>();
    request->work = std::move(transaction);
    co_await Submission{*writer_, request};
    co_return std::move(request->result);
  }

  std::unique_ptr<Watch> watch(std::string prefix, Revision after_revision) override {
    return std::make_unique<SqliteWatch>(snapshot_, std::move(prefix), after_revision);
  }

  task<Result<std::int64_t>> grant_lease(Millis ttl) override {
    auto request = std::make_shared<Request>();
    request->work = GrantLease{std::max<std::int64_t>(ttl.count(), 1)};
    co_await Submission{*writer_, request};
    if (!request->result) co_return std::unexpected(request->result.error());
    snapshot_->leases[request->lease] = {ttl, clock_.now() + ttl};
    wake_for_leases();
    co_return request->lease;
  }

  // In memory only: after a restart every lease has its whole ttl again, so a deadline on disk
  // would tell nothing.
  task<Result<void>> renew_lease(std::int64_t lease) override {
    expire_leases();
    const auto found = snapshot_->leases.find(lease);
    if (found == snapshot_->leases.end() || found->second.expiring) {
      co_return fail("lease-not-found", fmt::format("no lease {}", lease), 404);
    }
    found->second.deadline = clock_.now() + found->second.ttl;
    co_return Result<void>();
  }

  task<Result<void>> revoke_lease(std::int64_t lease) override {
    auto request = std::make_shared<Request>();
    request->work = RevokeLease{lease};
    co_await Submission{*writer_, request};
    if (!request->result) co_return std::unexpected(request->result.error());
    snapshot_->leases.erase(lease);
    co_return Result<void>();
  }

 private:
  Result<void> load_leases(Database& database) {
    LF_TRY(rows, database.prepare("SELECT id, ttl_ms FROM leases"));
    auto row = rows.step();
    for (; row && *row; row = rows.step()) {
      const Millis ttl(rows.integer(1));
      snapshot_->leases[rows.integer(0)] = {ttl, clock_.now() + ttl};
    }
    if (!row) return std::unexpected(row.error());
    return {};
  }

  // Called when the writer's timer says so and before every commit, so that nobody writes after a
  // lease has run out and before its keys are gone.
  void expire_leases() {
    const TimePoint now = clock_.now();
    for (auto& [id, lease] : snapshot_->leases) {
      if (lease.deadline > now || lease.expiring) continue;
      lease.expiring = expire(id);
    }
    wake_for_leases();
  }

  bool expire(std::int64_t id) {
    auto request = std::make_shared<Request>();
    request->work = RevokeLease{id};
    request->delivered = [alive = alive_, snapshot = snapshot_, id](const Request& done) {
      if (done.result || done.result.error().code == "lease-not-found") {
        snapshot->leases.erase(id);
      } else if (auto found = snapshot->leases.find(id); found != snapshot->leases.end()) {
        found->second.expiring = false;  // again at the next look
      }
      if (*alive) (*alive)->wake_for_leases();
    };
    return writer_->submit(std::move(request)).has_value();
  }

  void wake_for_leases() {
    std::optional<TimePoint> next;
    for (const auto& [id, lease] : snapshot_->leases) {
      if (!lease.expiring && (!next || lease.deadline < *next)) next = lease.deadline;
    }
    if (!next) return;
    // At least this long, so that a failing disk is not asked without pause.
    const Millis wait = std::max<Millis>(*next - clock_.now(), Millis(50));
    writer_->wake_at(std::chrono::steady_clock::now() + wait);
  }

  io::Loop& loop_;
  const Clock& clock_;
  io::Fd lock_;
  std::shared_ptr<Snapshot> snapshot_;
  std::shared_ptr<SqliteStore*> alive_;
  std::unique_ptr<Writer> writer_;
};

// SQLite would make the file readable for everybody; state holds secrets.
Result<void> create_private(const std::filesystem::path& file) {
  io::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(fmt::format("cannot open {}", file.string()), errno);
  return io::sync_directory(file.parent_path());
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(io::Loop& loop, const Clock& clock,
                                           SqliteOptions options) {
  // Two processes on one file would each believe their own memory.
  LF_TRY(lock, io::lock_file(options.file.string() + ".lock"));
  LF_OK(create_private(options.file));
  LF_TRY(database, Database::open(options.file, options.vfs));
  LF_OK(prepare_schema(database, options.file));
  LF_TRY(reader, Database::open(options.file, options.vfs));
  auto snapshot = std::make_shared<Snapshot>(loop, std::move(reader));
  auto store = std::make_unique<SqliteStore>(loop, clock, std::move(lock), std::move(snapshot));
  LF_OK(store->start(std::move(database), options.history));
  return store;
}

}  // namespace landfall::store
