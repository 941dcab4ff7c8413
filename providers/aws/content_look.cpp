#include "providers/aws/content_look.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

/// S3's clocks may differ by that much, and a list tells whole seconds.
constexpr std::int64_t kSameTime = 2;
constexpr std::size_t kMostLines = 200;

bool has(const Content* wanted, const std::string& key) {
  return wanted && wanted->objects.contains(key);
}

std::string header_of(const Fields& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

/// Whether it was stored with what it would be sent with now. What the bucket encrypts by itself is its own
/// matter, and S3 tells a key by its ARN, whichever name it was given: by an alias it cannot be compared.
bool is_stored_so(const ObjectHead& head, const Fields& headers) {
  const std::string encryption = header_of(headers, "x-amz-server-side-encryption");
  const std::string key = header_of(headers, "x-amz-server-side-encryption-aws-kms-key-id");
  return head.content_type == header_of(headers, "Content-Type") &&
         head.cache_control == header_of(headers, "Cache-Control") &&
         (encryption.empty() || head.encryption == encryption) &&
         (key.empty() || key.find("alias/") != key.npos ||
          head.kms_key.ends_with(key.substr(key.rfind('/') + 1)));
}

std::string metadata_of(const ObjectHead& head, std::string_view name) {
  const auto found = head.metadata.find(std::string(name));
  return found == head.metadata.end() ? std::string() : found->second;
}

Known known_of(const ObjectHead& head, const Content* wanted, const Known* before) {
  Known out;
  out.owner = metadata_of(head, kOwnerMetadata);
  out.etag = head.etag;
  out.size = head.size;
  out.at = head.modified;
  out.opaque = head.etag.find('-') != std::string::npos || head.encryption.starts_with("aws:kms");
  if (out.owner.empty()) return out;
  out.digest = metadata_of(head, kDigestMetadata);
  // Other bytes have another tag, whatever the metadata say that somebody copied with them.
  if (before && !before->etag.empty() && before->etag != out.etag && !before->opaque && !out.opaque &&
      before->digest == out.digest)
    out.digest.clear();
  const auto found = wanted ? wanted->objects.find(head.key) : decltype(wanted->objects)::const_iterator();
  if (!wanted || found == wanted->objects.end()) return out;
  if (head.size != found->second.blob.size && out.digest == found->second.blob.digest) out.digest.clear();
  if (is_stored_so(head, found->second.headers)) out.facts = found->second.facts;
  return out;
}

const Known* find(const KnownObjects& objects, const std::string& key) {
  const auto found = objects.find(key);
  return found == objects.end() ? nullptr : &found->second;
}

News asked(State& state, const ContentPlace& place, const std::vector<std::string>& keys,
           const Content* wanted, const KnownObjects& before, const Cancelled& cancelled) {
  News news(keys.size());
  at_once(keys.size(), [&](std::size_t i) {
    const auto head = state.s3.head(place.bucket, keys[i], cancelled);
    news[i].first = keys[i];
    if (head) news[i].second = known_of(*head, wanted, find(before, keys[i]));
  });
  return news;
}

void add_lines(std::string& text, char sign, const std::vector<std::string>& keys, std::size_t& lines) {
  for (const auto& key : keys)
    if (++lines <= kMostLines) text += std::string(1, sign) + " " + key + "\n";
}

}  // namespace

std::string ContentReceipt::text() const {
  return to_json(Value::object({{"at", at}, {"extra", static_cast<int>(extra)}}));
}

std::optional<ContentReceipt> ContentReceipt::parse(const std::string& text) {
  try {
    const Value value = parse_json(text);
    const auto extra = value.get_int("extra", 1);
    if (extra < 0 || extra > 2) return std::nullopt;
    return ContentReceipt{static_cast<std::uint64_t>(value.get_int("at")), static_cast<Extra>(extra)};
  } catch (const Failure&) {
    return std::nullopt;  // of another version: looked at anew
  }
}

void at_once(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::mutex mutex;
  std::optional<Failure> first;
  protocol::run_in_order(std::vector<std::vector<std::size_t>>(count), kObjectsAtOnce, [&](std::size_t i) {
    try {
      work(i);
    } catch (const Failure& failure) {
      const std::lock_guard lock(mutex);
      if (!first) first = failure;
    }
  });
  if (first) throw Failure(*first);
}

