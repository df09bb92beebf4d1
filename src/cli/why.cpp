#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/options.h"

namespace landfall::cli {

int run_why(const std::vector<std::string>& words) {
  const std::vector<Option> known = {
      kDataDir,
      {"--region", "REGION", "",
       "where the resource is, unless it is an ARN (default: AWS_REGION)"},
      {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words, 1);
  if (!parsed) return complain(parsed.error().message + "; see landfall why --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall why RESOURCE [OPTIONS]\n\nSays why a resource is not as it should be: "
        "walks "
        "from it along what it depends on to the causes,\nand says what to do about each. RESOURCE "
        "is an ARN, an id, a name, or the message of a refusal\n(\"User: ... is not authorized to "
        "perform: ...\").\n\n{}\nexamples:\n  landfall why my-service\n  landfall why my-database "
        "--region eu-west-1\n  landfall why "
        "arn:aws:ecs:us-west-1:123456789012:service/my-cluster/my-service\n\nIt asks the server, "
        "so "
        "it must run. What a container itself says is in its log: aws logs tail GROUP\n",
        describe(known));
    return 0;
  }
  if (parsed->words.size() != 1) {
    return complain("say which resource: landfall why RESOURCE; see landfall why --help", 2);
  }
  std::string region = (*parsed)["--region"];
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    const char* value = std::getenv(name);
    if (region.empty() && value) region = value;
  }
  std::string query = "resource=" + percent_encode(parsed->words[0]);
  if (!region.empty()) query += "&region=" + percent_encode(region);
  const auto answer = ask_server((*parsed)["--data-dir"], "why", query);
  if (!answer) return complain(answer.error().message);
  fmt::print("{}", *answer);
  return 0;
}

}  // namespace landfall::cli
