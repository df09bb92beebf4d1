#include "host/dns/process/snapshot.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/record.h"

namespace landfall {

static json::value to_json(const Ipv4& address) { return json::value(address.str()); }
static bool from_json(const json::value& from, Ipv4& out) {
  const auto parsed = from.is_string() ? Ipv4::parse(from.get_string()) : std::nullopt;
  if (parsed) out = *parsed;
  return parsed.has_value();
}
static json::value to_json(const Cidr& block) { return json::value(block.str()); }
static bool from_json(const json::value& from, Cidr& out) {
  const auto parsed = from.is_string() ? Cidr::parse(from.get_string()) : std::nullopt;
  if (parsed) out = *parsed;
  return parsed.has_value();
}

}  // namespace landfall

namespace landfall::host::dns {
namespace fs = std::filesystem;

// As they are in the file: RDATA is bytes, which JSON cannot hold.
struct StoredSet {
  std::uint32_t ttl_s = 0;
  std::vector<std::string> data;  // base64
  std::string alias;
  bool weighted = false;
  std::uint32_t weight = 0;
  bool all = false;
};
struct StoredZone {
  std::string id, name;
  std::set<std::string> vpcs;
  std::map<std::string, std::map<std::string, std::vector<StoredSet>>> records;
};
struct StoredView {
  std::string vpc_id;
  std::vector<Cidr> blocks;
  std::string internal_domain;
  Ipv4 api;
  bool hostnames = true;
  std::map<std::string, std::vector<Ipv4>> own_names;
  std::string network_namespace;
  std::vector<Ipv4> addresses;
};
struct StoredSnapshot {
  std::int64_t revision = 0;
  std::map<std::string, Name> names;
  std::vector<StoredZone> zones;
  std::vector<StoredView> views;
};
LF_RECORD(Name, vpc_id, inside, outside)
LF_RECORD(StoredSet, ttl_s, data, alias, weighted, weight, all)
LF_RECORD(StoredZone, id, name, vpcs, records)
LF_RECORD(StoredView, vpc_id, blocks, internal_domain, api, hostnames, own_names, network_namespace,
          addresses)
LF_RECORD(StoredSnapshot, revision, names, zones, views)
LF_RECORD(State, version, pid, start_time, revision, problems)

namespace {

StoredSet stored(const RecordSet& set) {
  StoredSet out{set.ttl_s, {}, set.alias, set.weighted, set.weight, set.all};
  for (const std::string& data : set.data) out.data.push_back(base64_encode(data));
  return out;
}

Result<RecordSet> restored(StoredSet set) {
  RecordSet out{set.ttl_s, {}, std::move(set.alias), set.weighted, set.weight, set.all};
  for (const std::string& text : set.data) {
    LF_TRY(data, base64_decode(text));
    out.data.push_back(std::move(data));
  }
  return out;
}

Result<Zone> restored(StoredZone zone) {
  Zone out{std::move(zone.id), std::move(zone.name), std::move(zone.vpcs), {}};
  for (auto& [name, types] : zone.records) {
    for (auto& [type, sets] : types) {
      std::vector<RecordSet>& made = out.records[name][std::uint16_t(std::atoi(type.c_str()))];
      for (StoredSet& set : sets) {
        LF_TRY(record, restored(std::move(set)));
        made.push_back(std::move(record));
      }
    }
  }
  return out;
}

Result<void> replace_file(const fs::path& path, std::string_view text) {
  const std::string fresh = fmt::format("{}.{}", path.string(), ::getpid());
  const io::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return fail_errno("create " + fresh, errno);
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write " + fresh, errno);
    text.remove_prefix(std::size_t(count));
  }
  if (::rename(fresh.c_str(), path.c_str()) < 0) return fail_errno("rename " + fresh, errno);
  return {};
}

constexpr std::size_t kFileLimit = 256 << 20;

}  // namespace

std::string to_text(const Snapshot& snapshot) {
  StoredSnapshot out{.revision = snapshot.revision,
                     .names = {snapshot.names.begin(), snapshot.names.end()}};
  for (const Zone& zone : snapshot.zones) {
    StoredZone& made = out.zones.emplace_back(StoredZone{zone.id, zone.name, zone.vpcs, {}});
    for (const auto& [name, types] : zone.records) {
      for (const auto& [type, sets] : types) {
        for (const RecordSet& set : sets)
          made.records[name][std::to_string(type)].push_back(stored(set));
      }
    }
  }
  for (const auto& [id, open] : snapshot.views) {
    const View& view = open.view;
    out.views.push_back({view.vpc_id,
                         view.blocks,
                         view.internal_domain,
                         view.api,
                         view.hostnames,
                         {view.own_names.begin(), view.own_names.end()},
                         open.network_namespace,
                         open.addresses});
  }
  return record::to_text(out);
}

Result<Snapshot> snapshot_from(std::string_view text) {
  LF_TRY(read, record::from_text<StoredSnapshot>(text));
  Snapshot out{.revision = read.revision, .names = {read.names.begin(), read.names.end()}};
  for (StoredZone& zone : read.zones) {
    LF_TRY(made, restored(std::move(zone)));
    out.zones.push_back(std::move(made));
  }
  for (StoredView& view : read.views) {
    const std::string id = view.vpc_id;
    out.views[id] = {{view.vpc_id,
                      view.blocks,
                      view.internal_domain,
                      view.api,
                      view.hostnames,
                      {view.own_names.begin(), view.own_names.end()}},
                     view.network_namespace,
                     view.addresses};
  }
  return out;
}

Result<Snapshot> read_snapshot(const fs::path& folder) {
  LF_TRY(text, io::read_file(folder / "snapshot", kFileLimit));
  return snapshot_from(text);
}

Result<State> read_state(const fs::path& folder) {
  LF_TRY(text, io::read_file(folder / "state", kFileLimit));
  return record::from_text<State>(text);
}

Result<void> write_snapshot(const fs::path& folder, std::string_view text) {
  return replace_file(folder / "snapshot", text);
}

Result<void> write_state(const fs::path& folder, const State& state) {
  return replace_file(folder / "state", record::to_text(state));
}

Result<io::Fd> watch_folder(const fs::path& folder) {
  io::Fd watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch) return fail_errno("inotify", errno);
  if (::inotify_add_watch(watch.get(), folder.c_str(), IN_MOVED_TO | IN_DELETE_SELF) < 0)
    return fail_errno("watch " + folder.string(), errno);
  return watch;
}

bool snapshot_replaced(int watch) {
  bool replaced = false;
  alignas(inotify_event) std::array<char, 4096> events;
  for (ssize_t size; (size = ::read(watch, events.data(), events.size())) > 0;) {
    for (const char* at = events.data(); at < events.data() + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      // Events that were too many to be kept: it may be among them.
      if (event->len == 0 || std::string_view(event->name) == "snapshot") replaced = true;
      at += sizeof *event + event->len;
    }
  }
  return replaced;
}

}  // namespace landfall::host::dns