bool is_untouched(const Known& known, const ObjectFacts& listed) {
  return !known.etag.empty() && known.etag == listed.etag && known.size == listed.size &&
         listed.modified <= known.at + kSameTime;
}

void survey(State& state, Ledger& ledger, const ContentPlace& place, const Survey& how,
            const Cancelled& cancelled) {
  const auto before = ledger.objects();
  std::set<std::string> there;
  std::vector<std::string> unclear;
  state.s3.list(
      place.bucket, place.prefix,
      [&](const ObjectFacts& listed) {
        const Known* known = find(*before, listed.key);
        if (!known && !how.everything && !has(how.wanted, listed.key)) return;
        there.insert(listed.key);
        if (!known || !is_untouched(*known, listed) || (known->facts.empty() && has(how.wanted, listed.key)))
          unclear.push_back(listed.key);
      },
      cancelled);
  News news = asked(state, place, unclear, how.wanted, *before, cancelled);
  for (const auto& [key, known] : *before)
    if (!there.contains(key)) news.emplace_back(key, std::nullopt);
  ledger.learn(news);
}

void survey_few(State& state, Ledger& ledger, const ContentPlace& place, const std::vector<std::string>& keys,
                const Content* wanted, const Cancelled& cancelled) {
  if (keys.empty()) return;
  const auto before = ledger.objects();
  News news = asked(state, place, keys, wanted, *before, cancelled);
  std::erase_if(news, [&](const auto& each) {
    const Known* known = find(*before, each.first);
    return each.second ? known && *known == *each.second : !known;
  });
  ledger.learn(news);
}

std::vector<std::string> Difference::written() const {
  std::vector<std::string> all = add;
  all.insert(all.end(), change.begin(), change.end());
  all.insert(all.end(), take.begin(), take.end());
  return all;
}

std::string Difference::summary() const {
  std::string out;
  for (const auto& [count, words] : {std::pair{add.size(), " to add"},
                                     {change.size(), " to change"},
                                     {take.size(), " to take over"},
                                     {remove.size(), " to delete"},
                                     {same, " as they are"}})
    if (count > 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + words;
  return out;
}

std::string Difference::text() const {
  std::string out;
  std::size_t lines = 0;
  add_lines(out, '+', add, lines);
  add_lines(out, '~', change, lines);
  add_lines(out, '~', take, lines);
  add_lines(out, '-', remove, lines);
  if (lines > kMostLines) out += "and " + std::to_string(lines - kMostLines) + " more\n";
  return out;
}

std::string Difference::digest() const {
  Hasher hasher;
  for (const auto* keys : {&add, &change, &take, &remove}) {
    hasher.field(std::to_string(keys->size()));
    for (const auto& key : *keys) hasher.field(key);
  }
  return to_hex(hasher.finish()).substr(0, 32);
}

Difference difference(const KnownObjects& known, const Content* wanted, Extra extra,
                      const std::vector<std::string>& marks) {
  Difference out;
  const auto is_own = [&](const std::string& owner) {
    return std::find(marks.begin(), marks.end(), owner) != marks.end();
  };
  if (wanted) {
    for (const auto& [key, object] : wanted->objects) {
      const Known* there = find(known, key);
      if (!there)
        out.add.push_back(key);
      else if (!there->owner.empty() && !is_own(there->owner))
        out.of_others.push_back(key);
      else if (there->owner != marks.front())
        out.take.push_back(key);
      else if (there->digest != object.blob.digest || there->facts != object.facts)
        out.change.push_back(key);
      else
        ++out.same;
    }
  }
  for (const auto& [key, there] : known) {
    if (has(wanted, key) || extra == Extra::keep) continue;
    const bool nobodys = there.owner.empty() && extra == Extra::all;
    if (!is_own(there.owner) && !nobodys) continue;
    out.remove.push_back(key);
    out.others_removed += nobodys;
  }
  return out;
}

std::vector<std::string> marks_of(const protocol::Owner& owner, const std::string& from) {
  std::vector<std::string> out{owner_mark(owner)};
  if (!from.empty()) out.push_back(owner_mark({owner.installation, from}));
  return out;
}

}  // namespace gitopsd::aws
