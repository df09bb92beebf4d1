#include "services/ecs/controller/environment_file.h"

#include <gtest/gtest.h>

#include "services/ecs/bucket_folders.h"

namespace landfall::ecs {
namespace {

TEST(EnvironmentFile, IsReadAsEcsReadsIt) {
  const auto read = parse_environment_file(
      "# a comment\nA=1\n\nB= \"two words\" # no comment\r\nA=2\nno "
      "assignment\n=nameless\nC=x=y\nD=");
  const std::map<std::string, std::string> expected = {
      {"A", "1"},
      {"B", " \"two words\" # no comment"},
      {"C", "x=y"},
      {"D", ""}};
  EXPECT_EQ(read, expected);
  EXPECT_TRUE(parse_environment_file("").empty());
}

TEST(BucketFolders, AKeyStaysInItsBucket) {
  EXPECT_EQ(object_path("arn:aws:s3:::settings/web/app.env"),
            "settings/web/app.env");
  for (const char *bad :
       {"arn:aws:s3:::settings", "arn:aws:s3:::settings/",
        "arn:aws:s3:::/app.env", "arn:aws:s3:::settings/../other/app.env",
        "arn:aws:s3:::../app.env", "arn:aws:s3:::settings//app.env",
        "arn:aws:sns:::settings/app.env", ""})
    EXPECT_EQ(object_path(bad), "") << bad;
}

} // namespace
} // namespace landfall::ecs
