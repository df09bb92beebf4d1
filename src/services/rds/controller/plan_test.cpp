#include "services/rds/controller/plan.h"

#include <gtest/gtest.h>

namespace landfall::rds {
namespace {

using State = ObservedServer::State;

const TimePoint kNow = from_unix_ms(1'795'255'898'000);  // Saturday 2026-11-21 10:11:38

DbInstance wanted_instance() {
  DbInstance instance;
  instance.identifier = "db";
  instance.allocated_storage_gib = 20;
  instance.interface_id = "eni-1";
  instance.backup_retention_days = 0;
  instance.master_verifier = instance.applied_verifier = "v";
  return instance;
}

Observed all_up() {
  Observed seen;
  seen.interface_ready = seen.volume_exists = seen.volume_mounted = seen.volume_ready = true;
  seen.answers = true;
  seen.volume_size_bytes = std::uint64_t(20) << 30;
  seen.server = {State::running, "c", 0, "", {}};
  seen.wanted_configuration = "c";
  return seen;
}

// A world that does what each step says, so that a plan can be followed to its end.
struct World {
  DbInstance wanted = wanted_instance();
  Observed seen;
  TimePoint now = kNow;
  bool forgotten = false;

  void perform(const Plan& next) {
    if (!next.status.empty()) wanted.status = next.status;
    switch (next.step) {
      case Step::none:
        break;
      case Step::wait:
        now += std::max(next.wait, Millis(1));
        if (seen.snapshot_under_way)
          seen.snapshot_under_way = false, seen.final_snapshot_exists = true;
        if (seen.server.state == State::running) seen.answers = true;
        break;
      case Step::apply_pending:
        wanted.pending = {};
        break;
      case Step::upgrade_minor:
        wanted.engine_version = seen.newer_minor;
        seen.newer_minor.clear();
        seen.wanted_configuration = "upgraded";
        break;
      case Step::make_interface:
        seen.interface_ready = true;
        break;
      case Step::make_volume:
        seen.volume_exists = true;
        seen.volume_size_bytes = std::uint64_t(wanted.allocated_storage_gib) << 30;
        break;
      case Step::grow_volume:
        EXPECT_FALSE(seen.volume_mounted);
        seen.volume_size_bytes = std::uint64_t(wanted.allocated_storage_gib) << 30;
        break;
      case Step::mount_volume:
        EXPECT_TRUE(seen.key_accessible);
        seen.volume_mounted = seen.volume_ready = true;
        break;
      case Step::start_server:
        EXPECT_TRUE(seen.volume_ready && seen.interface_ready);
        seen.server = {State::running, seen.wanted_configuration, 0, "", {}};
        seen.answers = false;
        wanted.reboots_done = wanted.reboots_wanted;
        seen.settings_current = true;
        break;
      case Step::stop_server:
      case Step::remove_server:
        seen.server = {}, seen.answers = false;
        break;
      case Step::end_recovery:
        EXPECT_TRUE(seen.answers);
        wanted.restore_segments = false;
        seen.settings_current = false;
        break;
      case Step::promote:
        EXPECT_TRUE(seen.answers);
        wanted.replica_source_id.clear();
        wanted.promote = false;
        wanted.applied_verifier.clear();
        seen.settings_current = false;
        break;
      case Step::load_settings:
        EXPECT_TRUE(seen.answers);
        seen.settings_current = true;
        break;
      case Step::drop_backups:
        wanted.last_automated_snapshot.reset();
        break;
      case Step::move_restorable_time:
        wanted.latest_restorable_at = now;
        break;
      case Step::stage_password:
        wanted.master_secret.version = "next";
        wanted.master_secret.published = wanted.master_secret.rotate = false;
        // A server that is not made yet is made with it.
        if (wanted.master_verifier.empty()) wanted.applied_verifier = "next";
        wanted.master_verifier += "next";
        break;
      case Step::publish_password:
        EXPECT_EQ(wanted.applied_verifier, wanted.master_verifier);
        wanted.master_secret.published = true;
        wanted.master_secret.rotated_at = now;
        break;
      case Step::remove_secrets:
        wanted.old_secrets.clear();
        break;
      case Step::set_password:
        wanted.applied_verifier = wanted.master_verifier;
        break;
      case Step::take_automated_snapshot:
        wanted.last_automated_snapshot = now;
        seen.snapshot_under_way = true;
        break;
      case Step::finish:
        wanted.status = "available";
        if (!wanted.available_at) wanted.available_at = now;
        break;
      case Step::take_final_snapshot:
        seen.snapshot_under_way = true;
        break;
      case Step::unmount_volume:
        EXPECT_EQ(seen.server.state, State::absent) << "unmounted under a server";
        seen.volume_mounted = seen.volume_ready = false;
        break;
      case Step::mark_inaccessible:
        wanted.inaccessible_since = now;
        break;
      case Step::mark_stopped:
        wanted.status = "stopped";
        break;
      case Step::delete_volume:
        EXPECT_FALSE(seen.volume_mounted);
        seen.volume_exists = false;
        break;
      case Step::delete_interface:
        wanted.interface_id.clear();
        break;
      case Step::forget:
        forgotten = true;
        break;
    }
  }

