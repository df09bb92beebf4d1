// All that DNS knows, and how `landfall serve` tells it to `landfall dns`: by two files in the
// process's folder, each replaced as a whole.
//
//   snapshot   written by serve: what to answer, where
//   state      written by the process: who it is, and how far it has come
//
// Neither is synced to the disk: what they describe (namespaces, a process) does not outlive the
// kernel either, and a file that cannot be read counts as absent.
#pragma once

#include <filesystem>
#include <map>

#include "host/dns/zones.h"
#include "io/files.h"

namespace landfall::host::dns {

struct OpenView {
  View view;
  std::string network_namespace;  // path
  std::vector<Ipv4> addresses;
  bool operator==(const OpenView&) const = default;
};

struct Snapshot {
  std::int64_t revision = 0;  // grows with every change, also from one serve to the next
  NameTable names;
  ZoneTable zones;
  std::map<std::string, OpenView> views;  // by VPC
};

struct State {
  std::string version;  // of the binary
  int pid = 0;
  std::uint64_t start_time = 0;
  std::int64_t revision = 0;                    // of the snapshot in force
  std::map<std::string, std::string> problems;  // by VPC that cannot be answered in
};

std::string to_text(const Snapshot& snapshot);
Result<Snapshot> snapshot_from(std::string_view text);

Result<Snapshot> read_snapshot(const std::filesystem::path& folder);
Result<State> read_state(const std::filesystem::path& folder);
// Blocking for microseconds.
Result<void> write_snapshot(const std::filesystem::path& folder, std::string_view text);
Result<void> write_state(const std::filesystem::path& folder, const State& state);

// An inotify descriptor that can be read when a file of the folder has been replaced, or the folder
// is gone.
Result<io::Fd> watch_folder(const std::filesystem::path& folder);
// Reads what it has to tell: was the snapshot replaced, or is the folder gone?
bool snapshot_replaced(int watch);

}  // namespace landfall::host::dns
