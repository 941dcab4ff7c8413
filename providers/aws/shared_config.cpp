#include "providers/aws/shared_config.h"

#include <algorithm>

#include "base/problem.h"

// By hand: Debian's INI readers (inih, Boost's property tree) know neither the nested settings nor what ends
// a comment here.
namespace gitopsd::aws {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// A comment begins with white space before it; one without is part of the value.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i)
    if ((value[i] == '#' || value[i] == ';') && i > 0 && (value[i - 1] == ' ' || value[i - 1] == '\t'))
      return value.substr(0, i);
  return value;
}

/// Empty where it is not one name, as a shell reads it: those sections are nobody's.
std::string_view unquoted(std::string_view name) {
  if (name.starts_with('"') || name.starts_with('\'')) {
    const auto end = name.find(name.front(), 1);
    return end == name.size() - 1 ? name.substr(1, end - 1) : std::string_view();
  }
  return name.find_first_of(" \t") == name.npos ? name : std::string_view();
}

class SharedFileReader {
 public:
  SharedFileReader(SharedFile kind, const std::string& name) : kind_(kind), name_(name) {}

  void line(std::string_view text) {
    ++number_;
    const auto rest = trimmed(text);
    if (rest.empty() || rest.front() == '#' || rest.front() == ';') return;
    if (text.front() == '[') return section(rest);
    if (text.front() != ' ' && text.front() != '\t')
      setting(text, {});
    else if (!parent_.empty())
      setting(rest, parent_ + ".");
    // Else a value goes on, and none that is of use here does.
  }

  SharedConfig take() { return std::move(found_); }

 private:
  [[noreturn]] void refuse(std::string message) const {
    throw Failure(Problem{ProblemCause::input, std::move(message), {}, name_, {number_, 1}});
  }

  void section(std::string_view text) {
    const auto end = text.find(']');
    if (end == text.npos) refuse("a section's name has no ]");
    const auto title = trimmed(text.substr(1, end - 1));
    const auto blank = title.find_first_of(" \t");
    const auto word = title.substr(0, blank);
    const auto name = blank == title.npos ? std::string_view() : unquoted(trimmed(title.substr(blank)));
    parent_.clear();
    if (kind_ == SharedFile::credentials || title == "default")
      current_ = &found_.profiles[std::string(title)];
    else if (word == "profile" && !name.empty())
      current_ = &found_.profiles[std::string(name)];
    else if (word == "sso-session" && !name.empty())
      current_ = &found_.sso_sessions[std::string(name)];
    else if (word == "services" && !name.empty())
      current_ = &found_.services[std::string(name)];
    else
      current_ = &others_;
  }

  void setting(std::string_view text, const std::string& within) {
    const auto equals = text.find('=');
    if (equals == text.npos) refuse("a line is neither a section nor NAME = VALUE");
    if (!current_) refuse("a setting stands before the first section");
    std::string key(trimmed(text.substr(0, equals)));
    std::transform(key.begin(), key.end(), key.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (key.empty()) refuse("a setting has no name");
    const auto value = trimmed(without_comment(text.substr(equals + 1)));
    if (within.empty()) parent_ = value.empty() ? key : std::string();
    (*current_)[within + key] = std::string(value);
  }

  const SharedFile kind_;
  const std::string& name_;
  int number_ = 0;
  SharedConfig found_;
  Section others_;
  Section* current_ = nullptr;
  std::string parent_;  ///< a setting without a value: what is indented below it is its own
};

void merge(Sections&& from, Sections& into) {
  for (auto& [name, section] : from) into[name].merge(std::move(section));
}

}  // namespace

void read_shared_file(std::string_view text, SharedFile kind, const std::string& name, SharedConfig& into) {
  SharedFileReader reader(kind, name);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    reader.line(text.substr(at, end - at));
    at = end + 1;
  }
  auto found = reader.take();
  merge(std::move(found.profiles), into.profiles);
  merge(std::move(found.sso_sessions), into.sso_sessions);
  merge(std::move(found.services), into.services);
}

std::string member(const Section& section, std::string_view name) {
  const auto found = section.find(name);
  return found == section.end() ? std::string() : found->second;
}

}  // namespace gitopsd::aws
