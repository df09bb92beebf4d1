#include "services/logs/service.h"

#include <gtest/gtest.h>

#include "services/logs/keeper.h"
#include "store/testing.h"
#include "wire/logs/operations.h"

namespace landfall::logs {
namespace {

struct Fixture : store::TestStore {
  Fixture() {
    auto opened = Engine::open(loop, clock, random, folder.path() / "logs");
    CHECK(opened.has_value());
    engine = std::move(*opened);
    queries =
        std::make_unique<QueryRunner>(loop, *store, clock, *engine, folder.path() / "queries");
    logs = std::make_unique<Logs>(loop, *store, clock, random, *engine, *queries, tails);
    ctx.scope = {"123456789012", "us-west-1"};
  }
  std::int64_t now_ms() const { return to_unix_ms(clock.now()); }
  RequestContext& at_now() {
    ctx.now = clock.now();
    return ctx;
  }
  task<void> make(std::string group, std::string stream) {
    EXPECT_TRUE(co_await create_log_group(*logs, at_now(), {group}));
    EXPECT_TRUE(co_await create_log_stream(*logs, at_now(), {group, stream}));
  }
  task<void> put(std::string stream, std::vector<std::int64_t> ages_ms) {
    PutLogEventsRequest in{"/g", stream};
    for (const std::int64_t age : ages_ms) {
      in.log_events.push_back({now_ms() - age, fmt::format("{} {}", stream, age)});
    }
    EXPECT_TRUE(co_await put_log_events(*logs, at_now(), std::move(in)));
  }
  SeededRandom random{1};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<QueryRunner> queries;
  LiveTails tails{loop, clock};
  std::unique_ptr<Logs> logs;
  RequestContext ctx;
};

std::string code_of(const auto& result) { return result ? "" : result.error().code; }

template <class Events>
std::string text_of(const Events& events) {
  std::string text;
  for (const auto& event : events) text += *event.message + ";";
  return text;
}

task<void> groups(Fixture& f) {
  Logs& logs = *f.logs;
  CreateLogGroupRequest in{"/b"};
  in.tags["team"] = "x";
  EXPECT_TRUE(co_await create_log_group(logs, f.at_now(), in));
  EXPECT_EQ(code_of(co_await create_log_group(logs, f.ctx, in)), "ResourceAlreadyExistsException");
  EXPECT_TRUE(co_await create_log_group(logs, f.ctx, {"/a"}));
  EXPECT_TRUE(co_await create_log_group(logs, f.ctx, {"/b/c"}));
  DescribeLogGroupsRequest all;
  all.limit = 2;
  auto page = co_await describe_log_groups(logs, f.ctx, all);
  EXPECT_EQ(page->log_groups.size(), 2U);
  EXPECT_EQ(page->log_groups[0].log_group_name, "/a");
  EXPECT_EQ(page->log_groups[0].arn, "arn:aws:logs:us-west-1:123456789012:log-group:/a:*");
  all.next_token = page->next_token;
  page = co_await describe_log_groups(logs, f.ctx, all);
  EXPECT_EQ(page->log_groups.size(), 1U);
  EXPECT_FALSE(page->next_token);
  all.next_token = "rubbish";
  EXPECT_EQ(code_of(co_await describe_log_groups(logs, f.ctx, all)), "InvalidParameterException");
  DescribeLogGroupsRequest some;
  some.log_group_name_prefix = "/b";
  EXPECT_EQ((co_await describe_log_groups(logs, f.ctx, some))->log_groups.size(), 2U);
  EXPECT_EQ(code_of(co_await put_retention_policy(logs, f.ctx, {"/b", 8})),
            "InvalidParameterException");
  EXPECT_EQ(code_of(co_await put_retention_policy(logs, f.ctx, {"/x", 7})),
            "ResourceNotFoundException");
  EXPECT_TRUE(co_await put_retention_policy(logs, f.ctx, {"/b", 7}));
  EXPECT_EQ((co_await describe_log_groups(logs, f.ctx, some))->log_groups[0].retention_in_days, 7);
  EXPECT_TRUE(co_await delete_retention_policy(logs, f.ctx, {"/b"}));
  EXPECT_FALSE((co_await describe_log_groups(logs, f.ctx, some))->log_groups[0].retention_in_days);
  const std::string arn = "arn:aws:logs:us-west-1:123456789012:log-group:/b";
  TagResourceRequest tag{arn + ":*"};
  tag.tags["more"] = "y";
  EXPECT_TRUE(co_await tag_resource(logs, f.ctx, tag));
  EXPECT_EQ((co_await list_tags_for_resource(logs, f.ctx, {arn}))->tags.size(), 2U);
  UntagResourceRequest untag{arn};
  untag.tag_keys = {"team"};
  EXPECT_TRUE(co_await untag_resource(logs, f.ctx, untag));
  EXPECT_EQ((co_await list_tags_log_group(logs, f.ctx, {"/b"}))->tags.size(), 1U);
  EXPECT_TRUE(co_await delete_log_group(logs, f.ctx, {"/b"}));
  EXPECT_EQ(code_of(co_await delete_log_group(logs, f.ctx, {"/b"})), "ResourceNotFoundException");
}
TEST(LogsService, Groups) {
  Fixture f;
  f.loop.run(groups(f));
}

task<void> streams(Fixture& f) {
  co_await f.make("/g", "s1");
  EXPECT_TRUE(co_await create_log_stream(*f.logs, f.ctx, {"/g", "s2"}));
  EXPECT_TRUE(co_await create_log_stream(*f.logs, f.ctx, {"/g", "s3"}));
  EXPECT_EQ(code_of(co_await create_log_stream(*f.logs, f.ctx, {"/g", "s3"})),
            "ResourceAlreadyExistsException");
  EXPECT_EQ(code_of(co_await create_log_stream(*f.logs, f.ctx, {"/x", "s3"})),
            "ResourceNotFoundException");
  co_await f.put("s1", {50});
  co_await f.put("s2", {100});
  DescribeLogStreamsRequest in;
  in.log_group_name = "/g";
  in.order_by = "LastEventTime";
  in.descending = true;
  in.limit = 1;
  std::string order;
  do {
    auto page = co_await describe_log_streams(*f.logs, f.ctx, in);
    EXPECT_TRUE(page);
    if (!page) co_return;
    order += *page->log_streams.at(0).log_stream_name;
    in.next_token = page->next_token;
  } while (in.next_token);
  EXPECT_EQ(order, "s1s2s3");
  in.log_stream_name_prefix = "s";
  EXPECT_EQ(code_of(co_await describe_log_streams(*f.logs, f.ctx, in)),
            "InvalidParameterException");
  EXPECT_TRUE(co_await delete_log_stream(*f.logs, f.ctx, {"/g", "s1"}));
  EXPECT_EQ(code_of(co_await delete_log_stream(*f.logs, f.ctx, {"/g", "s1"})),
            "ResourceNotFoundException");
}
TEST(LogsService, Streams) {
  Fixture f;
  f.loop.run(streams(f));
}

task<void> put_rules(Fixture& f) {
  co_await f.make("/g", "s");
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  PutLogEventsRequest in{"/g", "s"};
  in.log_events = {{f.now_ms(), "b"}, {f.now_ms() - 1, "a"}};
  EXPECT_EQ(code_of(co_await put_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
  in.log_events = {{f.now_ms() - kDay - 1, "a"}, {f.now_ms(), "b"}};
  EXPECT_EQ(code_of(co_await put_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
  in.log_events = {{f.now_ms(), std::string(1'048'576 - 25, 'x')}};
  EXPECT_EQ(code_of(co_await put_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
  in.log_events = {{f.now_ms(), "a"}};
  in.log_stream_name = "x";
  EXPECT_EQ(code_of(co_await put_log_events(*f.logs, f.ctx, in)), "ResourceNotFoundException");
  in.log_stream_name = "s";
  in.log_events = {{f.now_ms() - 14 * kDay - 1, "old"}, {f.now_ms() - 14 * kDay, "kept"}};
  auto done = co_await put_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(done->rejected_log_events_info->too_old_log_event_end_index, 1);
  EXPECT_FALSE(done->rejected_log_events_info->too_new_log_event_start_index);
  in.log_events = {{f.now_ms() + 7'200'000, "edge"}, {f.now_ms() + 7'200'001, "new"}};
  done = co_await put_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(done->rejected_log_events_info->too_new_log_event_start_index, 1);
  EXPECT_TRUE(co_await put_retention_policy(*f.logs, f.ctx, {"/g", 1}));
  in.log_events = {{f.now_ms() - kDay - 1, "expired"}, {f.now_ms() - kDay, "day"}};
  done = co_await put_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(done->rejected_log_events_info->expired_log_event_end_index, 1);
  FilterLogEventsRequest all;
  all.log_group_name = "/g";
  EXPECT_EQ(text_of((co_await filter_log_events(*f.logs, f.ctx, all))->events), "day;edge;");
}
TEST(LogsService, RefusesWhatAwsRefusesOfABatch) {
  Fixture f;
  f.loop.run(put_rules(f));
}

task<void> get_pages(Fixture& f) {
  co_await f.make("/g", "s");
  GetLogEventsRequest in;
  in.log_group_name = "/g";
  in.log_stream_name = "s";
  in.start_from_head = true;
  auto page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_TRUE(page->events.empty());
  const std::string from_empty = *page->next_forward_token;
  co_await f.put("s", {500, 400, 300, 200, 100});
  in.next_token = from_empty;
  in.limit = 2;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(text_of(page->events), "s 500;s 400;");
  in.next_token = page->next_forward_token;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(text_of(page->events), "s 300;s 200;");
  const std::string back = *page->next_backward_token;
  in.next_token = page->next_forward_token;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(text_of(page->events), "s 100;");
  in.next_token = page->next_forward_token;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_TRUE(page->events.empty());
  EXPECT_EQ(page->next_forward_token, in.next_token);  // the end: the same token again
  GetLogEventsRequest turned = in;
  turned.next_token = page->next_backward_token;  // turning round at the end gives the last ones
  EXPECT_EQ(text_of((co_await get_log_events(*f.logs, f.ctx, turned))->events), "s 200;s 100;");
  in.next_token = back;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(text_of(page->events), "s 500;s 400;");
  in.next_token = page->next_backward_token;
  page = co_await get_log_events(*f.logs, f.ctx, in);
  EXPECT_TRUE(page->events.empty());
  EXPECT_EQ(page->next_backward_token, in.next_token);
  in.next_token = page->next_forward_token;
  EXPECT_EQ(text_of((co_await get_log_events(*f.logs, f.ctx, in))->events), "s 500;s 400;");
  // Without startFromHead: the latest.
  in.next_token.reset();
  in.start_from_head.reset();
  EXPECT_EQ(text_of((co_await get_log_events(*f.logs, f.ctx, in))->events), "s 200;s 100;");
  in.limit.reset();
  in.start_time = f.now_ms() - 400;
  in.end_time = f.now_ms() - 200;  // exclusive
  EXPECT_EQ(text_of((co_await get_log_events(*f.logs, f.ctx, in))->events), "s 400;s 300;");
  in.next_token = "f/1/s";
  EXPECT_EQ(code_of(co_await get_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
}
TEST(LogsService, GetLogEventsPagesBothWays) {
  Fixture f;
  f.loop.run(get_pages(f));
}

task<void> filter(Fixture& f) {
  co_await f.make("/g", "a");
  EXPECT_TRUE(co_await create_log_stream(*f.logs, f.ctx, {"/g", "b"}));
  co_await f.put("a", {500, 300, 100});
  co_await f.put("b", {400, 200});
  FilterLogEventsRequest in;
  in.log_group_identifier = "arn:aws:logs:us-west-1:123456789012:log-group:/g";
  auto page = co_await filter_log_events(*f.logs, f.ctx, in);
  EXPECT_EQ(text_of(page->events), "a 500;b 400;a 300;b 200;a 100;");
  EXPECT_FALSE(page->next_token);
  std::set<std::string> ids;
  for (const auto& event : page->events) ids.insert(*event.event_id);
  EXPECT_EQ(ids.size(), 5U);
  in.limit = 2;
  std::string all;
  do {
    page = co_await filter_log_events(*f.logs, f.ctx, in);
    EXPECT_TRUE(page);
    if (!page) co_return;
    all += text_of(page->events) + "|";
    in.next_token = page->next_token;
  } while (in.next_token);
  EXPECT_EQ(all, "a 500;b 400;|a 300;b 200;|a 100;|");
  page = co_await filter_log_events(*f.logs, f.ctx, in);
  in.next_token = page->next_token;
  in.filter_pattern = "other";
  EXPECT_EQ(code_of(co_await filter_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
  in.next_token.reset();
  in.limit.reset();
  in.filter_pattern = "\"00\" -300";
  in.start_time = f.now_ms() - 400;
  in.end_time = f.now_ms() - 100;  // inclusive
  EXPECT_EQ(text_of((co_await filter_log_events(*f.logs, f.ctx, in))->events),
            "b 400;b 200;a 100;");
  in.log_stream_names = {"b"};
  EXPECT_EQ(text_of((co_await filter_log_events(*f.logs, f.ctx, in))->events), "b 400;b 200;");
  in.log_stream_names = {"x"};
  EXPECT_EQ(code_of(co_await filter_log_events(*f.logs, f.ctx, in)), "ResourceNotFoundException");
  in.log_stream_names = {};
  in.filter_pattern = "{ $.x = }";
  EXPECT_EQ(code_of(co_await filter_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
  in.filter_pattern.reset();
  in.log_group_name = "/g";
  EXPECT_EQ(code_of(co_await filter_log_events(*f.logs, f.ctx, in)), "InvalidParameterException");
}
TEST(LogsService, FilterLogEventsMergesFiltersAndPages) {
  Fixture f;
  f.loop.run(filter(f));
}

task<void> follow(Fixture& f) {
  LogsPort port(*f.logs);
  const Scope scope = f.ctx.scope;
  const TimePoint now = f.clock.now();
  Append append{scope, "/ecs/x", "web/1", {{now, "one"}}, false, "conmon", 10};
  EXPECT_EQ(code_of(co_await port.append(append)), "ResourceNotFoundException");
  EXPECT_EQ(port.follower_position(scope, "/ecs/x", "web/1", "conmon"), 0);
  append.create_group = true;
  EXPECT_TRUE(co_await port.append(append));
  EXPECT_TRUE(port.group_exists(scope, "/ecs/x"));
  EXPECT_TRUE(co_await port.append(append));  // dropped
  append.position = 20;
  append.lines = {{now + Millis(2), "b\xff"}, {now + Millis(1), "a"}, {now, ""}};
  EXPECT_TRUE(co_await port.append(append));
  EXPECT_EQ(port.follower_position(scope, "/ecs/x", "web/1", "conmon"), 20);
  FilterLogEventsRequest in;
  in.log_group_name = "/ecs/x";
  EXPECT_EQ(text_of((co_await filter_log_events(*f.logs, f.at_now(), in))->events),
            "one;a;b\xef\xbf\xbd;");
  append.position = 30;
  append.lines = {{now + Millis(9), std::string(300'000, 'x')}};
  EXPECT_TRUE(co_await port.append(append));
  EXPECT_EQ((co_await filter_log_events(*f.logs, f.ctx, in))->events.size(), 5U);
}
TEST(LogsService, KeepsTheLinesOfAFollower) {
  Fixture f;
  f.loop.run(follow(f));
}

task<void> keep_house(Fixture& f) {
  co_await f.make("/g", "s");
  co_await f.make("/h", "s");
  co_await f.put("s", {500});
  EXPECT_TRUE(co_await put_retention_policy(*f.logs, f.ctx, {"/g", 1}));
  f.clock.advance(std::chrono::hours(25));
  Housekeeping house(f.loop, *f.logs);
  co_await house.sweep();
  EXPECT_EQ((co_await describe_log_groups(*f.logs, f.ctx, {}))->log_groups[0].stored_bytes, 0);
  // As if the process had died between the two writes of DeleteLogGroup.
  const Groups groups = f.logs->groups(f.ctx.scope);
  const std::int64_t id = groups.get("/h")->value.id;
  std::ignore = co_await f.store->commit({{}, {groups.remove("/h")}});
  EXPECT_NE(f.engine->find(id, "s"), nullptr);
  co_await house.sweep();
  EXPECT_EQ(f.engine->find(id, "s"), nullptr);
  EXPECT_NE(f.engine->find(groups.get("/g")->value.id, "s"), nullptr);
  co_await house.stop();
}
TEST(LogsService, HousekeepingExpiresEventsAndDropsWhatNobodyKnows) {
  Fixture f;
  f.loop.run(keep_house(f));
}

task<void> test_filter(Fixture& f) {
  TestMetricFilterRequest in;
  in.filter_pattern = "[ip, status = 5*]";
  in.log_event_messages = {"1.2.3.4 200", "1.2.3.4 502"};
  auto out = co_await test_metric_filter(*f.logs, f.ctx, in);
  EXPECT_EQ(out->matches.size(), 1U);
  EXPECT_EQ(out->matches[0].event_number, 2);
  EXPECT_EQ(out->matches[0].extracted_values["$status"], "502");
}
TEST(LogsService, TestsMetricFilters) {
  Fixture f;
  f.loop.run(test_filter(f));
}

}  // namespace
}  // namespace landfall::logs
