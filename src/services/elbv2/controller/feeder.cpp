#include "services/elbv2/controller/feeder.h"

#include "base/bytes.h"
#include "base/log.h"
#include "io/files.h"
#include "services/elbv2/authentication.h"
#include "services/elbv2/find.h"

namespace landfall::elbv2 {
namespace {

// The last load balancer is gone: what is in flight may end.
constexpr Millis kLastRequests = std::chrono::seconds(5);
constexpr Millis kRetry = std::chrono::seconds(1);
// Interfaces and certificates change without a change of our own records; the kernel, too.
constexpr Millis kResync = std::chrono::seconds(10);

// Accounts and regions that have anything of ours.
std::set<Scope> scopes_of(store::Store& store) {
  std::set<Scope> out;
  std::string after(kRoot);
  while (true) {
    // One key of each scope: the next scope begins behind everything of this one.
    const auto found = store.range(kRoot, {after, 1});
    if (found.empty()) return out;
    const auto key = parse_key(found.front().key);
    if (!key) {
      after = found.front().key;
      continue;
    }
    out.insert(key->scope);
    after = fmt::format("{}{}/{}/\xff", kRoot, key->scope.account, key->scope.region);
  }
}

template <class T>
std::vector<T> values(const store::Table<T>& table) {
  std::vector<T> out;
  for (auto& row : table.list()) out.push_back(std::move(row.value));
  return out;
}

}  // namespace

Feeder::Feeder(Elbv2& elbv2, FeederOptions options)
    : elbv2_(elbv2),
      options_(std::move(options)),
      control_(elbv2.loop, options_.folder),
      tasks_(elbv2.loop),
      poked_(elbv2.loop),
      applied_(elbv2.loop) {}

void Feeder::start() {
  tasks_.spawn("elbv2-feed", feed());
  tasks_.spawn("elbv2-health", watch_health());
}

task<void> Feeder::stop() {
  stopping_ = true;
  applied_.notify_all();
  co_await tasks_.stop();
}

void Feeder::poke() {
  due_ = true;
  poked_.notify_all();
}

task<bool> Feeder::wait_for(store::Revision revision, Millis timeout) {
  const TimePoint until = elbv2_.clock.now() + timeout;
  while (in_force_ < revision && !failed_ && !stopping_) {
    const auto left = std::chrono::duration_cast<Millis>(until - elbv2_.clock.now());
    if (left <= Millis(0) || !co_await applied_.wait_for(left)) break;
  }
  co_return in_force_ >= revision;
}

// Made once: cookies that clients hold must stay good when the proxy starts anew.
std::string Feeder::cookie_key() {
  if (!cookie_key_.empty()) return cookie_key_;
  const auto path = options_.folder / "cookie-key";
  if (const auto kept = io::read_file(path, 4096)) {
    cookie_key_ = *kept;
  } else {
    std::string bytes(32, '\0');
    elbv2_.random.fill({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    cookie_key_ = base64_encode(bytes);
    (void)io::make_directories(options_.folder, 0700);
    if (auto written = io::write_file(path, cookie_key_, 0600); !written)
      log::warning("elbv2", "cannot keep the key of the cookies: {}", written.error().message);
  }
  return cookie_key_;
}

task<Result<proxy::Snapshot>> Feeder::build() {
  proxy::Snapshot out;
  out.revision = elbv2_.store.revision();
  group_ids_.clear();
  for (const Scope& scope : scopes_of(elbv2_.store)) {
    const Tables tables = elbv2_.tables(scope);
    Inventory inventory{.load_balancers = values(tables.load_balancers),
                        .listeners = values(tables.listeners),
                        .rules = values(tables.rules),
                        .target_groups = values(tables.target_groups),
                        .published = options_.published};
    for (ListenerRecord& listener : inventory.listeners)
      unseal_secrets(elbv2_.sealer, listener.key(), listener.default_actions);
    for (RuleRecord& rule : inventory.rules)
      unseal_secrets(elbv2_.sealer, rule.key(), rule.actions);
    for (const TargetGroupRecord& group : inventory.target_groups) {
      group_ids_[group.arn()] = group.id;
      for (auto& row : targets_of(tables, group))
        inventory.targets[group.id].push_back(std::move(row.value));
    }
    for (const LoadBalancerRecord& balancer : inventory.load_balancers) {
      for (const NodeRecord& node : balancer.nodes) {
        if (node.interface_id.empty()) continue;
        const auto found = elbv2_.ec2.find_interface(scope, node.interface_id);
        std::error_code ignored;
        if (found && std::filesystem::exists(found->namespace_path, ignored))
          inventory.namespaces[node.interface_id] = found->namespace_path;
      }
    }
    std::set<std::string> trusting;
    for (const ListenerRecord& listener : inventory.listeners)
      trusting.insert(listener.trust_store);
    for (const TrustStoreRecord& store : values(tables.trust_stores)) {
      if (!trusting.contains(store.arn())) continue;
      proxy::MutualTls& made = inventory.trust_stores[store.arn()];
      made.authorities_pem = store.authorities;
      for (auto& row : tables.revocations.list(store.id + "/"))
        made.revoked.push_back(std::move(row.value.content));
    }
    for (const ListenerRecord& listener : inventory.listeners) {
      std::vector<std::string> arns = listener.certificates;
      if (listener.secure()) arns.push_back(listener.certificate);
      for (const std::string& arn : arns) {
        if (inventory.certificates.contains(arn)) continue;
        auto pem = elbv2_.acm.certificate_pem(scope, arn);
        if (!pem) {
          log::warning("elbv2", "{}: certificate {}: {}", listener.arn(), arn, pem.error().message);
          continue;
        }
        inventory.certificates[arn] = {arn, std::move(pem->certificate), std::move(pem->key)};
      }
    }
    add_to_snapshot(out, inventory,
                    {options_.buckets.string(), (options_.folder / "unfinished-logs").string()});
  }
  co_return out;
}

task<Result<void>> Feeder::apply_once() {
  LF_CO_TRY(snapshot, co_await build());
  const std::int64_t revision = snapshot.revision;
  if (snapshot.load_balancers.empty() && !running_) {
    // Nothing to serve. A process that a former server left is told so, none is started.
    const auto status = co_await control_.status();
    if (!status) {
      elbv2_.health.clear();
      in_force_ = revision;
      co_return Result<void>();
    }
  }
  snapshot.cookie_key = cookie_key();
  snapshot.identity_key = options_.identity_key;
  snapshot.trust_file = options_.trust_file;
  snapshot.revision = 0;
  std::string text = record::to_text(snapshot);
  if (running_ && text == last_text_) {
    in_force_ = revision;
    co_return Result<void>();
  }
  snapshot.revision = revision;
  LF_CO_TRY(status, co_await control_.ensure_running());
  if (!running_) log::info("elbv2", "the proxy runs as process {}", status.pid);
  const bool nothing = snapshot.load_balancers.empty();
  LF_CO_TRY(applied,
            co_await control_.apply(std::make_shared<const proxy::Snapshot>(std::move(snapshot))));
  running_ = true;
  last_text_ = std::move(text);
  in_force_ = revision;
  co_await note_problems(applied.problems);
  // What could not be opened is tried again: an interface comes up a moment after its namespace.
  if (!applied.problems.empty()) last_text_.clear();
  if (nothing) {
    LF_CO_OK(co_await control_.stop(kLastRequests));
    running_ = false;
    last_text_.clear();
  }
  co_return Result<void>();
}

task<void> Feeder::feed() {
  while (true) {
    if (!due_) (void)co_await poked_.wait_for(last_text_.empty() && running_ ? kRetry : kResync);
    due_ = false;
    auto done = co_await apply_once();
    failed_ = !done;
    applied_.notify_all();
    if (done) continue;
    log::error("elbv2", "cannot configure the proxy: {}", done.error().message);
    running_ = false;
    last_text_.clear();
    co_await elbv2_.loop.sleep_for(kRetry);
    due_ = true;
  }
}

void Feeder::note_health(const proxy::HealthReport& report) {
  HealthTable table;
  for (const proxy::TargetHealth& target : report.targets) {
    const auto group = group_ids_.find(target.group);
    if (group == group_ids_.end()) continue;
    table[fmt::format("{}/{}:{}", group->second, target.target, target.port)] = {
        target.state, target.reason, target.description, from_unix_ms(target.since_ms)};
  }
  if (table == elbv2_.health) return;
  for (const auto& [key, health] : table) {
    const auto before = elbv2_.health.find(key);
    if (before != elbv2_.health.end() && before->second.state == health.state) continue;
    log::info("elbv2", "target {} is {}{}{}", key, health.state,
              health.description.empty() ? "" : ": ", health.description);
  }
  elbv2_.health = std::move(table);
  for (const auto& listener : elbv2_.health_listeners) listener();
}

task<void> Feeder::watch_health() {
  while (true) {
    co_await elbv2_.loop.sleep_for(options_.health_interval);
    if (!running_) continue;
    const auto report = co_await control_.target_health();
    if (report) {
      note_health(*report);
      continue;
    }
    if (!running_) continue;
    log::warning("elbv2", "the proxy does not answer: {}", report.error().message);
    running_ = false;
    last_text_.clear();
    poke();
  }
}

// A listener that could not be opened is a condition of its load balancer.
task<void> Feeder::note_problems(std::vector<proxy::ListenerProblem> problems) {
  std::map<std::string, std::string> by_balancer;
  for (const proxy::ListenerProblem& problem : problems) {
    log::warning("elbv2", "{}: {}", problem.listener, problem.message);
    const auto arn = Arn::parse(problem.listener);
    if (!arn) continue;
    const Scope scope{arn->account, arn->region};
    const auto row = find_listener(elbv2_.tables(scope), scope, problem.listener);
    if (row) {
      by_balancer[row->value.load_balancer_arn()] +=
          fmt::format("Port {}: {}. ", row->value.port, problem.message);
    }
  }
  for (const Scope& scope : scopes_of(elbv2_.store)) {
    auto guard = co_await elbv2_.writing.enter();
    const Tables tables = elbv2_.tables(scope);
    store::Transaction transaction;
    for (auto& row : tables.load_balancers.list()) {
      const auto found = by_balancer.find(row.value.arn());
      const reconcile::Condition condition =
          found == by_balancer.end()
              ? reconcile::Condition{"Listening", reconcile::Status::yes, "Listening", "", "", {}}
              : reconcile::Condition{
                    "Listening", reconcile::Status::no, "ListenerFailed", found->second, "", {}};
      if (reconcile::set_condition(row.value.conditions, condition, elbv2_.clock.now()))
        transaction.operations.push_back(tables.load_balancers.put(row.id, row.value));
    }
    if (transaction.operations.empty()) continue;
    if (auto done = co_await elbv2_.store.commit(std::move(transaction)); !done)
      log::warning("elbv2", "cannot record conditions: {}", done.error().message);
  }
}

}  // namespace landfall::elbv2
