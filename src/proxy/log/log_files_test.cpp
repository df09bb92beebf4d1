// Log files through the whole data plane, and what becomes of them.
#include "proxy/log/log_files.h"

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>

#include "proxy/engine/testing.h"
#include "proxy/engine/testing_tls.h"
#include "proxy/log/connection_log.h"

namespace landfall::proxy::testing {
namespace {
namespace fs = std::filesystem;

constexpr std::int64_t kNoon = 1'530'619'200'000;  // 2018-07-03 12:00:00 UTC

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "lf-logs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  LogPlace place(const std::string& prefix = "1_elasticloadbalancing_r_app.lb.2") const {
    return {(path / "bucket").string(), prefix, (path / "unfinished").string()};
  }
  // Finished files, by their path below the bucket.
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(path / "bucket", none)) {
      // Those with a dot are being compressed.
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with("."))
        out.push_back(fs::relative(entry.path(), path / "bucket"));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::size_t unfinished() const {
    std::error_code none;
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path / "unfinished", none), {}));
  }
  std::string unpack(const std::string& file) const {
    gzFile in = gzopen((path / "bucket" / file).c_str(), "rb");
    std::string out(1 << 20, '\0');
    const int got = gzread(in, out.data(), static_cast<unsigned>(out.size()));
    gzclose(in);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }
  fs::path path;
};

