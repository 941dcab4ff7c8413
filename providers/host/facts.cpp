#include "providers/host/facts.h"

#include <grp.h>
#include <pwd.h>

#include <array>
#include <charconv>
#include <cstdio>

#include "base/json.h"

namespace gitopsd::host {
namespace {

constexpr std::array kTypes{Type::file, Type::directory, Type::symlink, Type::other};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    auto end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

template <class T>
bool parse(std::string_view text, T& number, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

template <class Entry, class Lookup>
std::optional<Entry> look_up(Lookup lookup) {
  std::string buffer(1024, '\0');
  for (;;) {
    Entry entry{};
    Entry* found = nullptr;
    int error = lookup(&entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE || buffer.size() > 1u << 20) return found ? std::optional(entry) : std::nullopt;
    buffer.resize(buffer.size() * 2);
  }
}

}  // namespace

std::string mode_text(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::optional<uid_t> user_id(const std::string& name) {
  if (uid_t number = 0; parse(name, number) && number != static_cast<uid_t>(-1)) return number;
  auto entry = look_up<passwd>(
      [&](passwd* e, char* b, std::size_t n, passwd** f) { return ::getpwnam_r(name.c_str(), e, b, n, f); });
  return entry ? std::optional(entry->pw_uid) : std::nullopt;
}

std::optional<gid_t> group_id(const std::string& name) {
  if (gid_t number = 0; parse(name, number) && number != static_cast<gid_t>(-1)) return number;
  auto entry = look_up<group>(
      [&](group* e, char* b, std::size_t n, group** f) { return ::getgrnam_r(name.c_str(), e, b, n, f); });
  return entry ? std::optional(entry->gr_gid) : std::nullopt;
}

std::string user_text(uid_t uid) {
  std::string name;
  look_up<passwd>([&](passwd* e, char* b, std::size_t n, passwd** f) {
    int error = ::getpwuid_r(uid, e, b, n, f);
    if (*f) name = e->pw_name;
    return error;
  });
  return name.empty() ? std::to_string(uid) : name + " (" + std::to_string(uid) + ")";
}

std::string group_text(gid_t gid) {
  std::string name;
  look_up<group>([&](group* e, char* b, std::size_t n, group** f) {
    int error = ::getgrgid_r(gid, e, b, n, f);
    if (*f) name = e->gr_name;
    return error;
  });
  return name.empty() ? std::to_string(gid) : name + " (" + std::to_string(gid) + ")";
}

std::string to_text(const Facts& facts) {
  std::string text(facts.type == Type::other ? "special" : to_string(facts.type));
  if (facts.type == Type::file || facts.type == Type::directory)
    text += " " + mode_text(facts.mode) + " " + std::to_string(facts.uid) + ":" + std::to_string(facts.gid);
  if (!facts.content.empty()) text += " " + facts.content;
  return text;
}

Facts facts_of(std::string_view text) {
  auto words = words_of(text);
  Facts facts;
  for (Type type : kTypes)
    if (!words.empty() && words[0] == (type == Type::other ? "special" : to_string(type))) facts.type = type;
  const bool owned = facts.type == Type::file || facts.type == Type::directory;
  if (owned) {
    if (words.size() < 3) return {};
    auto colon = words[2].find(':');
    if (colon == std::string_view::npos || !parse(words[1], facts.mode, 8) ||
        !parse(words[2].substr(0, colon), facts.uid) || !parse(words[2].substr(colon + 1), facts.gid))
      return {};
  }
  const std::size_t content = owned ? 3 : 1;
  if (words.size() > content) facts.content = words[content];
  return facts;
}

std::vector<std::string> differences(const Facts& seen, const Facts& wanted) {
  if (seen.type != wanted.type) {
    if (seen.type == Type::absent) return {"it does not exist"};
    return {"it is a " + std::string(to_string(seen.type)) + ", wanted a " +
            std::string(to_string(wanted.type))};
  }
  std::vector<std::string> items;
  if (!seen.content.empty() && !wanted.content.empty() && seen.content != wanted.content)
    items.push_back(seen.type == Type::symlink ? "it points elsewhere" : "content differs");
  if (seen.type != Type::file && seen.type != Type::directory) return items;
  if (seen.mode != wanted.mode)
    items.push_back("mode is " + mode_text(seen.mode) + ", wanted " + mode_text(wanted.mode));
  if (seen.uid != wanted.uid)
    items.push_back("owner is " + user_text(seen.uid) + ", wanted " + user_text(wanted.uid));
  if (seen.gid != wanted.gid)
    items.push_back("group is " + group_text(seen.gid) + ", wanted " + group_text(wanted.gid));
  return items;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string to_text(const Receipt& receipt) {
  Value value = Value::object({{"v", 1}, {"k", receipt.key_id}, {"f", to_text(receipt.facts)}});
  if (receipt.create_only) value.set("createOnly", true);
  if (receipt.sensitive) value.set("sensitive", true);
  return to_json(value);
}

std::optional<Receipt> receipt_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  try {
    Value value = parse_json(text);
    Receipt receipt{value.get_string("k"), facts_of(value.get_string("f")), value.get_bool("createOnly"),
                    value.get_bool("sensitive")};
    if (value.get_int("v") != 1 || receipt.facts.type == Type::absent) return std::nullopt;
    return receipt;
  } catch (const Failure&) {
    return std::nullopt;
  }
}

}  // namespace gitopsd::host
