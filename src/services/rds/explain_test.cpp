#include "services/rds/explain.h"

#include <gtest/gtest.h>

namespace landfall::rds {
namespace {

constexpr std::string_view kLog =
    "2026-11-21 10:00:00 UTC:10.0.0.9(1):u@old:[1]:FATAL:  database \"old\" does not exist\n"
    "2026-11-21 15:21:03 UTC:10.0.0.9(1):u@nowhere:[1]:FATAL:  database \"nowhere\" does not "
    "exist\n"
    "2026-11-21 15:21:04 UTC:10.0.0.9(2):u@db:[1]:FATAL:  password authentication failed for user "
    "\"u\"\n"
    "2026-11-21 15:21:04 UTC:10.0.0.9(3):u@db:[1]:DETAIL:  Connection matched file \"x\" line 3\n"
    "2026-11-21 15:21:05 UTC:10.0.0.9(2):u@db:[1]:FATAL:  password authentication failed for user "
    "\"u\"\n"
    "2026-11-21 15:21:05 UTC:10.0.0.9(4):u@db:[1]:FATAL:  no pg_hba.conf entry for host "
    "\"10.0.0.9\", user \"u\", database \"db\", no encryption\n"
    "2026-11-21 15:21:06 UTC:10.0.0.9(5):u@db:[1]:FATAL:  sorry, too many clients already\n"
    "2026-11-21 15:21:07 UTC:10.0.0.9(5):u@db:[1]:ERROR:  could not extend file \"base/1\": No "
    "space left on device\n"
    "2026-11-21 15:21:08 UTC:10.0.0.9(5):u@db:[1]:STATEMENT:  select 'FATAL:  database'\n";

TEST(Refusals, AreReadFromTheServersLog) {
  // 2026-11-21 12:00:00 UTC
  const RefusedClients found = read_refusals(kLog, from_unix_ms(1'795'262'400'000));
  EXPECT_EQ(found.missing_databases, std::set<std::string>{"nowhere"});
  EXPECT_EQ(found.wrong_passwords, (std::map<std::string, int>{{"u", 2}}));
  EXPECT_EQ(found.without_tls, (std::map<std::string, int>{{"10.0.0.9", 1}}));
  EXPECT_EQ(found.too_many, 1);
  EXPECT_EQ(found.disk_full, "could not extend file \"base/1\": No space left on device");
}

}  // namespace
}  // namespace landfall::rds
