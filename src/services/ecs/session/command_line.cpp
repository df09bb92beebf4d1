#include "services/ecs/session/command_line.h"

#include <utility>

namespace landfall::ecs {

Result<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (++i == text.size()) return fail("invalid-command", "The command ends with a backslash.");
      // Between double quotes it quotes a few characters only.
      if (quote == '"' && text[i] != '"' && text[i] != '\\' && text[i] != '$' && text[i] != '`')
        word += c;
      word += text[i];
      begun = true;
    } else if (quote != 0) {
      word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      begun = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (quote != 0) return fail("invalid-command", "The command has a quote that does not end.");
  if (begun) words.push_back(std::move(word));
  if (words.empty()) return fail("invalid-command", "The command is empty.");
  return words;
}

}  // namespace landfall::ecs