  // Follows the plan until there is nothing to do; returns the steps taken.
  std::vector<Step> settle() {
    std::vector<Step> steps;
    for (int count = 0; count < 100; ++count) {
      const Plan next = plan(wanted, seen, now);
      if (next.step == Step::none || forgotten) return steps;
      if (next.count_failure) wanted.retry_at = now + Millis(1000);
      steps.push_back(next.step);
      perform(next);
    }
    ADD_FAILURE() << "the plan never comes to rest";
    return steps;
  }
};

TEST(Plan, ANewInstanceBecomesAvailable) {
  World world;
  world.settle();
  EXPECT_EQ(world.wanted.status, "available");
  EXPECT_TRUE(world.seen.answers);
}

TEST(Plan, ConvergesFromEveryObservableState) {
  for (int bits = 0; bits < 256; ++bits) {
    for (State state : {State::absent, State::half_made, State::running, State::exited}) {
      for (Wanted wish : {Wanted::running, Wanted::stopped, Wanted::deleted}) {
        World world;
        world.wanted.wanted = wish;
        world.wanted.available_at = kNow;
        world.wanted.final_snapshot = bits & 32 ? "final" : "";
        world.seen.interface_ready = bits & 1;
        world.seen.volume_exists = bits & 2;
        world.seen.volume_mounted = (bits & 4) && (bits & 2);
        // Unlocked or, after a crash, mounted without its key.
        world.seen.volume_ready = world.seen.volume_mounted && (bits & 64);
        world.seen.key_accessible = !(bits & 128);
        world.seen.volume_size_bytes =
            world.seen.volume_exists ? (bits & 8 ? 5 : 20) * (std::uint64_t(1) << 30) : 0;
        world.seen.wanted_configuration = "new";
        world.seen.server = {state, bits & 16 ? "old" : "new", 1, "", kNow - Millis(1)};
        world.settle();
        if (wish == Wanted::running && world.seen.key_accessible)
          EXPECT_EQ(world.wanted.status, "available") << bits;
        if (wish == Wanted::running && !world.seen.key_accessible) {
          EXPECT_EQ(world.wanted.status, "inaccessible-encryption-credentials-recoverable") << bits;
          EXPECT_EQ(world.seen.server.state, State::absent) << bits;
          EXPECT_FALSE(world.seen.volume_mounted) << bits;
        }
        if (wish == Wanted::stopped) EXPECT_EQ(world.wanted.status, "stopped") << bits;
        if (wish == Wanted::deleted)
          EXPECT_TRUE(world.forgotten && !world.seen.volume_exists) << bits;
      }
    }
  }
}

TEST(Plan, ALostKeyIsForgivenForAWeekAndOnlyByAStart) {
  World world;
  world.seen = all_up();
  world.wanted.status = "available";
  world.wanted.available_at = kNow;
  world.seen.key_accessible = false;
  world.settle();
  EXPECT_EQ(world.wanted.status, "inaccessible-encryption-credentials-recoverable");
  EXPECT_FALSE(world.seen.volume_mounted);
  world.seen.key_accessible = true;
  EXPECT_TRUE(world.settle().empty());
  World later = world;
  later.now = kNow + std::chrono::days(7);
  later.settle();
  later.perform(plan(later.wanted, later.seen, later.now));
  EXPECT_EQ(later.wanted.status, "inaccessible-encryption-credentials");
  world.wanted.inaccessible_since.reset();
  world.settle();
  EXPECT_EQ(world.wanted.status, "available");
}

TEST(Plan, AManagedPasswordIsMadeBeforeTheServerAndChangedEveryWeek) {
  World world;
  world.wanted.master_secret.name = "rds!db-1";
  world.wanted.master_verifier = world.wanted.applied_verifier = "";
  auto steps = world.settle();
  const auto at = [&](Step step) { return std::ranges::find(steps, step) - steps.begin(); };
  EXPECT_LT(at(Step::stage_password), at(Step::start_server));
  EXPECT_LT(at(Step::start_server), at(Step::publish_password));
  EXPECT_EQ(std::ranges::count(steps, Step::set_password), 0);
  world.now += std::chrono::days(7);
  steps = world.settle();
  EXPECT_EQ(steps, (std::vector{Step::stage_password, Step::set_password, Step::publish_password}));
  world.wanted.master_secret.rotate = true;
  EXPECT_EQ(world.settle(), steps);
  EXPECT_TRUE(world.settle().empty());
}

TEST(Plan, ANewerMinorVersionComesInTheWindowAndNotOnTheFirstDay) {
  World world;
  world.seen = all_up();
  world.seen.newer_minor = "16.10";
  world.wanted.status = "available";
  world.wanted.created_at = world.wanted.available_at.emplace(kNow);
  world.wanted.maintenance_window = "sat:10:00-sat:10:30";
  EXPECT_TRUE(world.settle().empty());
  world.now += std::chrono::days(3);
  EXPECT_TRUE(world.settle().empty());
  world.now += std::chrono::days(4);
  world.wanted.auto_minor_version_upgrade = false;
  EXPECT_TRUE(world.settle().empty());
  world.wanted.auto_minor_version_upgrade = true;
  const auto steps = world.settle();
  EXPECT_EQ(std::ranges::count(steps, Step::stop_server), 1);
  EXPECT_EQ(world.wanted.engine_version, "16.10");
  EXPECT_EQ(world.wanted.status, "available");
}

TEST(Plan, AReplicaFollowsUntilItIsPromoted) {
  World world;
  world.wanted.replica_source_id = "db-SOURCE";
  world.wanted.backup_retention_days = 1;
  world.wanted.applied_verifier = "older";
  auto steps = world.settle();
  EXPECT_EQ(world.wanted.status, "available");
  for (Step step : {Step::set_password, Step::take_automated_snapshot, Step::move_restorable_time})
    EXPECT_EQ(std::ranges::count(steps, step), 0) << name(step);
  world.wanted.promote = true;
  steps = world.settle();
  EXPECT_EQ(steps.front(), Step::promote);
  for (Step step : {Step::load_settings, Step::set_password, Step::take_automated_snapshot})
    EXPECT_EQ(std::ranges::count(steps, step), 1) << name(step);
  EXPECT_EQ(world.wanted.status, "available");
}

TEST(Plan, AFinalSnapshotComesBeforeTheVolumeGoes) {
  World world;
  world.seen = all_up();
  world.wanted.wanted = Wanted::deleted;
  world.wanted.final_snapshot = "last";
  const auto steps = world.settle();
  const auto taken = std::ranges::find(steps, Step::take_final_snapshot);
  const auto gone = std::ranges::find(steps, Step::delete_volume);
  ASSERT_NE(taken, steps.end());
  EXPECT_LT(taken, gone);
}

TEST(Plan, ACrashedServerStartsAgainAfterItsDelay) {
  World world;
  world.wanted.available_at = kNow - Millis(5000);
  world.wanted.status = "available";
  world.seen = all_up();
  world.seen.server = {State::exited, "c", 1, "", kNow};
  Plan first = plan(world.wanted, world.seen, kNow + Millis(10));
  EXPECT_TRUE(first.count_failure);
  EXPECT_EQ(first.status, "rebooting");
  world.wanted.retry_at = kNow + Millis(1010);
  Plan second = plan(world.wanted, world.seen, kNow + Millis(20));
  EXPECT_EQ(second.step, Step::wait);
  EXPECT_EQ(second.wait, Millis(990));
  EXPECT_EQ(plan(world.wanted, world.seen, kNow + Millis(1010)).step, Step::remove_server);
}

TEST(Plan, ARebootIsDoneOnce) {
  World world;
  world.seen = all_up();
  world.wanted.status = "rebooting";
  world.wanted.available_at = kNow;
  world.wanted.reboots_wanted = 1;
  const auto steps = world.settle();
  EXPECT_EQ(std::ranges::count(steps, Step::stop_server), 1);
  EXPECT_EQ(world.wanted.status, "available");
}

TEST(Plan, PendingChangesWaitForTheWindow) {
  World world;
  world.seen = all_up();
  world.wanted.status = "available";
  world.wanted.available_at = kNow;
  world.wanted.pending.instance_class = "db.t3.small";
  world.wanted.maintenance_window = "sun:10:00-sun:10:30";
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).step, Step::none);
  EXPECT_EQ(plan(world.wanted, world.seen, kNow + std::chrono::hours(24)).step,
            Step::apply_pending);
}

