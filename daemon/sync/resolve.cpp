#include "daemon/sync/resolve.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "daemon/render/read_path.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using render::Document;

constexpr auto kResolveTimeout = 60s;
// Of a folder that a document needs: it travels in one frame, by the names of its files.
constexpr std::size_t kFolderFiles = 10'000, kFolderBytes = 1u << 30, kMostBytes = 3u << 20,
                      kBesideName = 128;
constexpr int kNeedRounds = 10;  // a file that a document needs may name others
constexpr const char* kClash = "clash";

struct Draft {
  Document document;
  std::vector<BlobRef> blobs;
  Needs needs;
  std::string digest;
  std::size_t bytes = 0;
  int rounds = 0;                    ///< how often it was asked again with the files that it needs
  std::size_t knew = 0;              ///< how many definitions there were when its call was answered
  std::vector<Problem> undefined{};  ///< what the provider has against it, unless others define more
  bool told = false;                 ///< it was asked again for that reason
  bool hook = false;                 ///< it declares one, as the provider says of its problems
  std::set<ResourceId> ids{};        ///< that it declares, as far as its problems tell
};

/// For people: where something else stands.
std::string where(const std::string& path, const Position& position) {
  return position.line > 0 ? path + ":" + std::to_string(position.line) : path;
}
std::string where(const Document& document) {
  return where(document.path, document.json.position);
}

/// The documents of one call that declare each id, by their digests.
using Declaring = std::multimap<std::string, std::string>;

Declaring declaring(const protocol::ResolveResult& result) {
  Declaring all;
  for (const auto& resource : result.resources) all.emplace(resource.id.str(), resource.document);
  for (const auto& problem : result.problems)
    if (!problem.id.empty()) all.emplace(problem.id, problem.document);
  return all;
}

/// Whether it was given that path already, or has asked often enough.
bool asks_again(const Draft& draft, const std::string& path) {
  return draft.rounds >= kNeedRounds ||
         std::any_of(draft.blobs.begin(), draft.blobs.end(), [&](const BlobRef& blob) {
           return draft.rounds > 0 && (blob.need == path || blob.need.starts_with(path + "/"));
         });
}

/// Where a document names a file; itself, where that is not found.
Position named_at(const Value& document, const std::string& path) {
  const auto find = [&](const auto& self, const Value& value) -> const Value* {
    if (value.is_string()) return value.as_string() == path ? &value : nullptr;
    if (value.is_array()) {
      for (const Value& item : value.as_array())
        if (const Value* found = self(self, item)) return found;
    } else if (value.is_object()) {
      for (const auto& [key, item] : value.as_object())
        if (const Value* found = self(self, item)) return found;
    }
    return nullptr;
  };
  const Value* found = find(find, document);
  return found ? found->position : document.position;
}

void take_digest(Draft& draft, std::string_view key) {
  std::vector<std::pair<std::string, std::string>> blobs;
  for (const auto& b : draft.blobs) blobs.emplace_back(b.need, b.digest);
  draft.digest = render::document_digest(key, draft.document.json, blobs);
}

class Resolver {
 public:
  Resolver(const Asking& asking, const source::Snapshot& snapshot, BlobMemory& memory, SnapshotBlobs& blobs,
           render::LeftOut* left_out)
      : asking_(asking), snapshot_(snapshot), memory_(memory), blobs_(blobs), left_out_(left_out) {}

  std::vector<Item> run(std::vector<Document> documents) {
    std::vector<Draft> drafts;
    drafts.reserve(documents.size());
    std::size_t total = 0;
    for (auto& d : documents) {
      Draft draft{std::move(d), {}, {}, {}, 0};
      draft.bytes = to_json(draft.document.json).size();
      total += draft.bytes;
      drafts.push_back(std::move(draft));
    }
    if (const std::size_t limit = render::Limits{}.total_bytes; total > limit) {
      throw fail(ProblemCause::input,
                 "the documents of " + asking_.application.name.str() + " are larger than " +
                     std::to_string(limit) + " bytes",
                 "split the application");
    }
    while (!drafts.empty()) drafts = worth_asking(ask(std::move(drafts)));
    if (!problems_.empty() && !leave_out()) throw Failure(std::move(problems_));
    return std::move(items_);
  }

