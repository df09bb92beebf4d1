#include "services/rds/controller/plan.h"

#include "services/rds/backups.h"
#include "services/rds/keys.h"
#include "services/rds/master_secret.h"

namespace landfall::rds {
namespace {

using Server = ObservedServer::State;

constexpr Millis kReadyPoll(200);
// The end of a snapshot wakes the controller; this is for the case that it does not.
constexpr Millis kSnapshotPoll = std::chrono::seconds(5);

std::uint64_t wanted_bytes(const DbInstance& wanted) {
  return std::uint64_t(wanted.allocated_storage_gib) << 30;
}

// Shared by stopping, deleting and growing: no server, then no mount. `none` when that is reached.
Plan take_down(const Observed& observed, std::string status) {
  if (observed.server.state == Server::running) return {Step::stop_server, std::move(status)};
  if (observed.server.state != Server::absent) return {Step::remove_server, std::move(status)};
  if (observed.volume_mounted) return {Step::unmount_volume, std::move(status)};
  return {Step::none, std::move(status)};
}

Plan plan_deletion(const DbInstance& wanted, const Observed& observed) {
  const std::string status = "deleting";
  if (Plan down = take_down(observed, status); down.step != Step::none) return down;
  if (observed.snapshot_under_way) return {Step::wait, status, kSnapshotPoll};
  if (!wanted.final_snapshot.empty() && !observed.final_snapshot_exists && observed.volume_exists) {
    return {Step::take_final_snapshot, status};
  }
  if (observed.volume_exists) return {Step::delete_volume, status};
  if (!wanted.interface_id.empty()) return {Step::delete_interface, status};
  return {Step::forget, status};
}

// While the server is being brought up, "rebooting", "starting" and the like stay as they are.
std::string status_on_the_way_up(const DbInstance& wanted) {
  if (wanted.status == "stopped" || wanted.status == "stopping") return "starting";
  if (wanted.status == "failed" || wanted.status == "available") {
    return wanted.available_at ? "rebooting" : "creating";
  }
  return "";
}

Plan plan_exited(const DbInstance& wanted, const Observed& observed, TimePoint now) {
  // retry_at was set when this exit was noticed, so it lies behind the exit.
  const bool noticed = wanted.retry_at > observed.server.exited_at;
  if (!noticed) {
    Plan failed{Step::wait, wanted.available_at ? "rebooting" : "creating", Millis(0)};
    // A server that has never come up with parameters of the user's own: they are to blame.
    if (!wanted.answered && observed.custom_parameters && wanted.consecutive_failures > 0)
      failed.status = "incompatible-parameters";
    failed.count_failure = true;
    return failed;
  }
  // Other parameters may help at once.
  if (!observed.settings_current) return {Step::remove_server, ""};
  if (now < wanted.retry_at) return {Step::wait, "", wanted.retry_at - now};
  return {Step::remove_server, ""};
}

// Nothing of the data may stay readable without its key. Only StartDBInstance ends this.
Plan plan_inaccessible(const DbInstance& wanted, const Observed& observed, TimePoint now) {
  if (!wanted.inaccessible_since) return {Step::mark_inaccessible, kInaccessibleForNow};
  const TimePoint lost_at = *wanted.inaccessible_since + kKeyGrace;
  const std::string status = now < lost_at ? kInaccessibleForNow : kInaccessible;
  if (Plan down = take_down(observed, status); down.step != Step::none) return down;
  return {Step::none, status};
}

Plan plan_running(const DbInstance& wanted, const Observed& observed, TimePoint now) {
  if (wanted.inaccessible_since || !observed.key_accessible)
    return plan_inaccessible(wanted, observed, now);
  if (!wanted.pending.empty() && in_weekly_window(wanted.maintenance_window, now))
    return {Step::apply_pending, ""};
  if (!observed.newer_minor.empty() && minor_upgrade_due(wanted, now))
    return {Step::upgrade_minor, "upgrading"};
  // A new database is made with its password.
  if (wanted.master_verifier.empty() && password_due(wanted, now))
    return {Step::stage_password, ""};
  if (!observed.interface_ready) return {Step::make_interface, status_on_the_way_up(wanted)};
  if (!observed.volume_exists) return {Step::make_volume, status_on_the_way_up(wanted)};
  if (observed.volume_size_bytes < wanted_bytes(wanted)) {
    Plan down = take_down(observed, wanted.available_at ? "modifying" : "creating");
    if (down.step == Step::none) down.step = Step::grow_volume;
    return down;
  }
  if (!observed.volume_ready) {
    if (observed.server.state != Server::absent) return {Step::remove_server, ""};
    return {Step::mount_volume, status_on_the_way_up(wanted)};
  }
  switch (observed.server.state) {
    case Server::absent:
      return {Step::start_server, status_on_the_way_up(wanted)};
    case Server::half_made:
      return {Step::remove_server, ""};
    case Server::exited:
      return plan_exited(wanted, observed, now);
    case Server::running:
      break;
  }
  if (wanted.reboots_done < wanted.reboots_wanted) return {Step::stop_server, "rebooting"};
  if (observed.server.configuration != observed.wanted_configuration)
    return {Step::stop_server, "modifying"};
  if (!observed.answers) return {Step::wait, status_on_the_way_up(wanted), kReadyPoll};
  if (wanted.restore_segments) return {Step::end_recovery, ""};
  if (wanted.is_replica() && wanted.promote) return {Step::promote, "modifying"};
  if (!observed.settings_current) return {Step::load_settings, ""};
  // Passwords come from the source, backups are made of it.
  if (wanted.is_replica()) return {wanted.status == "available" ? Step::none : Step::finish, ""};
  if (password_due(wanted, now)) return {Step::stage_password, ""};
  if (wanted.applied_verifier != wanted.master_verifier) return {Step::set_password, ""};
  if (!wanted.master_secret.empty() && !wanted.master_secret.version.empty() &&
      !wanted.master_secret.published)
    return {Step::publish_password, ""};
  if (!wanted.old_secrets.empty()) return {Step::remove_secrets, ""};
  if (wanted.backup_retention_days == 0 && wanted.last_automated_snapshot)
    return {Step::drop_backups, ""};
  if (observed.snapshot_under_way) return {Step::wait, "backing-up", kSnapshotPoll};
  if (automated_snapshot_due(wanted, now)) return {Step::take_automated_snapshot, "backing-up"};
  if (wanted.status != "available") return {Step::finish, ""};
  if (restorable_time_due(wanted, now)) return {Step::move_restorable_time, ""};
  return {Step::none, ""};
}

std::optional<int> minutes_of_day(std::string_view text) {
  int hours = 0, minutes = 0;
  if (text.size() != 5 || text[2] != ':') return {};
  if (std::from_chars(text.data(), text.data() + 2, hours).ptr != text.data() + 2) return {};
  if (std::from_chars(text.data() + 3, text.data() + 5, minutes).ptr != text.data() + 5) return {};
  if (hours > 23 || minutes > 59) return {};
  return hours * 60 + minutes;
}

std::optional<int> minutes_of_week(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed",
                                                            "thu", "fri", "sat"};
  if (text.size() != 9 || text[3] != ':') return {};
  const auto day = std::ranges::find(kDays, text.substr(0, 3));
  const auto minutes = minutes_of_day(text.substr(4));
  if (day == kDays.end() || !minutes) return {};
  return int(day - kDays.begin()) * 24 * 60 + *minutes;
}

bool within(std::optional<int> begin, std::optional<int> end, int at) {
  if (!begin || !end) return false;
  return *begin <= *end ? at >= *begin && at < *end : at >= *begin || at < *end;
}

}  // namespace

