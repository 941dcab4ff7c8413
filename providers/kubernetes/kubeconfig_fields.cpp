#include "providers/kubernetes/kubeconfig_fields.h"

#include <algorithm>

#include "base/hash.h"
#include "base/secret.h"

namespace gitopsd::kubernetes {

Fields::Fields(const Value& value, std::string file, std::string what)
    : value_(&value), file_(std::move(file)), what_(std::move(what)) {
  if (!value.is_object() && !value.is_null())
    throw refusal({}, "must be a mapping, found " + std::string(value.type_name()));
}

Fields Fields::named(std::string what) const {
  return Fields(*value_, file_, std::move(what));
}

Failure Fields::refusal(std::string_view key, const std::string& message, std::string hint) const {
  const Value* member = key.empty() ? nullptr : value_->find(key);
  const Position at = member ? member->position : value_->position;
  return Failure(Problem{ProblemCause::input, what_ + ": " + message, std::move(hint), file_, at});
}

Failure Fields::wrong_type(std::string_view key, const Value& found, std::string_view wanted) const {
  return Failure(Problem{ProblemCause::input,
                         what_ + ": '" + std::string(key) + "' must be " + std::string(wanted) + ", found " +
                             std::string(found.type_name()),
                         found.is_string() || wanted != "a string" ? "" : "quote it", file_, found.position});
}

std::string Fields::text(std::string_view key) const {
  const Value* member = value_->find(key);
  if (!member) return {};
  if (!member->is_string()) throw wrong_type(key, *member, "a string");
  return member->as_string();
}

bool Fields::flag(std::string_view key) const {
  const Value* member = value_->find(key);
  if (!member) return false;
  if (!member->is_bool()) throw wrong_type(key, *member, "true or false");
  return member->as_bool();
}

std::vector<std::string> Fields::texts(std::string_view key) const {
  std::vector<std::string> out;
  const Value* member = value_->find(key);
  if (!member) return out;
  if (!member->is_array()) throw wrong_type(key, *member, "a list of strings");
  for (const Value& item : member->as_array()) {
    if (!item.is_string()) throw wrong_type(key, item, "a list of strings");
    out.push_back(item.as_string());
  }
  return out;
}

std::string Fields::bytes(std::string_view key) const {
  std::string encoded = text(key);
  std::erase_if(encoded, [](char c) { return c == '\n' || c == '\r'; });
  auto decoded = from_base64(encoded);
  wipe(encoded.data(), encoded.size());
  if (!decoded)
    throw refusal(key, "'" + std::string(key) + "' is no base64", "encode the PEM text with base64");
  return *decoded;
}

std::vector<Fields> Fields::items(std::string_view key) const {
  std::vector<Fields> out;
  const Value* member = value_->find(key);
  if (!member) return out;
  if (!member->is_array()) throw wrong_type(key, *member, "a list");
  for (const Value& item : member->as_array())
    out.emplace_back(item, file_, "an item of '" + std::string(key) + "'");
  return out;
}

Fields Fields::section(std::string_view key) const {
  static const Value nothing;
  const Value* member = value_->find(key);
  return Fields(member ? *member : nothing, file_, member ? what_ + ", '" + std::string(key) + "'" : what_);
}

}  // namespace gitopsd::kubernetes
