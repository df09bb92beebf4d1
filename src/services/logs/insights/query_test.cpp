// Queries over a few lines: what each command, operator and function makes of them.
#include "services/logs/insights/testing.h"

namespace landfall::logs::insights::testing {
namespace {

using Rows = std::vector<std::string>;

const Rows kJson{
    R"({"level":"INFO","ms":12,"user":{"id":7,"name":"ann"},"tags":["a","b"],"ok":true})",
    R"({"level":"ERROR","ms":250.5,"user":{"id":8},"ok":false,"a.b":{"c":"dotted"}})",
    R"({"level":"WARN","ms":"90","big":9007199254740993,"@x":"at","gone":null})",
    "plain text 502",
};

struct Case {
  std::string_view query;
  std::string_view answer;
};

void expect(const std::vector<Case>& cases, const Rows& lines, std::int64_t apart_ms = 1000) {
  for (const Case& one : cases) {
    EXPECT_EQ(ask(one.query, lines, apart_ms).text(), one.answer) << one.query;
  }
}

TEST(InsightsQuery, ShowsTheLatestFirst) {
  const Answer answer = ask("limit 2", {"one", "two", "three"});
  EXPECT_EQ(answer.columns, (Rows{"@timestamp", "@message", "@ptr"}));
  EXPECT_EQ(answer.text(),
            "@timestamp=2027-01-15 08:00:02.000 @message=three; "
            "@timestamp=2027-01-15 08:00:01.000 @message=two");
  EXPECT_EQ(answer.figures.matched, 3);
  Event event;
  ASSERT_TRUE(Event::parse_pointer(*answer.rows[0][2], event));
  EXPECT_EQ(event.position.time_ms, kStart + 2000);
  EXPECT_EQ(event.stream, 2);
  EXPECT_FALSE(Event::parse_pointer("rubbish", event));
}

TEST(InsightsQuery, Fields) {
  expect(
      {
          {"fields @logStream, @log, @ingestionTime | limit 1",
           "@logStream=web @log=1:/g @ingestionTime=2027-01-15 08:01:00.000"},
          {"fields level, user.id, tags.1 | sort @timestamp asc | limit 1",
           "level=INFO user.id=7 tags.1=b"},
          {"fields ok | filter ispresent(ok) | sort level", "ok=0; ok=1"},
          {"fields a.b.c | filter ispresent(a.b.c)", "a.b.c=dotted"},
          {"fields big, @@x | filter ispresent(big)", "big=9007199254740993 @@x=at"},
          {"fields user, tags, gone, nothing | limit 2", "; "},
          {"fields ms * 2 as twice, strlen(level) | filter level = \"ERROR\"",
           "twice=501 strlen(level)=5"},
          {"fields level | display user.id | filter user.id > 7", "user.id=8"},
          {"fields level | filter level = 'WARN' | fields ms, level", "level=WARN ms=90"},
          {"fields 1 as a | fields 2 as a", "the field a is defined twice"},
          {"fields foo(1)", "unknown function foo"},
          {"fields strlen()", "strlen takes 1 to 1 arguments, not 0"},
          {"fields 5m", "5m is no value"},
      },
      kJson);
}

TEST(InsightsQuery, Filter) {
  const std::string prefix = "fields level | filter ";
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"level = \"INFO\"", "level=INFO"},
      {"level != \"INFO\" and ispresent(level)", "level=WARN; level=ERROR"},
      {"ms > 50", "level=WARN; level=ERROR"},
      {"ms >= 90 and ms <= 90", "level=WARN"},
      {"ms < 50 or level like \"ERR\"", "level=ERROR; level=INFO"},
      {"level in [\"INFO\", 'WARN']", "level=WARN; level=INFO"},
      {"level not in [\"INFO\", 'WARN'] and ispresent(level)", "level=ERROR"},
      {"user.id in [8]", "level=ERROR"},
      {"level like /(?i)^err/", "level=ERROR"},
      {"level =~ /R{2}/", "level=ERROR"},
      {"level not like /R/ and ispresent(level)", "level=INFO"},
      {"not (level = 'INFO' or level = 'WARN') and ispresent(level)", "level=ERROR"},
      {"ok", "level=INFO"},
      {"ok = \"true\" or ok = 0", "level=ERROR; level=INFO"},
      {"@message like \"plain\"", ""},
      {"missing > 1 or missing = 1", ""},
      {"missing != 1 and level = 'INFO'", "level=INFO"},
      {"(ms + 8) * 2 = 40 and 2 ^ 3 ^ 1 = 8 and 10 % 4 = 2 and -ms < 0", "level=INFO"},
      {"1 / 0 = 0", ""},
  };
  for (const auto& [condition, answer] : cases) {
    EXPECT_EQ(ask(prefix + std::string(condition), kJson).text(), answer) << condition;
  }
}

