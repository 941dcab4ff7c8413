#include "providers/protocol/spec_reader.h"

#include <algorithm>

#include "providers/protocol/words.h"

namespace gitopsd::protocol {
namespace {

constexpr std::string_view kPrune = "gitopsd.io/prune", kDrift = "gitopsd.io/drift",
                           kApply = "gitopsd.io/apply";

template <class E>
void take_option(SpecReader& reader, const std::string& key, E& option) {
  auto word = reader.text(key);
  if (!word) return;
  std::string all;
  for (std::string_view known : words(E{}).table) {
    if (known == *word) {
      option = from_word<E>(*word);
      return;
    }
    all += (all.empty() ? "" : ", ") + std::string(known);
  }
  reader.problem(key, "'" + *word + "' is no value of " + key, "use one of " + all);
}

}  // namespace

SpecReader::SpecReader(const Value* value, std::string pointer, const std::string& document,
                       std::vector<WireProblem>& problems)
    : value_(value), pointer_(std::move(pointer)), document_(document), problems_(problems) {
  if (value_ && value_->is_object()) return;
  std::string found = value_ ? ", found " + std::string(value_->type_name()) : "";
  value_ = nullptr;
  problem("", (pointer_.empty() ? "the document" : "'" + pointer_.substr(1) + "'") + " must be a mapping" +
                  found);
}

void SpecReader::problem(const std::string& key, std::string message, std::string hint) {
  WireProblem problem;
  problem.code = "spec";
  problem.cause = ProblemCause::input;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.document = document_;
  problem.pointer = pointer_ + (key.empty() ? std::string() : pointer_token(key));
  problems_.push_back(std::move(problem));
}

void SpecReader::allow(const std::vector<std::string>& known) {
  if (!value_) return;
  for (const auto& [key, member] : value_->as_object()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string near = did_you_mean(key, known), all;
    for (const auto& word : known) all += (all.empty() ? "" : ", ") + word;
    problem(key, "unknown field '" + key + "'",
            near.empty() ? "known are " + all : "did you mean '" + near + "'?");
  }
}

std::optional<std::string> SpecReader::text(const std::string& key) {
  const Value* value = member(key);
  if (!value) return std::nullopt;
  if (value->is_string()) return value->as_string();
  problem(key, "'" + key + "' must be a string, found " + std::string(value->type_name()),
          "put it in quotes");
  return std::nullopt;
}

std::optional<std::string> SpecReader::needed_text(const std::string& key) {
  if (!has(key)) {
    if (value_) problem("", "'" + key + "' is missing");
    return std::nullopt;
  }
  return text(key);
}

bool SpecReader::flag(const std::string& key, bool fallback) {
  const Value* value = member(key);
  if (!value) return fallback;
  if (value->is_bool()) return value->as_bool();
  problem(key, "'" + key + "' must be true or false, found " + std::string(value->type_name()));
  return fallback;
}

std::vector<std::string> SpecReader::texts(const std::string& key, const std::string& what) {
  std::vector<std::string> out;
  const Value* list = member(key);
  if (!list) return out;
  if (!list->is_array()) {
    problem(key, "'" + key + "' must be a list of " + what + ", found " + std::string(list->type_name()),
            "write " + key + ": [...]");
    return out;
  }
  for (const Value& item : list->as_array()) {
    if (item.is_string() && !item.as_string().empty())
      out.push_back(item.as_string());
    else
      problem(key, "'" + key + "' must be a list of " + what + ", and one of them is " +
                       (item.is_string() ? "empty" : "of type " + std::string(item.type_name())));
  }
  return out;
}

Options read_options(SpecReader& metadata, const Value& defaults, const std::string& document,
                     std::vector<WireProblem>& problems) {
  Options options;
  if (defaults.is_object()) {
    SpecReader reader(&defaults, "", document, problems);
    take_option(reader, "prune", options.prune);
    take_option(reader, "drift", options.drift);
    take_option(reader, "apply", options.apply);
  }
  const Value* annotations = metadata.member("annotations");
  if (!annotations) return options;
  SpecReader reader(annotations, "/metadata/annotations", document, problems);
  if (!annotations->is_object()) return options;
  take_option(reader, std::string(kPrune), options.prune);
  take_option(reader, std::string(kDrift), options.drift);
  take_option(reader, std::string(kApply), options.apply);
  for (const auto& [key, value] : annotations->as_object())
    if (key.starts_with("gitopsd.io/") && key != kPrune && key != kDrift && key != kApply)
      reader.problem(key, "unknown annotation '" + key + "'",
                     "known are gitopsd.io/prune, gitopsd.io/drift and gitopsd.io/apply");
  return options;
}

}  // namespace gitopsd::protocol
