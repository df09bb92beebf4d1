// How `landfall serve` speaks with the data plane: starts the process or finds the running one,
// hands it configurations, reads health and metrics.
//
//   proxy::Control control(loop, data_dir / "proxy", data_dir-owning-binary);
//   LF_CO_OK(co_await control.ensure_running());
//   LF_CO_TRY(applied, co_await control.apply(snapshot));
//
// Every call is one short exchange with a deadline; calls may overlap. When the process has died
// (error "not-running") call ensure_running() and apply the snapshot again: the proxy keeps nothing
// on disk. One task should own apply(), so that snapshots arrive in order.
#pragma once

#include <filesystem>
#include <memory>

#include "io/loop.h"
#include "proxy/protocol.h"

namespace landfall::proxy {

class Control {
 public:
  // folder: <data folder>/proxy; holds the socket, the pid file and the log of the process.
  // program: what to start it with; empty: this very binary.
  Control(io::Loop& loop, std::filesystem::path folder, std::string program = {});

  // Adopts the process that runs, or starts one and waits until it answers. A running process of
  // another build is replaced: the new one takes over its sockets and no connection is lost.
  task<Result<Status>> ensure_running();

  // Replaces the whole configuration; requests in flight finish under the one they began with.
  // Problems of single listeners are in the answer, the error is for the snapshot as a whole.
  task<Result<Applied>> apply(std::shared_ptr<const Snapshot> snapshot);
  task<Result<HealthReport>> target_health();
  task<Result<Metrics>> metrics();
  // The counters of every process that has any to tell: the one that answers, those that drain, and
  // those that have ended since their last words were forgotten. Nobody runs: not an error.
  task<Result<std::vector<Metrics>>> all_metrics();
  task<void> forget_ended(std::vector<Metrics> read);
  task<Result<Status>> status();

  // Ends the process: it finishes what is in flight for so long at most. Absent is success.
  task<Result<void>> stop(Millis drain = std::chrono::seconds(0));

 private:
  task<Result<ControlAnswer>> call(ControlRequest request, Millis timeout);

  io::Loop& loop_;
  std::filesystem::path folder_;
  std::string program_;
};

}  // namespace landfall::proxy