TEST(Plan, AnAutomatedSnapshotFollowsCreationAndThenTheWindow) {
  DbInstance instance = wanted_instance();
  EXPECT_FALSE(automated_snapshot_due(instance, kNow));  // retention 0
  instance.backup_retention_days = 7;
  instance.backup_window = "10:00-10:30";
  EXPECT_TRUE(automated_snapshot_due(instance, kNow));
  instance.last_automated_snapshot = kNow - std::chrono::hours(1);
  EXPECT_FALSE(automated_snapshot_due(instance, kNow));
  EXPECT_TRUE(automated_snapshot_due(instance, kNow + std::chrono::hours(24)));
  EXPECT_FALSE(automated_snapshot_due(instance, kNow + std::chrono::hours(36)));
}

TEST(Plan, ARestoredServerReplaysBeforeAnythingElse) {
  World world;
  world.wanted.restore_segments = true;
  world.wanted.backup_retention_days = 1;
  const auto steps = world.settle();
  const auto at = [&](Step step) { return std::ranges::find(steps, step) - steps.begin(); };
  EXPECT_LT(at(Step::end_recovery), at(Step::load_settings));
  EXPECT_LT(at(Step::load_settings), at(Step::take_automated_snapshot));
  EXPECT_LT(at(Step::take_automated_snapshot), at(Step::finish));
  EXPECT_LT(at(Step::finish), at(Step::move_restorable_time));
}

