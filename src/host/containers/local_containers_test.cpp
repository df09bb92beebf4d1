#include "host/containers/local_containers.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "host/containers/container_fixture.h"
#include "io/process.h"

namespace landfall::host {
namespace {
namespace fs = std::filesystem;

class LocalContainersTest : public ContainerFixture {};

#define CO_ASSERT(condition)                         \
  do {                                               \
    const bool good_ = static_cast<bool>(condition); \
    EXPECT_TRUE(good_) << #condition;                \
    if (!good_) co_return;                           \
  } while (false)

task<Result<ExitStatus>> run_to_end(LocalContainers& on, ContainerSpec spec) {
  const std::string id = spec.id;
  LF_CO_OK(co_await on.create(std::move(spec)));
  LF_CO_OK(co_await on.start(id));
  co_return co_await on.wait(id);
}

task<void> lifecycle(LocalContainers& on, ContainerSpec spec) {
  spec.environment = {{"GREETING", "hello"}};
  spec.user = "app";
  spec.hostname = "box";
  spec.labels = {{"task", "t1"}};
  auto made = co_await on.create(spec);
  EXPECT_TRUE(made) << made.error().message;
  CO_ASSERT(made);
  EXPECT_EQ(made->state, ContainerState::created);
  EXPECT_FALSE(made->started_at);
  // Again: nothing changes.
  auto again = co_await on.create(spec);
  CO_ASSERT(again);
  EXPECT_EQ(again->created_at, made->created_at);
  auto begun = co_await on.start("a");
  CO_ASSERT(begun);
  EXPECT_TRUE(begun->started_at);
  EXPECT_TRUE(co_await on.start("a"));
  auto ended = co_await on.wait("a");
  CO_ASSERT(ended);
  EXPECT_EQ(ended->code, 7);
  EXPECT_FALSE(ended->signal);
  EXPECT_FALSE(ended->oom_killed);
  const auto found = on.find("a");
  CO_ASSERT(found);
  EXPECT_EQ(found->state, ContainerState::exited);
  EXPECT_EQ(found->labels.at("task"), "t1");
}

TEST_F(LocalContainersTest, RunsAProgramToItsEnd) {
  run([&](LocalContainers& on) {
    return lifecycle(on, spec("a", {"id", "env=GREETING", "env=HOME", "env=HOSTNAME", "say=out",
                                    "warn=err", "cat=/etc/hostname", "exit=7"}));
  });
  // Two streams: each keeps its order.
  std::string log = log_of("a");
  const std::size_t err = log.find("err\n");
  ASSERT_NE(err, std::string::npos) << log;
  log.erase(err, 4);
  EXPECT_EQ(log, "uid 999 gid 998 pid 1\nGREETING=hello\nHOME=/home/app\nHOSTNAME=box\nout\nbox\n");
}

task<void> isolation(LocalContainers& on, ContainerSpec spec, fs::path data) {
  spec.mounts = {{data, "/data", false, true}, {data, "/again", true, true}};
  spec.tmpfs = {{"/scratch", 1 << 20, {"mode=1777"}}};
  auto ended = co_await run_to_end(on, spec);
  EXPECT_TRUE(ended) << ended.error().message;
  spec.id = "b";
  spec.read_only_root = true;
  ended = co_await run_to_end(on, spec);
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(LocalContainersTest, RootIsMappedAndFilesKeepTheirOwners) {
  const fs::path data = instance_.data_dir / "volume";
  fs::create_directory(data);
  ASSERT_TRUE(io::write_file(data / "old", "x"));
  ASSERT_EQ(::chown((data / "old").c_str(), 999, 998), 0);
  run([&](LocalContainers& on) {
    return isolation(on,
                     spec("a", {"id", "cat=/proc/self/uid_map", "owner=/bin/probe",
                                "owner=/data/old", "write=/data/new", "write=/again/new2",
                                "write=/scratch/f", "write=/here", "owner=/", "write=/sys/f"}),
                     data);
  });
  const std::string log = log_of("a");
  EXPECT_TRUE(log.starts_with("uid 0 gid 0 pid 1\n")) << log;
  EXPECT_NE(log.find("/bin/probe 0:0 755\n/data/old 999:998 644\nwritten\nwrite refused\nwritten\n"
                     "written\n/ 0:0 755\nwrite refused\n"),
            std::string::npos)
      << log;
  EXPECT_EQ(log.find("         0          0"), std::string::npos) << "root is not the host's";
  EXPECT_NE(log_of("b").find("written\nwrite refused\nwritten\nwrite refused\n/ 0:0"),
            std::string::npos)
      << log_of("b");
  // What its root wrote belongs to the container's root on disk, too.
  struct stat about{};
  ASSERT_EQ(::stat((data / "new").c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 0u);
  EXPECT_FALSE(fs::exists(root_ / "here"));
}

task<void> memory_limit(LocalContainers& on, ContainerSpec own, ContainerSpec group) {
  own.limits.memory_bytes = 32 << 20;
  auto ended = co_await run_to_end(on, own);
  EXPECT_TRUE(ended) << ended.error().message;
  CO_ASSERT(ended);
  EXPECT_EQ(ended->code, 137);
  EXPECT_TRUE(ended->oom_killed);
  group.group_limits.memory_bytes = 32 << 20;
  ended = co_await run_to_end(on, group);
  CO_ASSERT(ended);
  EXPECT_TRUE(ended->oom_killed);
}

TEST_F(LocalContainersTest, TooMuchMemoryIsKilledAndSaidSo) {
  run([&](LocalContainers& on) {
    return memory_limit(on, spec("a", {"eat"}), spec("b", {"eat"}));
  });
}

// Until the program has said `text`.
task<void> until_said(io::Loop& loop, LocalContainers& on, std::string id, std::string text) {
  for (int i = 0; i < 2500; ++i) {
    const auto log = io::read_file(on.find(id)->log_path);
    if (log && log->find(text) != std::string::npos) co_return;
    co_await loop.sleep_for(Millis(2));
  }
  ADD_FAILURE() << id << " never said " << text;
}

task<void> signals(io::Loop& loop, LocalContainers& on, std::vector<ContainerSpec> specs) {
  auto killed = co_await run_to_end(on, specs[0]);
  CO_ASSERT(killed);
  EXPECT_EQ(killed->code, 139);
  EXPECT_EQ(killed->signal, SIGSEGV);
  EXPECT_FALSE(killed->oom_killed);

  CO_ASSERT(co_await on.create(specs[1]));
  CO_ASSERT(co_await on.start("b"));
  co_await until_said(loop, on, "b", "ready");
  auto stopped = co_await on.stop("b", std::chrono::seconds(10));
  CO_ASSERT(stopped);
  EXPECT_EQ(stopped->code, 5);
  EXPECT_EQ((co_await on.signal("b", SIGTERM)).error().code, "container-not-running");

  // The first process of a container ignores what it does not handle.
  CO_ASSERT(co_await on.create(specs[2]));
  CO_ASSERT(co_await on.start("c"));
  stopped = co_await on.stop("c", Millis(20));
  CO_ASSERT(stopped);
  EXPECT_EQ(stopped->code, 137);
  EXPECT_EQ(stopped->signal, SIGKILL);
  EXPECT_FALSE(stopped->oom_killed);

  // Stopped before it has begun.
  specs[2].id = "d";
  CO_ASSERT(co_await on.create(specs[2]));
  stopped = co_await on.stop("d", std::chrono::seconds(10));
  CO_ASSERT(stopped);
  EXPECT_EQ(stopped->code, 137);
  EXPECT_EQ((co_await on.wait("nobody")).error().code, "container-unknown");
}

TEST_F(LocalContainersTest, SignalsAndStopping) {
  run([&](LocalContainers& on) {
    std::vector<ContainerSpec> specs = {
        spec("a", {"abort"}), spec("b", {"trap", "say=ready", "wait"}), spec("c", {"wait"})};
    return signals(loop_, on, std::move(specs));
  });
  EXPECT_EQ(log_of("b"), "ready\nterminated\n");
}

task<void> expect_refused(LocalContainers& on, ContainerSpec spec, std::string code,
                          std::string words) {
  const std::string id = spec.id;
  const auto made = co_await on.create(std::move(spec));
  EXPECT_FALSE(made) << code;
  if (made) co_return;
  EXPECT_EQ(made.error().code, code) << made.error().message;
  EXPECT_NE(made.error().message.find(words), std::string::npos) << made.error().message;
  EXPECT_FALSE(on.find(id)) << "a refused container leaves nothing";
}

task<void> refusals(LocalContainers& on, ContainerSpec good) {
  ContainerSpec bad = good;
  bad.entry_point = {{"nothing-here"}};
  co_await expect_refused(on, bad, "command-not-found", "nothing-here");
  bad.entry_point = {{"/etc/passwd"}};
  co_await expect_refused(on, bad, "command-not-executable", "/etc/passwd");
  bad.entry_point = {{"/etc"}};
  co_await expect_refused(on, bad, "command-not-executable", "/etc");
  bad.entry_point = {{"/bin/arm"}};
  co_await expect_refused(on, bad, "exec-format", "arm64");
  bad.entry_point = {{"/bin/text"}};
  co_await expect_refused(on, bad, "exec-format", "/bin/text");
  bad.entry_point = {{"/bin/script"}};
  co_await expect_refused(on, bad, "command-not-found", "/bin/bash");
  bad.entry_point = {{"/bin/windows"}};
  co_await expect_refused(on, bad, "command-not-found", "Windows line endings");
  bad = good;
  bad.user = "nobody-here";
  co_await expect_refused(on, bad, "user-not-found", "nobody-here");
  bad = good;
  bad.working_directory = "/etc/passwd";
  co_await expect_refused(on, bad, "working-directory-invalid", "/etc/passwd");
  bad = good;
  bad.mounts = {{"/nowhere/at/all", "/data", false, true}};
  co_await expect_refused(on, bad, "mount-invalid", "/nowhere/at/all");
  bad = good;
  bad.add_capabilities = {"FLY"};
  co_await expect_refused(on, bad, "invalid-container", "FLY");
  bad = good;
  bad.id = "../escape";
  co_await expect_refused(on, bad, "invalid-container", "../escape");
  bad = good;
  bad.entry_point = std::vector<std::string>{};
  co_await expect_refused(on, bad, "command-missing", "what to run");
  bad = good;
  bad.network_namespace = "/run/netns/there-is-none";
  const auto made = co_await on.create(bad);
  EXPECT_FALSE(made);
  // None of it stands in the way of the right one.
  auto ended = co_await run_to_end(on, good);
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(LocalContainersTest, RefusalsSayWhatIsWrong) {
  std::string arm = io::read_file(program_).value();
  arm[18] = char(0xb7);  // EM_AARCH64
  arm[19] = 0;
  const std::pair<const char*, std::string> files[] = {{"arm", arm},
                                                       {"text", "just words\n"},
                                                       {"script", "#!/bin/bash -e\n"},
                                                       {"windows", "#!/bin/probe\r\n"}};
  for (const auto& [name, text] : files) {
    ASSERT_TRUE(io::write_file(root_ / "bin" / name, text, 0755));
    ::chmod((root_ / "bin" / name).c_str(), 0755);
  }
  run([&](LocalContainers& on) { return refusals(on, spec("a", {"say=fine"})); });
  EXPECT_EQ(log_of("a"), "fine\n");
}

task<void> begin(LocalContainers& on, ContainerSpec spec, ContainerInfo& out) {
  const std::string id = spec.id;
  auto made = co_await on.create(std::move(spec));
  EXPECT_TRUE(made) << made.error().message;
  auto begun = co_await on.start(id);
  EXPECT_TRUE(begun);
  if (begun) out = *begun;
}

task<void> after_restart(LocalContainers& on, ContainerInfo before) {
  const auto found = on.find("a");
  CO_ASSERT(found);
  EXPECT_EQ(found->state, ContainerState::running);
  EXPECT_EQ(found->pid, before.pid);
  EXPECT_EQ(found->started_at, before.started_at);
  const auto ended = on.find("b");
  CO_ASSERT(ended && ended->exit);
  EXPECT_EQ(ended->exit->code, 9);
  EXPECT_FALSE(on.find("half")) << "a folder without a record is removed";
  const auto stopped = co_await on.stop("a", Millis(0));
  CO_ASSERT(stopped);
  EXPECT_EQ(stopped->code, 137);
}

TEST_F(LocalContainersTest, FoundAgainAfterARestart) {
  ContainerInfo first, second;
  run([&](LocalContainers& on) { return begin(on, spec("a", {"wait"}), first); });
  run([&](LocalContainers& on) { return begin(on, spec("b", {"exit=9"}), second); });
  // b ends while nobody looks.
  for (int i = 0; i < 2500 && !fs::exists(instance_.data_dir / "containers/b/exit/b"); ++i) {
    ::usleep(2000);
  }
  fs::create_directories(instance_.data_dir / "containers/half/upper");
  run([&](LocalContainers& on) { return after_restart(on, first); });
}

task<void> kill_monitor(LocalContainers& on, int monitor) {
  ::kill(monitor, SIGKILL);
  const auto ended = co_await on.wait("a");
  CO_ASSERT(ended);
  EXPECT_EQ(ended->reason, "monitor-lost");
  EXPECT_EQ(ended->code, 137);
}

TEST_F(LocalContainersTest, ALostMonitorEndsItsContainer) {
  ContainerInfo info;
  run([&](LocalContainers& on) { return begin(on, spec("a", {"wait"}), info); });
  const int monitor = std::stoi(
      io::read_file("/run/landfall-" + instance_.tag + "/containers/a/monitor.pid").value());
  const auto start_time = io::process_start_time(info.pid);
  run([&](LocalContainers& on) { return kill_monitor(on, monitor); });
  EXPECT_FALSE(io::process_alive(info.pid, start_time.value_or(0)));
}

task<void> create_over(LocalContainers& on, ContainerSpec spec) {
  const auto found = on.find("a");
  CO_ASSERT(found);
  EXPECT_EQ(found->state, ContainerState::creating);
  auto ended = co_await run_to_end(on, std::move(spec));
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(LocalContainersTest, AHalfMadeContainerIsMadeAnew) {
  ContainerInfo info;
  run([&](LocalContainers& on) { return begin(on, spec("a", {"wait"}), info); });
  const fs::path meta = instance_.data_dir / "containers/a/meta.json";
  // As if we had died before the record said that it was created.
  auto record = record::from_text<LocalContainers::Meta>(io::read_file(meta).value()).value();
  const auto start_time = record.init_start_time;
  record.state = ContainerState::creating;
  record.init_pid = record.monitor_pid = 0;
  ASSERT_TRUE(io::write_file(meta, record::to_text(record)));
  run([&](LocalContainers& on) { return create_over(on, spec("a", {"say=second"})); });
  EXPECT_EQ(log_of("a"), "second\n");
  EXPECT_FALSE(io::process_alive(info.pid, start_time));
}

task<void> after_reboot(LocalContainers& on) {
  const auto found = on.find("a");
  CO_ASSERT(found && found->exit);
  EXPECT_EQ(found->state, ContainerState::exited);
  EXPECT_EQ(found->exit->reason, "host-restarted");
  EXPECT_TRUE(co_await on.remove("a"));
}

TEST_F(LocalContainersTest, ARebootEndsContainers) {
  ContainerInfo info;
  run([&](LocalContainers& on) { return begin(on, spec("a", {"wait"}), info); });
  const auto cgroups = Cgroups::detect();
  ASSERT_TRUE(cgroups && remove_leftovers(instance_, *cgroups, {}));
  const fs::path meta = instance_.data_dir / "containers/a/meta.json";
  auto record = record::from_text<LocalContainers::Meta>(io::read_file(meta).value()).value();
  record.boot_id = "another";
  ASSERT_TRUE(io::write_file(meta, record::to_text(record)));
  run(after_reboot);
  EXPECT_FALSE(fs::exists(instance_.data_dir / "containers/a"));
}

task<void> commands(io::Loop& loop, LocalContainers& on, ContainerSpec spec) {
  spec.user = "app";
  spec.environment = {{"FROM", "container"}};
  CO_ASSERT(co_await on.create(spec));
  EXPECT_EQ((co_await on.exec("a", {.argv = {"probe"}})).error().code, "container-not-running");
  CO_ASSERT(co_await on.start("a"));
  co_await until_said(loop, on, "a", "ready");
  auto done = co_await on.exec("a", {.argv = {"probe", "id", "env=FROM", "env=MORE", "exit=3"},
                                     .environment = {{"MORE", "request"}}});
  EXPECT_TRUE(done) << done.error().message;
  CO_ASSERT(done);
  EXPECT_EQ(done->exit_code, 3);
  EXPECT_TRUE(done->output.starts_with("uid 999 gid 998")) << done->output;
  EXPECT_NE(done->output.find("FROM=container\nMORE=request\n"), std::string::npos);
  done = co_await on.exec("a", {.argv = {"probe", "id", "cwd", "input"},
                                .user = "0",
                                .working_directory = "/tmp",
                                .input = "typed"});
  CO_ASSERT(done);
  EXPECT_TRUE(done->output.starts_with("uid 0 gid 0"));
  EXPECT_TRUE(done->output.ends_with("/tmp\ntyped")) << done->output;
  done = co_await on.exec("a", {.argv = {"not-there"}});
  CO_ASSERT(done);
  EXPECT_EQ(done->exit_code, 127) << done->output;
  done = co_await on.exec("a", {.argv = {"probe", "many"}, .output_limit = 100});
  CO_ASSERT(done);
  EXPECT_TRUE(done->truncated);
  EXPECT_EQ(done->output.size(), 100u);
  EXPECT_EQ(
      (co_await on.exec("a", {.argv = {"probe", "wait"}, .timeout = Millis(300)})).error().code,
      "timeout");
  const auto stats = on.stats("a");
  CO_ASSERT(stats);
  EXPECT_GT(stats->memory_bytes, 0u);
  // What ran into the time-out is gone.
  for (int i = 0; i < 500 && on.stats("a")->pids > 1; ++i) co_await loop.sleep_for(Millis(2));
  EXPECT_EQ(on.stats("a")->pids, 1u);
}

TEST_F(LocalContainersTest, CommandsInside) {
  run([&](LocalContainers& on) { return commands(loop_, on, spec("a", {"say=ready", "wait"})); });
}

task<void> remade(io::Loop& loop, LocalContainers& on, ContainerSpec spec) {
  for (int round = 0; round < 5; ++round) {
    CO_ASSERT(co_await on.create(spec));
    CO_ASSERT(co_await on.start("a"));
    CO_ASSERT(co_await on.remove("a"));
  }
  CO_ASSERT(co_await on.create(spec));
  CO_ASSERT(co_await on.start("a"));
  // News of the ends of those before must not reach this one.
  for (int i = 0; i < 50; ++i) co_await loop.sleep_for(Millis(1));
  EXPECT_EQ(on.find("a")->state, ContainerState::running);
}

TEST_F(LocalContainersTest, ANameCanBeUsedAgainAtOnce) {
  run([&](LocalContainers& on) { return remade(loop_, on, spec("a", {"wait"})); });
}

task<void> ranges(LocalContainers& on, ContainerSpec first, ContainerSpec second,
                  ContainerSpec other) {
  second.group = first.group;
  CO_ASSERT(co_await run_to_end(on, first));
  CO_ASSERT(co_await run_to_end(on, second));
  CO_ASSERT(co_await run_to_end(on, other));
  EXPECT_TRUE(co_await on.remove("a"));
  EXPECT_TRUE(co_await on.remove("a"));
  EXPECT_FALSE(on.find("a"));
}

TEST_F(LocalContainersTest, GroupsHaveRangesOfTheirOwn) {
  run([&](LocalContainers& on) {
    return ranges(on, spec("a", {"exit=0"}), spec("b", {"cat=/proc/self/uid_map"}),
                  spec("c", {"cat=/proc/self/uid_map"}));
  });
  const auto range = [&](const char* id) {
    return record::from_text<LocalContainers::Meta>(
               io::read_file(instance_.data_dir / "containers" / id / "meta.json").value())
        .value()
        .first_id;
  };
  EXPECT_NE(range("b"), range("c"));
  EXPECT_NE(log_of("b").find(std::to_string(range("b"))), std::string::npos);
  EXPECT_NE(log_of("c").find(std::to_string(range("c"))), std::string::npos);
  EXPECT_FALSE(fs::exists(instance_.data_dir / "containers/a"));
}

task<void> limits(LocalContainers& on, ContainerSpec spec) {
  spec.limits.pids = 10;
  spec.limits.cpu_shares = 256;
  spec.limits.memory_bytes = 64 << 20;
  spec.group_limits.cpu_quota_millicores = 500;
  spec.group_limits.memory_bytes = 128 << 20;
  auto ended = co_await run_to_end(on, std::move(spec));
  EXPECT_TRUE(ended) << ended.error().message;
}

// The group's CPU limit holds from the first program on, also when another is made meanwhile.
task<void> limit_when_started(LocalContainers& on, ContainerSpec spec, std::string tag) {
  const auto quota = [&] {
    return io::read_file(
               fmt::format("/sys/fs/cgroup/cpu/landfall-{}/{}/cpu.cfs_quota_us", tag, spec.group))
        .value_or("?");
  };
  spec.group_limits.cpu_quota_millicores = 250;
  auto first = spec, second = spec;
  second.id = "b";
  EXPECT_TRUE(co_await on.create(first));
  EXPECT_EQ(quota(), "-1\n");
  EXPECT_TRUE(co_await on.start("a"));
  EXPECT_EQ(quota(), "25000\n");
  EXPECT_TRUE(co_await on.create(second));
  EXPECT_EQ(quota(), "25000\n");
}

TEST_F(LocalContainersTest, TheCpuLimitWaitsForTheProgram) {
  if (!fs::exists("/sys/fs/cgroup/cpu")) GTEST_SKIP() << "reads control groups of version 1";
  run([&](LocalContainers& on) {
    return limit_when_started(on, spec("a", {"wait"}), instance_.tag);
  });
}

TEST_F(LocalContainersTest, ProcessesAreLimited) {
  run([&](LocalContainers& on) { return limits(on, spec("a", {"fork"})); });
  EXPECT_NE(log_of("a").find("forks refused after 9"), std::string::npos) << log_of("a");
}

task<void> init_process(LocalContainers& on, ContainerSpec spec) {
  spec.init_process = true;
  spec.user = "app";
  auto ended = co_await run_to_end(on, std::move(spec));
  EXPECT_TRUE(ended) << ended.error().message;
  CO_ASSERT(ended);
  EXPECT_EQ(ended->code, 6);
}

TEST_F(LocalContainersTest, AnInitProcessRunsTheProgram) {
  if (::access("/usr/libexec/podman/catatonit", X_OK) < 0 &&
      ::access("/usr/bin/catatonit", X_OK) < 0) {
    GTEST_SKIP() << "needs catatonit";
  }
  run([&](LocalContainers& on) { return init_process(on, spec("a", {"id", "exit=6"})); });
  EXPECT_TRUE(log_of("a").starts_with("uid 999 gid 998 pid ")) << log_of("a");
  EXPECT_EQ(log_of("a").find("pid 1\n"), std::string::npos);
}

task<void> two_rounds(LocalContainers& on, ContainerSpec spec) {
  spec.network_namespace = {};
  spec.sysctls = {{"net.ipv4.tcp_keepalive_time", "77"}};
  auto ended = co_await run_to_end(on, spec);
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(LocalContainersTest, NetworkSettingsOfItsOwn) {
  run([&](LocalContainers& on) {
    return two_rounds(on, spec("a", {"cat=/proc/sys/net/ipv4/tcp_keepalive_time"}));
  });
  EXPECT_EQ(log_of("a"), "77\n");
}

task<void> joined(LocalContainers& on, ContainerSpec spec, std::string path) {
  spec.network_namespace = std::move(path);
  spec.sysctls = {{"net.ipv4.tcp_keepalive_time", "88"}};
  spec.name_servers = {"10.0.0.2"};
  spec.search_domains = {"landfall.test"};
  spec.hostname = "ip-10-0-0-9";
  spec.hosts = {{"ip-10-0-0-9", "10.0.0.9"}};
  spec.user = "app";
  auto ended = co_await run_to_end(on, spec);
  EXPECT_TRUE(ended) << ended.error().message;
}

task<void> looked_into(LocalContainers& on, ContainerSpec spec, std::string path) {
  spec.network_namespace = std::move(path);
  spec.sysctls = {{"net.ipv4.tcp_keepalive_time", "89"}};
  EXPECT_TRUE(co_await on.create(spec));
  EXPECT_TRUE(co_await on.start("a"));
  auto done =
      co_await on.exec("a", {.argv = {"probe", "cat=/proc/sys/net/ipv4/tcp_keepalive_time"}});
  EXPECT_TRUE(done) << done.error().message;
  if (done) EXPECT_EQ(done->output, "89\n");
  EXPECT_TRUE(co_await on.stop("a", Millis(0)));
}

// A network namespace, which lives while a thread is in it.
class Elsewhere {
 public:
  Elsewhere() {
    thread_ = std::thread([this] {
      EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
      path_.set_value(fmt::format("/proc/{}/task/{}/ns/net", ::getpid(), ::gettid()));
      done_.get_future().wait();
    });
    path = path_.get_future().get();
  }
  ~Elsewhere() {
    done_.set_value();
    thread_.join();
  }
  std::string path;

 private:
  std::promise<std::string> path_;
  std::promise<void> done_;
  std::thread thread_;
};

TEST_F(LocalContainersTest, RunsCommandsInANetworkNamespaceMadeElsewhere) {
  const Elsewhere elsewhere;
  run([&](LocalContainers& on) { return looked_into(on, spec("a", {"wait"}), elsewhere.path); });
}

TEST_F(LocalContainersTest, JoinsANetworkNamespaceMadeElsewhere) {
  const Elsewhere elsewhere;
  run([&](LocalContainers& on) {
    return joined(on,
                  spec("a", {"cat=/proc/sys/net/ipv4/tcp_keepalive_time",
                             "cat=/proc/sys/net/ipv4/ip_unprivileged_port_start",
                             "cat=/sys/class/net/lo/address", "cat=/etc/resolv.conf",
                             "cat=/etc/hosts", "write=/sys/class/net/lo/mtu"}),
                  elsewhere.path);
  });
  EXPECT_EQ(log_of("a"),
            "88\n0\n00:00:00:00:00:00\nsearch landfall.test\nnameserver 10.0.0.2\n"
            "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
            "10.0.0.9 ip-10-0-0-9\nwrite refused\n");
}

}  // namespace
}  // namespace landfall::host
