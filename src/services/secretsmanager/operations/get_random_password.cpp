#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

std::string without(std::string_view alphabet, std::string_view excluded) {
  std::string out(alphabet);
  std::erase_if(out, [&](char c) { return excluded.contains(c); });
  return out;
}

}  // namespace

task<Result<GetRandomPasswordResponse>> get_random_password(Secretsmanager& service,
                                                            const RequestContext&,
                                                            GetRandomPasswordRequest in) {
  const auto length = std::size_t(in.password_length.value_or(32));
  const std::string excluded = in.exclude_characters.value_or("");
  std::vector<std::string> types;
  for (const auto& [left_out, alphabet] :
       {std::pair(in.exclude_uppercase, kUpper), std::pair(in.exclude_lowercase, kLower),
        std::pair(in.exclude_numbers, kDigits), std::pair(in.exclude_punctuation, kPunctuation),
        std::pair(std::optional<bool>(!in.include_space.value_or(false)), std::string_view(" "))}) {
    if (left_out.value_or(false)) continue;
    if (std::string type = without(alphabet, excluded); !type.empty()) types.push_back(type);
  }
  std::string all;
  for (const std::string& type : types) all += type;
  if (all.empty()) {
    co_return errors::invalid_request(
        "The password can't be generated: every character is excluded.");
  }
  std::string password;
  if (in.require_each_included_type.value_or(true)) {
    if (length < types.size()) {
      co_return errors::invalid_request(
          "The password is too short to hold a character of every included type.");
    }
    for (const std::string& type : types) password += service.random.pick(type, 1);
  }
  password += service.random.pick(all, length - password.size());
  // The required characters must not stand in front.
  for (std::size_t i = password.size(); i > 1; --i) {
    std::swap(password[i - 1], password[service.random.below(i)]);
  }
  co_return GetRandomPasswordResponse{.random_password = std::move(password)};
}

}  // namespace landfall::secretsmanager