TEST(Plan, ParametersThatKeepTheServerDownAreNamedAndMayBeChanged) {
  World world;
  world.wanted.available_at = kNow - Millis(5000);
  world.wanted.status = "rebooting";
  world.wanted.consecutive_failures = 1;
  world.seen = all_up();
  world.seen.custom_parameters = true;
  world.seen.server = {State::exited, "c", 1, "", kNow};
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).status, "incompatible-parameters");
  world.wanted.status = "incompatible-parameters";
  world.wanted.retry_at = kNow + std::chrono::minutes(5);
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).step, Step::wait);
  world.seen.settings_current = false;
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).step, Step::remove_server);
  world.wanted.answered = true;
  world.wanted.retry_at = {};
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).status, "rebooting");
}

TEST(Plan, BackupsThatAreSwitchedOffGo) {
  World world;
  world.seen = all_up();
  world.wanted.status = "available";
  world.wanted.last_automated_snapshot = kNow;
  EXPECT_EQ(plan(world.wanted, world.seen, kNow).step, Step::drop_backups);
}

TEST(Windows, MayCrossMidnightAndTheWeekend) {
  EXPECT_TRUE(in_daily_window("10:00-10:30", kNow));
  EXPECT_FALSE(in_daily_window("10:30-11:00", kNow));
  EXPECT_TRUE(in_daily_window("22:00-10:12", kNow));
  EXPECT_TRUE(in_weekly_window("sat:10:00-sat:10:30", kNow));
  EXPECT_TRUE(in_weekly_window("sat:09:00-sun:01:00", kNow));
  for (auto bad : {"", "10:00", "25:00-26:00", "sat:10:00-xxx:10:30"}) {
    EXPECT_FALSE(in_daily_window(bad, kNow)) << bad;
    EXPECT_FALSE(in_weekly_window(bad, kNow)) << bad;
  }
}

}  // namespace
}  // namespace landfall::rds