 private:
  /// False where not all that is wrong is so of one document each, or one of these is a hook.
  bool leave_out() {
    if (!left_out_ || of_all_ || !may_be_left_out(problems_)) return false;
    for (const auto& item : items_) {
      if (!wrong_.contains(item.document.digest)) continue;
      wrong_ids_.emplace(item.resource.id, where(item.path, item.document.json.position));
      unknown_.erase({item.path, item.index});
    }
    const auto wrong = [&](const Item& item) {
      return wrong_.contains(item.document.digest) || wrong_ids_.contains(item.resource.id);
    };
    if (std::any_of(items_.begin(), items_.end(),
                    [&](const Item& item) { return wrong(item) && !item.resource.hooks.empty(); }))
      return false;
    left_out_->count += static_cast<std::int64_t>(wrong_places_.size() + same_twice_);
    for (const auto& item : items_) {
      if (wrong_places_.contains({item.path, item.index}) || !wrong_ids_.contains(item.resource.id)) continue;
      problems_.push_back(twin_of_left_out(snapshot_.commit(), item, wrong_ids_.at(item.resource.id)));
      ++left_out_->count;
    }
    std::erase_if(items_, wrong);
    for (const auto& [path, index] : unknown_) left_out_->unknown.insert(path);
    std::move(problems_.begin(), problems_.end(), std::back_inserter(left_out_->problems));
    left_out_->paths.merge(wrong_paths_);
    left_out_->ids.merge(wrong_ids_);
    return true;
  }

  void refuse(const Draft& draft, Problem problem) {
    of_all_ = of_all_ || draft.hook;
    wrong_.insert(draft.digest);
    for (const auto& id : draft.ids)  // with all else that declares them
      wrong_ids_.emplace(id, where(draft.document));
    wrong_paths_.insert(draft.document.path);
    const Place at{draft.document.path, draft.document.index};
    wrong_places_.insert(at);
    if (draft.ids.empty())
      unknown_.insert(at);
    else
      unknown_.erase(at);
    // What also needs files is asked about again, and may be told the same.
    if (told_.insert(problem.str()).second) problems_.push_back(std::move(problem));
  }

  /// Returns the drafts that need files of the repository, with those files found, and those that need a
  /// definition.
  std::vector<Draft> ask(std::vector<Draft> drafts) {
    std::vector<Draft> again;
    std::size_t start = 0;
    while (start < drafts.size()) {
      std::size_t end = start, bytes = 0;
      while (end < drafts.size() && end - start < kBatchCount &&
             (end == start || bytes + drafts[end].bytes < kBatchBytes)) {
        bytes += drafts[end++].bytes;
      }
      ask_batch(drafts, start, end, again);
      start = end;
    }
    return again;
  }

  /// A definition may have been in a later part than what it defines.
  std::vector<Draft> worth_asking(std::vector<Draft> drafts) {
    std::vector<Draft> out;
    for (auto& draft : drafts) {
      if (!draft.undefined.empty() && draft.knew == defined_.size()) {
        for (auto& problem : draft.undefined) refuse(draft, std::move(problem));
        continue;
      }
      draft.told = draft.told || !draft.undefined.empty();
      draft.undefined.clear();
      draft.rounds += !draft.needs.empty();
      out.push_back(std::move(draft));
    }
    return out;
  }

