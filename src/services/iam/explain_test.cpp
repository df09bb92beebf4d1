#include "services/iam/explain.h"

#include <gtest/gtest.h>

namespace landfall::iam {
namespace {

TEST(IamExplain, ReadsRefusalsWhereverTheyAre) {
  const auto plain = read_refusal(
      "User: arn:aws:iam::1:user/ann is not authorized to perform: ecs:ListClusters on resource: * "
      "because no identity-based policy allows the ecs:ListClusters action");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->who, "arn:aws:iam::1:user/ann");
  EXPECT_EQ(plain->action, "ecs:ListClusters");
  EXPECT_EQ(plain->resource, "*");
  const auto inside = read_refusal(
      "ResourceInitializationError: ... status code: 400, User: arn:aws:sts::1:assumed-role/x/y is "
      "not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny "
      "in an identity-based policy");
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->who, "arn:aws:sts::1:assumed-role/x/y");
  EXPECT_EQ(inside->resource, "arn:aws:s3:::b/k");
  const auto bare = read_refusal("User: u is not authorized to perform: iam:GetUser");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->resource, "");
}

TEST(IamExplain, OtherTextIsNoRefusal) {
  for (const char* text : {"", "my-service", "User: ", " is not authorized to perform: a",
                           "User:  is not authorized to "
                           "perform: ",
                           "x is not authorized to perform: a User: b"})
    EXPECT_FALSE(read_refusal(text)) << text;
}

}  // namespace
}  // namespace landfall::iam
