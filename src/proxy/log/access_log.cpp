#include "proxy/log/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kQueueLimit = 65'536;  // records per thread
constexpr std::int64_t kFileMs = 5 * 60 * 1000;
constexpr std::size_t kFileLimit = 64 << 20;

std::string time_text(std::int64_t unix_us) {
  std::string text = format_iso8601(from_unix_ms(unix_us / 1000));
  text.pop_back();
  return fmt::format("{}.{:06}Z", text, unix_us % 1'000'000);
}

std::string seconds(std::int64_t us) {
  return us < 0 ? std::string("-1") : fmt::format("{:.3f}", static_cast<double>(us) / 1e6);
}

// Quotes and control characters would break the line.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  if (text.empty()) out += '-';
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

std::string code(int value) { return value == 0 ? std::string("-") : std::to_string(value); }

}  // namespace

std::string format_record(const LogRecord& r, std::string_view balancer) {
  const std::string peer = r.client.is_v4() ? r.client.str() : "[" + r.client.str() + "]";
  const bool compliant = r.severity == http1::Severity::compliant;
  return fmt::format(
      "{} {} {} {}:{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
      r.type, time_text(r.finished_us), balancer, peer, r.client.port, or_dash(r.target),
      seconds(r.request_us), seconds(r.target_us), seconds(r.response_us), code(r.elb_status),
      code(r.target_status), r.received_bytes, r.sent_bytes, in_quotes(r.request_line),
      in_quotes(r.user_agent), or_dash(r.cipher), or_dash(r.protocol), or_dash(r.target_group),
      in_quotes(r.trace_id), in_quotes(r.server_name), in_quotes(r.certificate),
      r.rule_priority < 0 ? std::string("-1") : std::to_string(r.rule_priority),
      time_text(r.created_us), in_quotes(r.action), in_quotes(r.redirect_url), in_quotes({}),
      in_quotes(r.target), in_quotes(r.target_status == 0 ? "" : std::to_string(r.target_status)),
      compliant ? "\"-\"" : in_quotes(http1::severity_text(r.severity)),
      compliant ? "\"-\"" : in_quotes(http1::reason_text(r.reason)));
}

AccessLog::AccessLog(std::filesystem::path folder, unsigned threads)
    : folder_(std::move(folder)), queues_(threads) {
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  stopping_ = true;
  thread_.join();
}

void AccessLog::set_balancer(std::string name) {
  const std::lock_guard lock(name_mutex_);
  balancer_ = std::move(name);
}

void AccessLog::push(unsigned thread, LogRecord record) {
  Queue& queue = queues_[thread];
  const std::lock_guard lock(queue.mutex);
  if (queue.records.size() >= kQueueLimit) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue.records.push_back(std::move(record));
}

void AccessLog::write_out() {
  std::string text;
  std::string balancer;
  {
    const std::lock_guard lock(name_mutex_);
    balancer = balancer_;
  }
  std::uint64_t count = 0;
  for (Queue& queue : queues_) {
    std::vector<LogRecord> records;
    {
      const std::lock_guard lock(queue.mutex);
      records.swap(queue.records);
    }
    count += records.size();
    for (const LogRecord& record : records) text += format_record(record, balancer) + '\n';
  }
  if (text.empty()) return;
  if (file_ < 0) {
    std::error_code ignored;
    std::filesystem::create_directories(folder_, ignored);
    file_ = ::open((folder_ / "current").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    begun_ms_ = to_unix_ms(SystemClock().now());
    written_ = 0;
  }
  std::string_view rest = text;
  while (file_ >= 0 && !rest.empty()) {
    const ssize_t sent = ::write(file_, rest.data(), rest.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(sent));
    written_ += static_cast<std::size_t>(sent);
  }
  if (!rest.empty()) {
    // A full disk costs log lines, never requests.
    dropped_.fetch_add(count, std::memory_order_relaxed);
    log::warning("access-log", "cannot write to {}", folder_.string());
  }
}

void AccessLog::finish_file() {
  if (file_ < 0) return;
  ::close(std::exchange(file_, -1));
  const std::string name = fmt::format(
      "{}_{}_{}.log", format_iso8601_basic(from_unix_ms(begun_ms_)), ::getpid(), ++sequence_);
  std::error_code ignored;
  std::filesystem::rename(folder_ / "current", folder_ / name, ignored);
}

void AccessLog::run() {
  while (!stopping_) {
    write_out();
    const std::int64_t now = to_unix_ms(SystemClock().now());
    // At AWS's five-minute marks.
    if (file_ >= 0 && (now / kFileMs != begun_ms_ / kFileMs || written_ > kFileLimit))
      finish_file();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  write_out();
  finish_file();
}

}  // namespace landfall::proxy
