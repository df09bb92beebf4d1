#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/postgres/installations.h"
#include "host/postgres/scram.h"
#include "host/postgres/server.h"
#include "io/files.h"

namespace landfall::host {
namespace {

TEST(Scram, AgreesWithThePublishedExample) {
  // RFC 7677, section 3: the password "pencil".
  constexpr std::string_view verifier =
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
  EXPECT_TRUE(scram_matches("pencil", verifier));
  EXPECT_FALSE(scram_matches("Pencil", verifier));
  EXPECT_FALSE(scram_matches("pencil", "rubbish"));
}

TEST(Scram, SaltsEachVerifier) {
  SystemRandom random;
  const std::string one = scram_verifier("pencil", random);
  EXPECT_NE(one, scram_verifier("pencil", random));
  EXPECT_TRUE(scram_matches("pencil", one));
}

TEST(Installations, CompareByNumber) {
  EXPECT_TRUE(postgres_version_less("16.6", "16.10"));
  EXPECT_TRUE(postgres_version_less("9.6", "16.0"));
  EXPECT_FALSE(postgres_version_less("16.10", "16.10"));
  EXPECT_TRUE(postgres_version_less("rubbish", "9.0"));
}

TEST(Installations, FindsFoldersNamedAfterVersions) {
  char folder[] = "/tmp/landfall-engines-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  const std::filesystem::path engines = folder;
  for (const char* name : {"16.6", "16.10", "latest", "16.6.0"}) {
    ASSERT_TRUE(io::make_directories(engines / name / "bin"));
    ASSERT_TRUE(io::write_file(engines / name / "bin/postgres", ""));
  }
  io::Loop loop(1);
  const auto body = [](io::Loop& l, std::filesystem::path where) -> task<void> {
    std::vector<std::string> versions;
    for (const auto& found : co_await find_postgres(l, where)) {
      if (found.self_contained()) versions.push_back(found.version);
    }
    EXPECT_EQ(versions, (std::vector<std::string>{"16.10", "16.6"}));
  };
  loop.run(body(loop, engines));
  ASSERT_TRUE(io::remove_tree(engines));
}

TEST(PostgresServer, QuotesWhatUsersChoose) {
  EXPECT_EQ(sql_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(sql_text("it's"), "'it''s'");
}

TEST(PostgresServer, WritesNoPasswordAndEscapesSettings) {
  if (::geteuid() != 0) GTEST_SKIP() << "changes owners";
  char folder[] = "/tmp/landfall-postgres-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  const std::filesystem::path root = folder;
  ASSERT_TRUE(io::make_directories(root / "data"));
  SeededRandom random(1);
  PostgresServer server;
  server.id = "db-x";
  server.installation = {"16.6", "/opt/pg/16.6"};
  server.data_folder = root / "data";
  server.state_folder = root;
  server.memory_bytes = std::uint64_t(1) << 30;
  server.master_user = "zapier_user";
  server.master_verifier = scram_verifier("hunter2-hunter2", random);
  server.database = "zapier_triggers";
  server.parameters = {{"shared_buffers", "32768"}, {"application_name", "it's a\\b"}};
  auto spec = prepare_postgres(server);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->user, "999:999");
  const std::string settings = *io::read_file(root / "config/postgresql.conf");
  EXPECT_NE(settings.find("shared_buffers = '32768'\n"), std::string::npos) << settings;
  EXPECT_NE(settings.find(R"(application_name = 'it''s a\\b')"), std::string::npos) << settings;
  const std::string sql = *io::read_file(root / "config/bootstrap.sql");
  EXPECT_NE(sql.find("CREATE DATABASE \"zapier_triggers\" OWNER \"zapier_user\"\n"),
            std::string::npos);
  EXPECT_EQ(sql.find("hunter2"), std::string::npos);
  ASSERT_TRUE(io::remove_tree(root));
}

TEST(PostgresServer, TlsMayBeDemanded) {
  if (::geteuid() != 0) GTEST_SKIP() << "changes owners";
  char folder[] = "/tmp/landfall-postgres-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  PostgresServer server;
  server.state_folder = folder;
  ASSERT_TRUE(io::make_directories(server.state_folder / "config"));
  const auto access = [&] {
    EXPECT_TRUE(write_postgres_settings(server));
    return *io::read_file(server.state_folder / "config/pg_hba.conf");
  };
  EXPECT_NE(access().find("\nhost all all"), std::string::npos);
  const std::string before = postgres_settings_digest(server);
  server.tls = server.require_tls = true;
  server.certificate = "secret";
  EXPECT_NE(access().find("\nhostssl all all"), std::string::npos);
  EXPECT_EQ(access().find("\nhost all all"), std::string::npos);
  EXPECT_NE(postgres_settings_digest(server), before);
  struct stat found{};
  ASSERT_EQ(::stat((server.state_folder / "config/server.pem").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  ASSERT_TRUE(io::remove_tree(server.state_folder));
}

TEST(PostgresServer, ARecoveryIsPartOfItsSettings) {
  PostgresServer server;
  const std::string before = postgres_settings_digest(server);
  server.recovery = PostgresRecovery{"/segments", std::nullopt};
  const std::string open_ended = postgres_settings_digest(server);
  EXPECT_NE(open_ended, before);
  server.recovery->until = from_unix_ms(1);
  EXPECT_NE(postgres_settings_digest(server), open_ended);
}

}  // namespace
}  // namespace landfall::host
