// What stands in the bucket beside what is declared of it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "providers/aws/content.h"
#include "providers/aws/ledger.h"
#include "providers/aws/state.h"

namespace gitopsd::aws {

/// The provider's memory of a content; travels as a receipt.
struct ContentReceipt {
  std::uint64_t at = 0;  ///< of the ledger, when it was told
  Extra extra = Extra::owned;
  std::string text() const;
  static std::optional<ContentReceipt> parse(const std::string& text);
};

/// How to look at a content.
struct Survey {
  const Content* wanted = nullptr;  ///< nullptr: nothing
  bool everything = false;          ///< also objects that are neither wanted nor known
};

/// Lists the bucket, asks about what the list cannot tell, and writes down what is there. A bucket that does
/// not exist throws ApiError "NoSuchBucket".
void survey(State&, Ledger&, const ContentPlace&, const Survey&, const Cancelled&);
/// The same of these objects alone, a request each.
void survey_few(State&, Ledger&, const ContentPlace&, const std::vector<std::string>& keys,
                const Content* wanted, const Cancelled&);

/// Whether the list tells that nobody has written the object since it was known so.
bool is_untouched(const Known&, const ObjectFacts& listed);

/// What has to be done. Keys, sorted.
struct Difference {
  std::vector<std::string> add, change, take, remove;
  std::vector<std::string> of_others;  ///< of other applications: in the way
  std::size_t others_removed = 0;      ///< of `remove`: what we did not put there
  std::size_t same = 0;

  bool empty() const { return add.empty() && change.empty() && take.empty() && remove.empty(); }
  std::vector<std::string> written() const;  ///< all but `remove`
  std::string summary() const;               ///< "1 to add, 2 to change, 997 as they are"
  std::string text() const;                  ///< a line for each, for people
  std::string digest() const;
};
/// `marks`: whose objects count as the application's own; the first is its own mark.
Difference difference(const KnownObjects&, const Content* wanted, Extra,
                      const std::vector<std::string>& marks);

/// The owner's mark, and that of who handed the content over.
std::vector<std::string> marks_of(const protocol::Owner&, const std::string& from);

/// Runs all of them, several at once; then throws the first Failure that there was.
void at_once(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace gitopsd::aws