TEST(InsightsQuery, Functions) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"abs(-2.5)", "2.5"},
      {"ceil(1.2)", "2"},
      {"floor(-1.2)", "-2"},
      {"greatest(3, 10, \"7\")", "10"},
      {"least(3, 10, \"-7\")", "-7"},
      {"log(1)", "0"},
      {"sqrt(2)", "1.4142"},
      {"coalesce(nothing, level, 'x')", "INFO"},
      {"isempty(level)", "0"},
      {"isblank(\" \")", "1"},
      {"concat(level, \"-\", ms, \"-\", user.id)", "INFO-12-7"},
      {"trim(\"  a \")", "a"},
      {"ltrim(\"xxa\", \"x\")", "a"},
      {"rtrim(\"axx\", \"x\")", "a"},
      {"strlen(\"grün\")", "4"},
      {"toupper(user.name)", "ANN"},
      {"tolower(level)", "info"},
      {"substr(\"grünes\", 3)", "nes"},
      {"substr(\"grünes\", 2, 2)", "ün"},
      {"replace(\"a-b-c\", \"-\", \"+\")", "a+b+c"},
      {"strcontains(@message, \"ann\")", "1"},
      {"fromMillis(0)", "1970-01-01 00:00:00.000"},
      {"toMillis(@timestamp)", "1800000000000"},
      {"now()", "1800000000"},
      {"bin(5m)", "2027-01-15 08:00:00.000"},
      {"datefloor(@timestamp, 1d)", "2027-01-15 00:00:00.000"},
      {"dateceil(@timestamp, 1mo)", "2027-02-01 00:00:00.000"},
      {"datefloor(@timestamp, 1q)", "2027-01-01 00:00:00.000"},
      {"datefloor(@timestamp, 10years)", "2020-01-01 00:00:00.000"},
      {"isValidIp(\"::1\")", "1"},
      {"isValidIpV4(\"::1\")", "0"},
      {"isValidIpV6(\"1.2.3\")", "0"},
      {"isIpInSubnet(\"10.1.2.3\", \"10.1.0.0/15\")", "1"},
      {"isIpv4InSubnet(\"10.4.2.3\", \"10.1.0.0/15\")", "0"},
      {"isIpv6InSubnet(\"2001:db8::1\", \"2001:db8::/32\")", "1"},
      {"ms / 8", "1.5"},
      {"ms / 100000000", "1.2e-07"},
  };
  for (const auto& [call, value] : cases) {
    const std::string query = fmt::format("filter level = 'INFO' | display {}", call);
    EXPECT_EQ(ask(query, kJson).text(), fmt::format("{}={}", call, value));
  }
}

TEST(InsightsQuery, Parse) {
  const Rows lines{"user=ann, method:GET, latency := 12", "user=bob, method:PUT, latency := 7",
                   "nothing of the kind"};
  expect(
      {
          {"parse @message \"user=*, method:*, latency := *\" as @user, @method, @latency"
           " | filter @latency < 10 | display @user, @method, @latency",
           "@user=bob @method=PUT @latency=7"},
          {"parse \"user=*,\" as who | stats count(*) as n by who",
           "n=1; who=ann n=1; who=bob n=1"},
          {"parse @message /user=(?<u>\\w+), method:(?<m>\\w+)/ | filter m = 'GET' | display u",
           "u=ann"},
          {"parse @message /(\\w+)=(\\w+)/ as k, v | filter ispresent(k) | display k, v",
           "k=user v=bob; k=user v=ann"},
          {"parse @message /(?P<n>x{3})?nothing/ | display n | limit 1", ""},
          {"parse @message \"*,*\" as a, a", "the field a is defined twice"},
      },
      lines);
  EXPECT_EQ(ask("parse @message /(a*)*(b*)*c$/ as x, y", {std::string(4000, 'a') + "cd"}).text(),
            "A regular expression needs too many steps.");
}