bool until(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Lines final : LogSource {
  explicit Lines(LogPlace place) : LogSource(std::move(place)) {}
  void add(const std::string& node, const std::string& line) {
    const std::lock_guard lock(mutex);
    waiting[node] += line + "\n";
  }
  LogSource::Lines take() override {
    const std::lock_guard lock(mutex);
    ++taken;
    return std::exchange(waiting, {});
  }
  std::mutex mutex;
  LogSource::Lines waiting;
  std::atomic<int> taken{0};
};

TEST(LogFiles, AreNamedAndRotatedAsAwsDoes) {
  Folder folder;
  std::atomic<std::int64_t> now = kNoon + 1000;
  LogWriter writer([&] { return now.load(); });
  auto source = std::make_shared<Lines>(folder.place());
  source->add("10.0.1.5", "first");
  source->add("10.0.2.5", "other node");
  writer.add(source);
  ASSERT_TRUE(until([&] { return folder.unfinished() == 2; }));
  EXPECT_TRUE(folder.files().empty());
  now = kNoon + 300'000;
  ASSERT_TRUE(until([&] { return folder.files().size() == 2; }));
  source->add("10.0.1.5", "second");
  const std::string name = folder.files()[0];
  EXPECT_TRUE(
      name.starts_with("2018/07/03/1_elasticloadbalancing_r_app.lb.2_20180703T1205Z_10.0.1.5_"))
      << name;
  EXPECT_TRUE(name.ends_with(".log.gz"));
  EXPECT_EQ(folder.unpack(name), "first\n");
  EXPECT_EQ(folder.unpack(folder.files()[1]), "other node\n");
  // Let go of, its file is finished at once.
  source.reset();
  ASSERT_TRUE(until([&] { return folder.files().size() == 3; }));
  EXPECT_NE(folder.files()[2].find("_20180703T1210Z_10.0.1.5_"), std::string::npos);
  EXPECT_EQ(folder.unpack(folder.files()[2]), "second\n");
  EXPECT_TRUE(until([&] { return folder.unfinished() == 0; }));
}

TEST(LogFiles, WhatAKilledProcessLeftIsFinished) {
  Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = LogFile::open(folder.place(), "10.0.1.5", kNoon);
    std::string_view line = "left behind\n";
    const bool good = file && (*file)->append(line);
    ::_exit(good ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  // Ours is not to be touched.
  auto ours = LogFile::open(folder.place(), "10.0.1.5", kNoon);
  ASSERT_TRUE(ours);
  std::ofstream(folder.path / "unfinished" / "stranger") << "no log";
  ASSERT_EQ(folder.unfinished(), 3u);
  LogWriter writer([] { return kNoon + 1; });
  writer.recover(folder.path / "unfinished");
  ASSERT_TRUE(until([&] { return folder.files().size() == 1; }));
  EXPECT_EQ(folder.unpack(folder.files()[0]), "left behind\n");
  ASSERT_TRUE(until([&] { return folder.unfinished() == 2; }));
}

TEST(LogFiles, RubbishIsRemoved) {
  Folder folder;
  fs::create_directories(folder.path / "unfinished");
  const fs::path file = folder.path / "unfinished" / "99999999-1-00";
  std::ofstream(file) << "not a header\nline\n";
  EXPECT_EQ(finish_log_file(file, kNoon).error().code, "log-unreadable");
  EXPECT_FALSE(fs::exists(file));
}

// A small filesystem of our own, to fill.
struct SmallDisk : Folder {
  SmallDisk() {
    fs::create_directories(path / "unfinished");
    mounted = ::mount("none", (path / "unfinished").c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~SmallDisk() {
    if (mounted) ::umount2((path / "unfinished").c_str(), MNT_DETACH);
  }
  bool mounted = false;
};

TEST(LogFiles, AFullDiskCostsLinesNotRequests) {
  SmallDisk folder;
  ASSERT_TRUE(folder.mounted) << "needs root";
  TestTarget target(TestTarget::says("x"));
  {
    TestBalancer balancer;
    balancer.add_target(target);
    balancer.balancer().access_log = folder.place();
    balancer.apply();
    Socket client = balancer.client();
    const std::string request =
        "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: " + std::string(8000, 'u') + "\r\n\r\n";
    const auto dropped = [&] { return balancer.engine.metrics().dropped_log_records; };
    int asked = 0;
    while (dropped() == 0 && asked < 5000) {
      client.send(request);
      ASSERT_EQ(read_message(client).status(), 200);
      ++asked;
    }
    EXPECT_GT(dropped(), 0u);
    client.send(request);
    EXPECT_EQ(read_message(client).status(), 200);
  }
  // What did fit is whole.
  ASSERT_EQ(folder.files().size(), 1u);
  const std::string text = folder.unpack(folder.files()[0]);
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(text.back(), '\n');
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_TRUE(text.substr(at).starts_with("http 20"));
}

TEST(AccessLog, RequestsLeaveTheirLines) {
  Folder folder;
  TestTarget target(TestTarget::says("x"));
  {
    TestBalancer balancer;
    balancer.add_target(target);
    balancer.balancer().access_log = folder.place();
    balancer.apply();
    balancer.ask("GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\n\r\n");
    balancer.ask("GET / HTTP/1.1\r\n\r\n");
    balancer.balancer().access_log = {};
    balancer.apply();
    ASSERT_TRUE(until([&] { return folder.files().size() == 1; }));
  }
  ASSERT_EQ(folder.files().size(), 1u);
  EXPECT_NE(folder.files()[0].find("_127.0.0.1_"), std::string::npos);
  const std::string text = folder.unpack(folder.files()[0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find(" 200 200 "), std::string::npos) << text;
  EXPECT_NE(text.find("/a?b HTTP/1.1\" \"test\""), std::string::npos) << text;
  EXPECT_NE(text.find(" -1 -1 -1 400 - "), std::string::npos) << text;
  EXPECT_NE(text.find("\"Severe\" \"BadHeader\" TID_"), std::string::npos) << text;
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out(1);
  for (const char c : line) {
    if (c == ' ') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

TEST(ConnectionLog, EveryConnectionAndEveryAttempt) {
  Folder folder;
  const std::uint16_t plain_port = free_port();
  std::string secure_port;
  {
    TestBalancer balancer;
    balancer.listener().protocol = Protocol::https;
    balancer.listener().tls.certificates = {make_certificate("default", "DNS:default.test")};
    Listener plain{.id = "plain", .port = plain_port, .rules = balancer.listener().rules};
    balancer.balancer().listeners.push_back(plain);
    balancer.balancer().connection_log = folder.place("conn_log.x");
    balancer.apply();
    secure_port = std::to_string(balancer.listener().port);
    {
      TlsClient client(balancer.client(), "default.test", TLS1_3_VERSION);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 503"));
    }
    Socket rubbish = balancer.client();
    rubbish.send("this is no handshake");
    rubbish.read_all();
    Socket::connect(plain_port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    while (balancer.engine.metrics().sets.at(0).counters["ClosedConnectionCount"] < 3)
      std::this_thread::yield();
  }
  ASSERT_EQ(folder.files().size(), 1u);
  std::map<std::string, std::vector<std::string>> by_kind;
  const std::string text = folder.unpack(folder.files()[0]);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const auto words = words_of(text.substr(at, text.find('\n', at) - at));
    ASSERT_EQ(words.size(), 12u) << text;
    EXPECT_TRUE(words[11].starts_with("TID_") && words[11].size() == 36) << words[11];
    EXPECT_EQ(words[1], "127.0.0.1");
    by_kind[words[3] + " " + words[4] + " " + words[10]] = words;
  }
  ASSERT_EQ(by_kind.size(), 3u) << text;
  const auto& good = by_kind.at(secure_port + " TLSv1.3 Success");
  EXPECT_TRUE(good[5].starts_with("TLS_")) << text;
  EXPECT_TRUE(good[6].starts_with("0.")) << text;
  EXPECT_TRUE(by_kind.contains(secure_port + " - Failed:UnmappedConnectionError")) << text;
  EXPECT_EQ(by_kind.at(std::to_string(plain_port) + " - -")[6], "-");
}

}  // namespace
}  // namespace landfall::proxy::testing
