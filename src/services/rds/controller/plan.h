// What to do next for a DB instance: a pure function of what is wanted, what is there, and the
// time.
#pragma once

#include "services/rds/store.h"

namespace landfall::rds {

struct ObservedServer {
  enum class State { absent, half_made, running, exited } state = State::absent;
  std::string configuration;  // what it was started with; see configuration_of
  int exit_code = 0;
  std::string exit_reason;
  TimePoint exited_at{};
};

struct Observed {
  bool interface_ready = false;
  bool volume_exists = false;
  bool volume_mounted = false;          // any of the instance's
  bool volume_ready = false;            // mounted and, where it is encrypted, unlocked
  bool key_accessible = true;           // of encrypted volumes; true where they are not
  std::uint64_t volume_size_bytes = 0;  // of the image file
  ObservedServer server;
  std::string wanted_configuration;
  std::string newer_minor;  // version that an automatic upgrade would bring; empty: none
  bool answers = false;     // accepts connections and runs statements
  // The server has read the settings it should have; or, while it is down, the last start was with
  // those that the next would be with.
  bool settings_current = true;
  bool custom_parameters = false;
  bool final_snapshot_exists = false;
  bool snapshot_under_way = false;  // any snapshot of this instance
};

enum class Step {
  none,           // all is as wanted
  wait,           // look again after `wait`
  apply_pending,  // the maintenance window has come
  upgrade_minor,  // likewise
  make_interface,
  make_volume,
  grow_volume,  // needs the server stopped and the volume unmounted
  mount_volume,
  start_server,
  stop_server,       // gracefully, and remove its container
  remove_server,     // the container of a server that does not run
  end_recovery,      // the segments have been replayed
  promote,           // a read replica
  load_settings,     // by the running server
  stage_password,    // a new one, into Secrets Manager
  set_password,      // in the server
  publish_password,  // Secrets Manager gives it from now on
  remove_secrets,    // that are not wanted any more
  drop_backups,      // they have been switched off
  take_automated_snapshot,
  move_restorable_time,
  finish,  // all is there: write endpoint and "available"
  take_final_snapshot,
  unmount_volume,
  mark_stopped,
  mark_inaccessible,  // the key of the volumes cannot be had
  delete_volume,
  delete_interface,
  forget,  // delete the record
};

struct Plan {
  Step step = Step::none;
  std::string status;  // what DescribeDBInstances should say meanwhile; empty: as it is
  Millis wait{0};
  // Set when the server has failed and a new start is planned for later.
  bool count_failure = false;
};

Plan plan(const DbInstance& wanted, const Observed& observed, TimePoint now);

// A snapshot right after creation, then one a day in the backup window, while backups are retained
// at all.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
bool automated_snapshot_due(const DbInstance& wanted, TimePoint now);

// In the maintenance window, but not on the first day: nobody wants the version that was asked for
// exchanged at once.
bool minor_upgrade_due(const DbInstance& wanted, TimePoint now);

// Time to archive what has been written meanwhile.
bool restorable_time_due(const DbInstance& wanted, TimePoint now);

// Is `now` within a window "ddd:hh24:mi-ddd:hh24:mi" (UTC)?
bool in_weekly_window(std::string_view window, TimePoint now);
// Is `now` within "hh24:mi-hh24:mi" (UTC)?
bool in_daily_window(std::string_view window, TimePoint now);

std::string_view name(Step step);

}  // namespace landfall::rds
