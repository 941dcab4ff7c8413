#include <algorithm>
#include <atomic>

#include "base/grouped.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/verbs.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

using protocol::Step;

/// Larger ones the daemon does not hand over.
constexpr std::size_t kLargestObject = 64u << 20;
/// Fewer are sent before anybody would ask how far it has come.
constexpr std::size_t kManyObjects = 100;
constexpr auto kBetweenTold = std::chrono::seconds(1);
/// Who answers after the end of a call is taken to hang: before it no further object is begun, and then what
/// is on its way is given up. At most so long, and such a part of the call.
constexpr std::chrono::milliseconds kForTheLast{60'000}, kForTheEnd{5'000};
constexpr int kLastPart = 5, kEndPart = 20;

Deadline before_end(Deadline end, std::chrono::milliseconds most, int part) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Monotonic::now());
  return end - std::min(most, left / part);
}

/// Tells how many of many objects are sent: at the first of them, and about every second. Thread-safe.
class Counter {
 public:
  using Tell = std::function<void(const std::string&)>;
  Counter(std::size_t all, Tell tell) : all_(all), tell_(std::move(tell)) {}

  void count() {
    const std::lock_guard lock(mutex_);
    ++sent_;
    const auto now = Monotonic::now();
    if (all_ < kManyObjects || now < next_) return;
    next_ = now + kBetweenTold;
    tell_(grouped(sent_) + " of " + grouped(all_) + " objects sent");
  }

 private:
  const std::size_t all_;
  const Tell tell_;
  std::mutex mutex_;
  std::size_t sent_ = 0;
  Monotonic::time_point next_{};
};

class ContentApplier {
 public:
  ContentApplier(State& state, protocol::CallContext& context, const protocol::Owner& owner, const Step& step,
                 Counter::Tell tell)
      : state_(state),
        context_(context),
        owner_(owner),
        tell_(std::move(tell)),
        step_(step),
        place_(place_of(step.id)),
        ledger_(state.ledgers.of(step.id)) {}

  /// Whatever of it fails, what was sent is known, and is neither sent nor asked for again.
  std::string apply(const Content& content) {
    const auto before = ledger_->objects();
    const auto todo = difference(*before, &content, content.extra, marks_of(owner_, step_.from));
    expect(todo);
    const auto keys = todo.written();
    if (!keys.empty()) {
      ledger_->begin(keys, owner_mark(owner_));
      put(content, keys, *before);
    }
    remove(todo.remove);
    return ContentReceipt{ledger_->at(), content.extra}.text();
  }

  void remove_all() {
    const auto todo = difference(*ledger_->objects(), nullptr, Extra::owned, marks_of(owner_, step_.from));
    expect(todo);
    remove(todo.remove);
    ledger_->clear();
  }

 private:
  void expect(const Difference& todo) const {
    if (todo.digest() != step_.precondition)
      throw StalePlan{"what stands in the bucket '" + place_.bucket + "' is not what was planned on"};
  }

  void put(const Content& content, const std::vector<std::string>& keys, const KnownObjects& before) {
    std::vector<std::optional<Failure>> failures(keys.size()), unwritten(keys.size());
    std::atomic<bool> forgetful{false};
    Counter counter(keys.size(), tell_);
    protocol::run_in_order(
        std::vector<std::vector<std::size_t>>(keys.size()), kObjectsAtOnce, [&](std::size_t i) {
          if (forgetful) return;
          std::optional<Known> known;
          try {
            known = put_one(keys[i], content.objects.at(keys[i]), !before.contains(keys[i]));
          } catch (const Failure& failure) {
            failures[i] = failure;
            return;
          }
          try {
            // Each at once: whoever goes on after a crash has to ask for what is not written down.
            ledger_->learn({{keys[i], known}});
            counter.count();
          } catch (const Failure& failure) {
            unwritten[i] = failure;
            forgetful = true;
          }
        });
    for (const auto& failure : unwritten)
      if (failure) throw *failure;
    complain(keys, failures);
  }