  void ask_batch(std::vector<Draft>& drafts, std::size_t start, std::size_t end, std::vector<Draft>& again) {
    protocol::ResolveRequest request;
    request.application = asking_.application.uid.str();
    request.defaults = asking_.application.defaults;
    request.policy = asking_.application.policy;
    request.defined = defined_;
    std::map<std::string, std::size_t> by_digest;
    for (std::size_t i = start; i < end; ++i) {
      auto& draft = drafts[i];
      take_digest(draft, asking_.digest_key);
      const auto [it, fresh] = by_digest.emplace(draft.digest, i);
      if (!fresh) {
        wrong_paths_.insert(draft.document.path);  // the first of them may stay
        problems_.push_back(same_twice(drafts[it->second].document, draft.document));
        ++same_twice_;
        continue;
      }
      protocol::Document document{draft.digest, draft.document.json, {}};
      for (const auto& b : draft.blobs) {
        document.blobs.push_back({b.need, {b.digest, b.size}});
        blobs_.add(b);
      }
      request.documents.push_back(std::move(document));
    }
    auto result = asking_.provider.resolve(request, &blobs_, Monotonic::now() + kResolveTimeout);

    std::move(result.defines.begin(), result.defines.end(), std::back_inserter(defined_));

    std::set<std::size_t> later;
    for (const auto& need : result.needs) {
      const auto it = by_digest.find(need.document);
      if (it == by_digest.end() || asks_again(drafts[it->second], need.path)) {
        throw fail(ProblemCause::destination,
                   "provider of " + asking_.provider.destination().str() +
                       " asks for a file that it was given, of a document that it was not, or without end: " +
                       need.path);
      }
      if (add_need(drafts[it->second], need.path)) later.insert(it->second);
    }
    take_problems(result, drafts, by_digest, later);
    for (const auto& resource : result.resources) {
      const auto it = by_digest.find(resource.document);
      if (it == by_digest.end()) {
        throw fail(ProblemCause::destination, "provider of " + asking_.provider.destination().str() +
                                                  " answered resolve with a document it was not given");
      }
      if (later.contains(it->second)) continue;
      if (resource.id.empty() || resource.id.str().size() > 512) {
        throw fail(ProblemCause::destination, "provider of " + asking_.provider.destination().str() +
                                                  " made a resource id that is empty or over 512 bytes");
      }
      auto& draft = drafts[it->second];
      Item item;
      item.resource = resource;
      item.path = draft.document.path;
      item.index = draft.document.index;
      item.blobs = draft.blobs;
      item.needs = draft.needs;
      item.document.digest = draft.digest;
      item.document.json = draft.document.json;
      for (const auto& b : draft.blobs) item.document.blobs.push_back({b.need, {b.digest, b.size}});
      items_.push_back(std::move(item));
    }
    for (const std::size_t i : later) again.push_back(std::move(drafts[i]));
  }

  void take_problems(const protocol::ResolveResult& result, std::vector<Draft>& drafts,
                     const std::map<std::string, std::size_t>& by_digest, std::set<std::size_t>& later) {
    const auto& told = result.problems;
    const auto all = declaring(result);
    std::set<std::string> wait;
    for (const auto& problem : told) {
      const auto it = by_digest.find(problem.document);
      if (problem.code == protocol::kUndefined && it != by_digest.end() && !drafts[it->second].told)
        wait.insert(problem.document);
    }
    for (const auto& problem : told) {
      auto located = locate(problem, drafts, by_digest, all);
      const auto it = by_digest.find(problem.document);
      if (it == by_digest.end()) {
        of_all_ = true;
        problems_.push_back(std::move(located));
        continue;
      }
      const std::size_t i = it->second;
      drafts[i].hook = drafts[i].hook || problem.hook;
      if (!problem.id.empty()) drafts[i].ids.insert(ResourceId(problem.id));
      if (!wait.contains(problem.document)) {
        refuse(drafts[i], std::move(located));
        continue;
      }
      drafts[i].knew = defined_.size();
      drafts[i].undefined.push_back(std::move(located));
      later.insert(i);
    }
  }

  bool add_need(Draft& draft, const std::string& need) {
    const auto complain = [&](std::string message, std::string hint) {
      refuse(draft, {ProblemCause::input, std::move(message), std::move(hint),
                     place(snapshot_.commit(), draft.document.path), named_at(draft.document.json, need)});
      return false;
    };
    const auto found = render::path_from(asking_.application.path, need);
    if (!found || found->empty())
      return complain("the path \"" + need + "\" leaves the repository",
                      "paths start at " + asking_.application.path + "/, or with / at the repository's root");
    const std::string& path = *found;
    const auto entry = snapshot_.entry(path);
    if (!entry)
      return complain("the repository has no file \"" + path + "\"",
                      "the path was written as \"" + need + "\"");
    std::vector<source::TreeEntry> files{*entry};
    const bool folder = entry->kind == source::EntryKind::directory;
    if (folder) files = snapshot_.files(path, kFolderFiles);
    const std::string name = need.ends_with('/') ? need.substr(0, need.size() - 1) : need;
    const std::size_t largest = render::Limits{}.blob_bytes;
    std::size_t left = folder ? kFolderBytes : largest;
    for (const auto& file : files) {
      if (file.kind != source::EntryKind::file && file.kind != source::EntryKind::executable) {
        const char* const what = file.kind == source::EntryKind::symlink
                                     ? "is a symbolic link in the repository"
                                     : "is no regular file in the repository";
        return complain("\"" + file.path + "\" " + what, "name a file, or a folder of files");
      }
      const auto facts = memory_.facts_of(snapshot_, file, std::min(left, largest));
      left -= facts.size;
      draft.blobs.push_back(
          {name + file.path.substr(path.size()), file.path, file.id, facts.digest, facts.size});
      draft.bytes += draft.blobs.back().need.size() + kBesideName;
    }
    if (draft.bytes > kMostBytes)
      return complain("the names of the " + std::to_string(files.size()) + " files in \"" + path +
                          "\" are too long together",
                      "take several documents, each with a folder of its own");
    draft.needs.emplace_back(path, entry->id.str());
    return true;
  }

