#include "daemon/sync/tag_pattern.h"

#include <algorithm>
#include <charconv>

namespace gitopsd::sync {
namespace {

struct Version {
  std::vector<std::string_view> numbers;
  std::vector<std::string_view> pre;
};

bool digits(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view s) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto dot = s.find('.');
    parts.push_back(s.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    s.remove_prefix(dot + 1);
  }
}

/// "v1.2.3-rc.1+build"; also "1.2" and "v3", as repositories write them.
std::optional<Version> parse(std::string_view s) {
  if (!s.empty() && (s[0] == 'v' || s[0] == 'V')) s.remove_prefix(1);
  s = s.substr(0, s.find('+'));
  Version v;
  const auto dash = s.find('-');
  v.numbers = split(s.substr(0, dash));
  if (v.numbers.size() > 3 || !std::all_of(v.numbers.begin(), v.numbers.end(), digits)) return std::nullopt;
  if (dash != std::string_view::npos) v.pre = split(s.substr(dash + 1));
  return v;
}

/// Numbers of any length, without overflow.
int compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

int compare_pre(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  if (a.empty() || b.empty()) return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const bool an = digits(a[i]), bn = digits(b[i]);
    const int c = an && bn ? compare_numbers(a[i], b[i]) : an != bn ? (an ? -1 : 1) : a[i].compare(b[i]);
    if (c != 0) return c;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

std::string_view last_part(std::string_view ref) {
  return ref.substr(ref.rfind('/') + 1);
}

}  // namespace

bool is_pattern(std::string_view configured) {
  return configured.ends_with('*');
}

bool follows(std::string_view configured, const Ref& ref) {
  if (!is_pattern(configured)) return configured == ref.str();
  configured.remove_suffix(1);
  return ref.str().starts_with(configured);
}

int compare_versions(std::string_view a, std::string_view b) {
  const auto va = parse(a), vb = parse(b);
  if (!va || !vb) return va ? 1 : vb ? -1 : a.compare(b);
  for (std::size_t i = 0; i < 3; ++i) {
    const int c = compare_numbers(i < va->numbers.size() ? va->numbers[i] : "0",
                                  i < vb->numbers.size() ? vb->numbers[i] : "0");
    if (c != 0) return c;
  }
  return compare_pre(va->pre, vb->pre);
}

std::optional<Ref> highest(std::string_view pattern, const std::vector<Ref>& refs) {
  const bool with_pre = pattern.find('-') != std::string_view::npos;
  std::optional<Ref> best;
  for (const auto& ref : refs) {
    if (!follows(pattern, ref)) continue;
    const auto version = parse(last_part(ref.str()));
    if (!version || (!version->pre.empty() && !with_pre)) continue;
    if (!best || compare_versions(last_part(ref.str()), last_part(best->str())) > 0) best = ref;
  }
  return best;
}

std::optional<Ref> meant(std::string_view configured, const std::map<Ref, CommitId>& refs) {
  std::vector<Ref> names;
  names.reserve(refs.size());
  for (const auto& [name, tip] : refs) names.push_back(name);
  if (is_pattern(configured)) return highest(configured, names);
  const auto ref = Ref::parse(configured);
  return ref && refs.contains(*ref) ? ref : std::nullopt;
}

}  // namespace gitopsd::sync