  Known put_one(const std::string& key, const WantedObject& wanted, bool only_new) {
    if (context_.cancelled()) throw fail(ProblemCause::transient, "cancelled");
    if (Monotonic::now() > begins_until_)
      throw fail(ProblemCause::transient,
                 "this attempt has lasted long enough: the next one goes on from there");
    const NewObject object{key, headers_for(wanted, owner_), only_new};
    const std::string body = context_.blobs.read(wanted.blob, kLargestObject);
    Known known{wanted.blob.digest, wanted.facts, owner_mark(owner_), {}, wanted.blob.size, 0, false};
    const Cancelled given_up = [this] { return context_.cancelled() || Monotonic::now() > sends_until_; };
    if (const auto stored = state_.s3.put(place_.bucket, object, body, given_up)) {
      known.etag = stored->etag;
      known.at = stored->at;
      known.opaque = stored->opaque;
      return known;
    }
    // It was to be new. An answer of ours that got lost is no conflict.
    const auto head = state_.s3.head(place_.bucket, key, context_.cancelled);
    const auto says = [&](std::string_view name, const std::string& wanted) {
      const auto found = head->metadata.find(std::string(name));
      return found != head->metadata.end() && found->second == wanted;
    };
    if (!head || !says(kOwnerMetadata, known.owner) || !says(kDigestMetadata, known.digest))
      throw fail(ProblemCause::transient, "somebody else put an object there meanwhile");
    known.etag = head->etag;
    known.at = head->modified;
    return known;
  }

  void complain(const std::vector<std::string>& keys,
                const std::vector<std::optional<Failure>>& failures) const {
    const auto is_one = [](const auto& each) { return each.has_value(); };
    const auto failed = std::find_if(failures.begin(), failures.end(), is_one);
    if (failed == failures.end()) return;
    const auto count = std::count_if(failures.begin(), failures.end(), is_one);
    const Problem& first = (*failed)->problems().front();
    const std::string& key = keys[static_cast<std::size_t>(failed - failures.begin())];
    throw fail(
        (*failed)->cause(),
        "the object '" + key + "' of the bucket '" + place_.bucket + "' was not sent: " + first.message +
            (count > 1 ? "; nor were " + std::to_string(count - 1) + " more of " + std::to_string(keys.size())
                       : ""),
        first.hint);
  }

  void remove(const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    const auto failed = state_.s3.remove(place_.bucket, keys, context_.cancelled);
    News news;
    for (const auto& key : keys)
      if (std::none_of(failed.begin(), failed.end(), [&](const NotRemoved& each) { return each.key == key; }))
        news.emplace_back(key, std::nullopt);
    ledger_->learn(news);
    if (failed.empty()) return;
    // What does not pass by itself is told before what does.
    const auto& first = *std::max_element(failed.begin(), failed.end(), [](const auto& a, const auto& b) {
      return a.why.cause == ProblemCause::transient && b.why.cause != ProblemCause::transient;
    });
    throw fail(first.why.cause,
               "the object '" + first.key + "' of the bucket '" + place_.bucket +
                   "' was not deleted: " + first.why.message +
                   (failed.size() > 1 ? "; nor were " + std::to_string(failed.size() - 1) + " more" : ""),
               first.why.hint);
  }

  State& state_;
  protocol::CallContext& context_;
  const protocol::Owner& owner_;
  const Counter::Tell tell_;
  const Step& step_;
  const ContentPlace place_;
  const std::shared_ptr<Ledger> ledger_;
  const Deadline begins_until_ = before_end(context_.deadline, kForTheLast, kLastPart);
  const Deadline sends_until_ = before_end(context_.deadline, kForTheEnd, kEndPart);
};

Content content_of(const protocol::ApplyRequest& request, const Step& step) {
  for (const auto& document : request.documents) {
    if (document.digest != step.digest) continue;
    std::vector<protocol::WireProblem> problems;
    if (auto content = read_content(document, Value(), problems)) return *std::move(content);
    throw fail(ProblemCause::input, problems.front().message, problems.front().hint);
  }
  throw fail(ProblemCause::internal, "the document of '" + step.id.str() + "' was not sent");
}

}  // namespace

std::string apply_content(State& state, const protocol::ApplyRequest& request, protocol::CallContext& context,
                          const Policy& policy, const Step& step, const protocol::ProgressSink& progress) {
  const auto place = place_of(step.id);
  if (!policy.allows_content(place.bucket, place.prefix))
    throw fail(ProblemCause::permission,
               "the policy does not allow '" + place.bucket + "/" + place.prefix + "'");
  ContentApplier applier(state, context, request.owner, step, [&](const std::string& how_far) {
    progress({request.sync, step.key, protocol::StepState::waiting, {}, how_far, {}});
  });
  if (step.action == protocol::Action::remove) return applier.remove_all(), "";
  const Content content = content_of(request, step);
  if (const auto refused = breaches(policy, content); !refused.empty())
    throw fail(ProblemCause::permission, refused.front().message, refused.front().hint);
  return applier.apply(content);
}

}  // namespace gitopsd::aws
