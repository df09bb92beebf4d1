#include "proxy/log/access_log.h"

#include <gtest/gtest.h>

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
            "\"-\" - \"-\" \"-\" \"-\"");
  record.set_transformed("internal.example.com", "/b?c=1", "TransformSuccess");
  EXPECT_TRUE(format_record(record, "x")
                  .ends_with("\"internal.example.com\" \"/b?c=1\" \"TransformSuccess\""));
  record.user_agent = "a\"b\n";
  EXPECT_NE(format_record(record, "x").find("\"a\\x22b\\x0a\""), std::string::npos);
}

}  // namespace
}  // namespace landfall::proxy::testing
