#include "services/ecs/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace landfall::ecs {
namespace {

using testing::HasSubstr;

std::vector<std::string> reasons(std::vector<std::string> lines) {
  std::vector<std::string> out;
  for (const auto& finding : diagnose_output(lines)) out.push_back(finding.reason);
  return out;
}

TEST(Diagnosis, LastWordsOfPrograms) {
  EXPECT_EQ(reasons({"psycopg.OperationalError: connection failed: FATAL:  database "
                     "\"zapier_triggers\" does not exist"}),
            std::vector<std::string>{"DatabaseMissing"});
  EXPECT_EQ(reasons({"FATAL: password authentication failed for user \"zapier_user\""}),
            std::vector<std::string>{"DatabasePasswordWrong"});
  EXPECT_EQ(reasons({"exec /app/run: exec format error"}),
            std::vector<std::string>{"ExecFormatError"});
  EXPECT_EQ(reasons({"connect ECONNREFUSED 10.0.0.5:5432", "connect ECONNREFUSED 10.0.0.5:5432"}),
            std::vector<std::string>{"ConnectionRefused"})
      << "told once";
  EXPECT_EQ(reasons({"INFO 198.18.0.1 GET /health 200", ""}), std::vector<std::string>{});
}

TEST(Diagnosis, AdviceNamesWhatTheLineNamed) {
  const std::vector<std::string> lines = {"FATAL:  database \"orders\" does not exist"};
  const auto findings = diagnose_output(lines);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].advice, HasSubstr("CREATE DATABASE \"orders\""));
  EXPECT_THAT(findings[0].message, HasSubstr("database \"orders\" does not exist"));
}

TEST(Diagnosis, EndpointsOfAnEnvironment) {
  const auto found = endpoints_of({
      {"API_URL", "https://api.example.com/v1"},
      {"DATABASE_URL", "postgresql+psycopg://u:p@ss:word@DB.example.com:5433/app?sslmode=require"},
      {"DB_HOST", "10.0.0.9"},
      {"DB_PORT", "5432"},
      {"HOSTNAME", "me"},
      {"LISTEN_HOST", "0.0.0.0"},
      {"REDIS_URL", "redis://cache"},
      {"TEXT", "no://"},
  });
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].host, "api.example.com");
  EXPECT_EQ(found[0].port, 443);
  EXPECT_EQ(found[1].host, "db.example.com");
  EXPECT_EQ(found[1].port, 5433);
  EXPECT_EQ(found[1].database, "app");
  EXPECT_EQ(found[2].variable, "DB_HOST");
  EXPECT_EQ(found[2].port, 5432);
  EXPECT_EQ(found[3].port, 6379);
}

TEST(Diagnosis, ExitCodes) {
  EXPECT_EQ(exit_code_meaning(127), "the command was not found");
  EXPECT_EQ(exit_code_meaning(1), "");
}

}  // namespace
}  // namespace landfall::ecs
