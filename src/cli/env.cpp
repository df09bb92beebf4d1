#include <fmt/format.h>

#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/options.h"

namespace landfall::cli {

int run_env(const std::vector<std::string>& words) {
  const std::vector<Option> known = {kDataDir, {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message + "; see landfall env --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: eval \"$(landfall env [OPTIONS])\"\n\nPrints shell exports that point the AWS CLI, "
        "SDKs and other clients "
        "at the server, with the root access key.\n\n{}\nexample:\n  eval \"$(landfall env)\"; aws "
        "sts get-caller-identity\n",
        describe(known));
    return 0;
  }
  const std::filesystem::path data_dir = (*parsed)["--data-dir"];
  const auto key = read_root_key(data_dir);
  if (!key) return complain(key.error().message);
  const auto listening = read_listening(data_dir);
  if (!listening) return complain(listening.error().message);
  fmt::print(
      "export AWS_ENDPOINT_URL=http://{}\nexport AWS_ACCESS_KEY_ID={}\nexport "
      "AWS_SECRET_ACCESS_KEY={}\n"
      "export AWS_REGION={}\nexport AWS_DEFAULT_REGION={}\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
      listening->address, key->id, key->secret, listening->region, listening->region);
  return 0;
}

}  // namespace landfall::cli
