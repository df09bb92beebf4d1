// DNS in a process of its own, `landfall dns`: started, adopted, replaced by a newer binary, told
// what to answer. It goes on when this process ends; the next one continues from its snapshot.
#pragma once

#include <filesystem>

#include "host/dns/process/snapshot.h"
#include "host/dns/resolver.h"

namespace landfall::host::dns {

class Control : public Resolver {
 public:
  // folder: <data folder>/dns. command: what starts the process, "--folder DIR" is added; empty:
  // this very binary's `dns`.
  Control(io::Loop& loop, std::filesystem::path folder, std::vector<std::string> command = {});

  void start();
  // The process goes on.
  task<void> stop() override;
  // Ends the process; nobody answers any more. Absent is success. For `landfall down`.
  task<void> end();

  task<void> set_names(NameTable names) override;
  task<void> set_zones(ZoneTable zones) override;
  task<Result<void>> open(View view, std::string namespace_path, std::vector<Ipv4> addresses,
                          bool reopen) override;
  task<void> close(std::string vpc_id) override;
  task<void> keep_only(std::set<std::string> vpc_ids) override;

 private:
  void change();
  task<bool> in_force(std::int64_t revision);
  bool alive() const;
  task<void> feed();
  task<Result<void>> apply_once();
  task<Result<void>> ensure_running();

  io::Loop& loop_;
  std::filesystem::path folder_;
  std::vector<std::string> command_;
  Snapshot wanted_;
  std::int64_t written_ = 0;
  State state_;  // as last read
  io::Event poked_, applied_;
  io::TaskScope tasks_;
};

}  // namespace landfall::host::dns
