#include "services/rds/formula.h"

#include <gtest/gtest.h>

namespace landfall::rds {
namespace {

const FormulaInputs kMicro{std::int64_t(1) << 30, std::int64_t(20) << 30, 2, 5432};

TEST(Formula, EvaluatesWhatAwsDocuments) {
  EXPECT_EQ(*evaluate_formula("LEAST({DBInstanceClassMemory/9531392},5000)", kMicro), "112");
  EXPECT_EQ(*evaluate_formula("{DBInstanceClassMemory/32768}", kMicro), "32768");
  EXPECT_EQ(*evaluate_formula("GREATEST({DBInstanceClassMemory*1024/63963136},65536)", kMicro),
            "65536");
  EXPECT_EQ(*evaluate_formula("{DBInstanceClassMemory*3/4}", kMicro), "805306368");
  EXPECT_EQ(*evaluate_formula("SUM({DBInstanceVCPU}, 3, {EndPointPort})", kMicro), "5437");
  EXPECT_EQ(*evaluate_formula("{AllocatedStorage/(2+2)}", kMicro), "5368709120");
}

TEST(Formula, LeavesPlainValuesAlone) {
  for (const char* plain : {"64MB", "", "LEASTWISE", "a{b}", "%t:%r:"})
    EXPECT_EQ(*evaluate_formula(plain, kMicro), plain);
}

TEST(Formula, RefusesWhatItCannotRead) {
  const std::string deep = std::string(1000, '{') + "1" + std::string(1000, '}');
  for (const std::string& bad :
       {std::string("{"), std::string("{}"), std::string("{1/0}"), std::string("{Nonsense}"),
        std::string("LEAST(1"), std::string("{1} x"), std::string("{99999999999999999999}"),
        std::string("{DBInstanceClassMemory*DBInstanceClassMemory*DBInstanceClassMemory}"), deep}) {
    EXPECT_FALSE(evaluate_formula(bad, kMicro)) << bad;
  }
}

}  // namespace
}  // namespace landfall::rds
