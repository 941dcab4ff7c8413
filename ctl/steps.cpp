#include "ctl/steps.h"

#include <algorithm>

#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

struct Sign {
  const char* text;
  Colour colour;
};

Sign sign_of(std::string_view action) {
  if (action == "create") return {"+", Colour::green};
  if (action == "update") return {"~", Colour::yellow};
  if (action == "replace") return {"!", Colour::red};
  if (action == "delete") return {"-", Colour::red};
  if (action == "adopt") return {"=", Colour::cyan};
  if (action == "release") return {">", Colour::yellow};
  return {"*", Colour::cyan};
}

std::string diff_text(const Session& session, std::string_view diff) {
  std::string out;
  while (!diff.empty()) {
    const auto end = std::min(diff.find('\n'), diff.size());
    const auto line = diff.substr(0, end);
    diff.remove_prefix(std::min(end + 1, diff.size()));
    const auto colour = line.starts_with('+')   ? Colour::green
                        : line.starts_with('-') ? Colour::red
                        : line.starts_with('@') ? Colour::cyan
                                                : Colour::none;
    out += "      " + session.terminal.paint(colour, safe(line)) + "\n";
  }
  return out;
}

}  // namespace

std::string steps_text(const Session& session, const Value& steps) {
  std::string out;
  for (const auto& step : steps.as_array()) {
    const auto action = text_of(step, "action");
    if (action == "none") continue;
    const auto [sign, colour] = sign_of(action);
    out += "  " + session.terminal.paint(colour, std::string(sign) + " " + safe(action)) + "  " +
           safe(text_of(step, "id"));
    if (const auto reason = text_of(step, "reason"); !reason.empty()) out += "  (" + safe(reason) + ")";
    const auto destroys = text_of(step, "destroys");
    if (!destroys.empty() && destroys != "nothing") {
      out += "  " + session.terminal.paint(
                        Colour::red, destroys == "restart" ? "interrupts" : "destroys " + safe(destroys));
    }
    out += "\n" + diff_text(session, text_of(step, "diff"));
  }
  return out;
}

}  // namespace gitopsd::ctl