TEST(InsightsQuery, Stats) {
  const Rows lines{R"({"k":"a","n":1})", R"({"k":"b","n":2})", R"({"k":"a","n":3})",
                   R"({"k":"a","n":"x"})", "none"};
  expect(
      {
          {"stats count(*), count(n), count() as all", "count(*)=5 count(n)=4 all=5"},
          {"filter ispresent(k) | stats sum(n) as s, avg(n) as a by k", "k=a s=4 a=2; k=b s=2 a=2"},
          {"stats count_distinct(k) as d, min(n) as low, max(n) as high", "d=2 low=1 high=x"},
          {"stats stddev(n) as s, pct(n, 50) as p", "s=0.8165 p=2"},
          {"stats earliest(n) as e, latest(n) as l, sortsFirst(n) as f, sortsLast(n) as t",
           "e=1 l=x f=x t=3"},
          {"stats count(*) by bin(2s)",
           "bin(2s)=2027-01-15 08:00:00.000 count(*)=2; bin(2s)=2027-01-15 08:00:02.000 "
           "count(*)=2; bin(2s)=2027-01-15 08:00:04.000 count(*)=1"},
          {"stats max(n) - min(n) as span, sum(n) / count(*) by k | filter k = 'b'",
           "k=b span=0 sum(n) / count(*)=2"},
          {"stats count(*) as c by k | sort c desc | limit 1 | fields c * 10 as ten",
           "k=a c=3 ten=30"},
          {"stats count(*) as c by k | stats max(c) as most, count(*) as groups",
           "most=3 groups=3"},
          {"stats count(*) as c by k | display c | sort c", "c=1; c=1; c=3"},
          {"stats n by k", "n is neither aggregated nor named after by"},
          {"stats 1 by k", "stats takes aggregations: count(*), avg(field)"},
          {"stats pct(n)", "pct takes a field and a percentage: pct(field, 95)"},
          {"filter count(*) > 1", "unknown function count"},
      },
      lines);
}

TEST(InsightsQuery, SortAndDedup) {
  const Rows lines{"a 10", "b 9", "a 8", "c x2", "b x10"};
  const std::string parse = "parse @message \"* *\" as k, v | display k, v | ";
  expect(
      {
          {parse + "sort v", "k=c v=x2; k=b v=x10; k=a v=8; k=b v=9; k=a v=10"},
          {parse + "sort v desc", "k=a v=10; k=b v=9; k=a v=8; k=b v=x10; k=c v=x2"},
          {parse + "sort k, v desc", "k=a v=10; k=a v=8; k=b v=9; k=b v=x10; k=c v=x2"},
          {parse + "sort strlen(v) desc, k | limit 2", "k=b v=x10; k=a v=10"},
          {parse + "dedup k", "k=b v=x10; k=c v=x2; k=a v=8"},
          {parse + "sort @timestamp asc | dedup k", "k=a v=10; k=b v=9; k=c v=x2"},
          {parse + "sort v | dedup k | limit 2", "k=c v=x2; k=b v=x10"},
          {parse + "dedup missing | limit 2", "k=b v=x10; k=c v=x2"},
          {parse + "limit 2 | sort v", "k=c v=x2; k=b v=x10"},
          {parse + "sort v | limit 3 | filter k = 'b'", "k=b v=x10"},
      },
      lines);
}

TEST(InsightsQuery, ManyGroupsAndValuesStayBounded) {
  Rows lines;
  for (int i = 0; i < 20'000; ++i) {
    lines.push_back(fmt::format(R"({{"n":{},"text":"{}"}})", i + 1, std::string(100, 'x')));
  }
  const Answer answer = ask("stats count_distinct(n) as d, pct(n, 50) as p, count(*) as c", lines);
  ASSERT_EQ(answer.rows.size(), 1U) << answer.error;
  EXPECT_NEAR(std::stod(*answer.rows[0][0]), 20'000, 600);
  EXPECT_NEAR(std::stod(*answer.rows[0][1]), 10'000, 150);
  EXPECT_EQ(answer.rows[0][2], "20000");
  EXPECT_EQ(ask("fields n", lines).rows.size(), kMostRows);
  EXPECT_EQ(ask("stats count(*) by n", lines).rows.size(), kMostRows);
  EXPECT_NE(ask("stats count(*) by n, text", lines, 1000, 1 << 20).error.find("too much memory"),
            std::string::npos);
}

TEST(InsightsQuery, LooksForWhatAMessageMustHold) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"filter @message like \"timeout\"", "timeout"},
      {"filter @message like /time.?out: \\d+ms/", "out: "},
      {"filter @message like /a|b/", ""},
      {"filter @message like /(?i)error/", ""},
      {"filter @message like /er{2,}or\\.x?/", "or."},
      {"filter level = 'a' and @message like \"one\" | filter @message like \"three\"", "three"},
      {"filter @message like \"one\" or level = 'a'", ""},
      {"filter @message not like \"one\"", ""},
      {"limit 5 | filter @message like \"one\"", ""},
      {"parse \"* *\" as @message, x | filter @message like \"one\"", ""},
  };
  for (const auto& [query, required] : cases) {
    const auto plan = Plan::make(query, {});
    ASSERT_TRUE(plan) << query << plan.error().message;
    EXPECT_EQ(plan->required(), required) << query;
  }
  EXPECT_TRUE(Plan::make("fields @message | sort @timestamp desc | limit 20", {})->latest_first());
  EXPECT_FALSE(Plan::make("sort @timestamp | limit 20", {})->latest_first());
  EXPECT_FALSE(Plan::make("stats count(*)", {})->latest_first());
}

}  // namespace
}  // namespace landfall::logs::insights::testing
