#include "proxy/log/access_log.h"

#include <unistd.h>

#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

TEST(AccessLog, ALineAsAwsWritesIt) {
  LogRecord record;
  record.client.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 131, 39};
  record.client.port = 2817;
  record.target = "10.0.0.1:80";
  record.created_us = 1'530'570'168'364'000;
  record.finished_us = 1'530'570'180'186'641;
  record.request_us = 0;
  record.target_us = 1400;
  record.response_us = 0;
  record.elb_status = record.target_status = 200;
  record.received_bytes = 34;
  record.sent_bytes = 366;
  record.request_line = "GET http://www.example.com:80/ HTTP/1.1";
  record.user_agent = "curl/7.46.0";
  record.target_group = "arn:tg";
  record.trace_id = "Root=1-58337262-36d228ad5d99923122bbe354";
  record.rule_priority = 0;
  record.action = "forward";
  EXPECT_EQ(format_record(record, "app/my-loadbalancer/50dc6c495c0c9188"),
            "http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 "
            "192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
            "\"GET http://www.example.com:80/ HTTP/1.1\" \"curl/7.46.0\" - - arn:tg "
            "\"Root=1-58337262-36d228ad5d99923122bbe354\" \"-\" \"-\" 0 "
            "2018-07-02T22:22:48.364000Z \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" "
            "\"-\"");
  record.user_agent = "a\"b\n";
  EXPECT_NE(format_record(record, "x").find("\"a\\x22b\\x0a\""), std::string::npos);
}

TEST(AccessLog, RequestsLeaveTheirLines) {
  std::string folder = (std::filesystem::temp_directory_path() / "lf-alog-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  TestTarget target(TestTarget::says("x"));
  {
    TestBalancer balancer;
    balancer.add_target(target);
    balancer.balancer().access_log_folder = folder;
    balancer.apply();
    balancer.ask("GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\n\r\n");
    balancer.ask("GET / HTTP/1.1\r\n\r\n");
    balancer.balancer().access_log_folder.clear();
    balancer.apply();
  }
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(entry.path().extension(), ".log");  // finished
    text += *io::read_file(entry.path());
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find(" 200 200 "), std::string::npos) << text;
  EXPECT_NE(text.find("/a?b HTTP/1.1\" \"test\""), std::string::npos) << text;
  EXPECT_NE(text.find(" -1 -1 -1 400 - "), std::string::npos) << text;
  EXPECT_NE(text.find("\"Severe\" \"BadHeader\""), std::string::npos) << text;
}

}  // namespace
}  // namespace landfall::proxy::testing