  Problem same_twice(const Document& first, const Document& second) const {
    return {ProblemCause::input, "the same document stands twice",
            "first at " + where(first) + "; remove one", place(snapshot_.commit(), second.path),
            second.json.position};
  }

  Problem locate(const protocol::WireProblem& wire, const std::vector<Draft>& drafts,
                 const std::map<std::string, std::size_t>& by_digest, const Declaring& all) const {
    Problem problem{wire.cause, wire.message, wire.hint, {}, {}};
    const auto it = by_digest.find(wire.document);
    if (it == by_digest.end()) return problem;
    const auto& document = drafts[it->second].document;
    problem.file = place(snapshot_.commit(), document.path);
    const Value* node = document.json.at_pointer(wire.pointer);
    problem.position = node ? node->position : document.json.position;
    if (wire.code != kClash) return problem;
    for (auto [other, end] = all.equal_range(wire.id); other != end; ++other) {
      const auto at = by_digest.find(other->second);
      if (other->second == wire.document || at == by_digest.end()) continue;
      problem.hint = "the other is at " + where(drafts[at->second].document) +
                     (wire.hint.empty() ? "" : "; ") + wire.hint;
      break;
    }
    return problem;
  }

  const Asking& asking_;
  const source::Snapshot& snapshot_;
  BlobMemory& memory_;
  SnapshotBlobs& blobs_;
  render::LeftOut* const left_out_;
  std::vector<Item> items_;
  std::vector<Problem> problems_;
  std::set<std::string> told_;                   ///< of `problems_`
  std::set<std::string> wrong_, wrong_paths_;    ///< documents, by their digests, and where they stand
  std::map<ResourceId, std::string> wrong_ids_;  ///< that these declare, and where
  using Place = std::pair<std::string, int>;     ///< manifest, and document in it
  std::set<Place> wrong_places_, unknown_;  ///< all that are wrong, and those that nobody knows the id of
  std::size_t same_twice_ = 0;
  bool of_all_ = false;         ///< a problem is of no document, or of a hook
  std::vector<Value> defined_;  ///< by the documents asked about so far, for those in other calls
};

}  // namespace

Problem twin_of_left_out(const CommitId& commit, const Item& item, const std::string& other) {
  return {ProblemCause::input,
          item.resource.id.str() + " is declared elsewhere, too, by something that is left out",
          "neither is applied: correct the other" + (other.empty() ? "" : " at " + other) +
              ", or remove one of the two",
          place(commit, item.path), item.position({})};
}

std::vector<Refused> duplicates(const CommitId& commit, const std::vector<Item>& items,
                                const std::function<std::string(const ResourceId&)>& elsewhere) {
  std::vector<Refused> problems;
  std::map<ResourceId, const Item*> seen;
  for (const auto& item : items) {
    const auto [it, fresh] = seen.emplace(item.resource.id, &item);
    std::string other;
    if (!fresh)
      other = it->second->path + ":" + std::to_string(it->second->document.json.position.line);
    else if (elsewhere)
      other = elsewhere(item.resource.id);
    if (other.empty()) continue;
    problems.push_back(
        {item.resource.id, Problem{ProblemCause::conflict,
                                   item.resource.kind + " \"" + item.resource.name + "\" declares " +
                                       item.resource.id.str() + " a second time",
                                   "it is already declared in " + other + "; remove one of the two",
                                   place(commit, item.path), item.document.json.position}});
  }
  return problems;
}

std::vector<Item> resolve_documents(const Asking& asking, const source::Snapshot& snapshot,
                                    std::vector<Document> documents, BlobMemory& memory, SnapshotBlobs& blobs,
                                    render::LeftOut* left_out) {
  return Resolver(asking, snapshot, memory, blobs, left_out).run(std::move(documents));
}

}  // namespace gitopsd::sync