bool automated_snapshot_due(const DbInstance& wanted, TimePoint now) {
  if (wanted.backup_retention_days <= 0) return false;
  if (!wanted.last_automated_snapshot) return true;
  return in_daily_window(wanted.backup_window, now) &&
         now - *wanted.last_automated_snapshot > std::chrono::hours(20);
}

bool minor_upgrade_due(const DbInstance& wanted, TimePoint now) {
  return wanted.auto_minor_version_upgrade && wanted.available_at &&
         now - wanted.created_at >= std::chrono::days(1) &&
         in_weekly_window(wanted.maintenance_window, now);
}

bool restorable_time_due(const DbInstance& wanted, TimePoint now) {
  return wanted.backup_retention_days > 0 &&
         (!wanted.latest_restorable_at || now - *wanted.latest_restorable_at >= kArchiveEvery);
}

bool in_weekly_window(std::string_view window, TimePoint now) {
  if (window.size() != 19) return false;
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const int at = int(std::chrono::weekday(day).c_encoding()) * 24 * 60 +
                 int(std::chrono::floor<std::chrono::minutes>(now - day).count());
  return within(minutes_of_week(window.substr(0, 9)), minutes_of_week(window.substr(10)), at);
}

bool in_daily_window(std::string_view window, TimePoint now) {
  if (window.size() != 11) return false;
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const int at = int(std::chrono::floor<std::chrono::minutes>(now - day).count());
  return within(minutes_of_day(window.substr(0, 5)), minutes_of_day(window.substr(6)), at);
}

Plan plan(const DbInstance& wanted, const Observed& observed, TimePoint now) {
  switch (wanted.wanted) {
    case Wanted::deleted:
      return plan_deletion(wanted, observed);
    case Wanted::stopped: {
      Plan down = take_down(observed, "stopping");
      if (down.step != Step::none) return down;
      return wanted.status == "stopped" ? Plan{} : Plan{Step::mark_stopped, "stopped"};
    }
    case Wanted::running:
      return plan_running(wanted, observed, now);
  }
  return {};
}

std::string_view name(Step step) {
  switch (step) {
    case Step::none:
      return "none";
    case Step::wait:
      return "wait";
    case Step::apply_pending:
      return "apply pending changes";
    case Step::upgrade_minor:
      return "upgrade to a newer minor version";
    case Step::make_interface:
      return "make the network interface";
    case Step::make_volume:
      return "make the volume";
    case Step::grow_volume:
      return "grow the volume";
    case Step::mount_volume:
      return "mount the volume";
    case Step::start_server:
      return "start the server";
    case Step::stop_server:
      return "stop the server";
    case Step::remove_server:
      return "remove the server's container";
    case Step::stage_password:
      return "make a master password";
    case Step::publish_password:
      return "publish the master password";
    case Step::remove_secrets:
      return "remove secrets";
    case Step::set_password:
      return "set the master password";
    case Step::end_recovery:
      return "end the recovery";
    case Step::promote:
      return "promote";
    case Step::load_settings:
      return "load the settings";
    case Step::drop_backups:
      return "drop the automated backups";
    case Step::move_restorable_time:
      return "archive what has been written";
    case Step::take_automated_snapshot:
      return "take the automated snapshot";
    case Step::finish:
      return "finish";
    case Step::take_final_snapshot:
      return "take the final snapshot";
    case Step::unmount_volume:
      return "unmount the volume";
    case Step::mark_stopped:
      return "mark as stopped";
    case Step::mark_inaccessible:
      return "mark as inaccessible";
    case Step::delete_volume:
      return "delete the volume";
    case Step::delete_interface:
      return "delete the network interface";
    case Step::forget:
      return "forget";
  }
  return "?";
}

}  // namespace landfall::rds
