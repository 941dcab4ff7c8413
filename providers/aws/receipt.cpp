#include "providers/aws/receipt.h"

#include "base/hash.h"
#include "base/json.h"
#include "providers/protocol/fields.h"

namespace gitopsd::aws {

namespace {

template <class Names>
Value array_of(const Names& names) {
  Value out = Value::array();
  for (const auto& name : names) out.push(name);
  return out;
}

std::optional<bool> read_flag(const Value& value, std::string_view key) {
  return value.find(key) ? std::optional(value.get_bool(key)) : std::nullopt;
}

std::optional<Begun> read_begun(const Value* value) {
  if (!value) return std::nullopt;
  return Begun{value->get_string("token"), value->get_string("before"), value->get_int("at")};
}

}  // namespace

std::string Receipt::text() const {
  Value out =
      Value::object({{"stack", stack}, {"template", template_}, {"facts", facts}, {"updated", updated}});
  if (!policy.empty()) out.set("policy", policy);
  if (protection) out.set("protection", *protection);
  if (detects) out.set("detects", *detects);
  if (!requires_.empty()) out.set("requires", array_of(requires_));
  if (!taken.digest.empty()) {
    Value outputs = Value::object();
    for (const auto& [source, names] : taken.outputs) outputs.set(source, array_of(names));
    out.set("taken", Value::object({{"outputs", std::move(outputs)}, {"digest", taken.digest}}));
  }
  if (begun)
    out.set("begun", Value::object({{"token", begun->token}, {"before", begun->before}, {"at", begun->at}}));
  std::string text = to_json(out);
  for (const char* many : {"taken", "requires"}) {
    if (text.size() <= protocol::kMaxReceipt) break;
    out.as_object().erase(many);
    text = to_json(out);
  }
  return text;
}

std::optional<Receipt> Receipt::parse(const std::string& text) {
  try {
    const Value value = parse_json(text);
    Receipt out{value.get_string("stack"), value.get_string("template"), value.get_string("facts"),
                value.get_string("updated")};
    out.policy = value.get_string("policy");
    out.protection = read_flag(value, "protection");
    out.detects = read_flag(value, "detects");
    for (const Value& name : value.get_array("requires")) out.requires_.push_back(name.as_string());
    if (const Value* taken = value.find("taken")) {
      out.taken.digest = taken->get_string("digest");
      if (const Value* outputs = taken->find("outputs"))
        for (const auto& [source, names] : outputs->as_object())
          for (const Value& name : names.as_array()) out.taken.outputs[source].insert(name.as_string());
    }
    out.begun = read_begun(value.find("begun"));
    if (out.stack.empty()) return std::nullopt;
    return out;
  } catch (const Failure&) {
    return std::nullopt;  // of another version: looked at anew
  }
}

std::string Digests::of_text(std::string_view text) const {
  return to_hex(hmac_sha256(key_.reveal(), text)).substr(0, 32);
}

std::string Digests::of_outputs(const OutputValues& values) const {
  Hasher hasher(key_.reveal());
  for (const auto& [stack, outputs] : values)
    for (const auto& [name, text] : outputs) hasher.field(stack).field(name).field(text);
  return to_hex(hasher.finish()).substr(0, 16);
}

std::string Digests::of_template(std::string_view text) const {
  std::string kept;
  kept.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      kept += c;
    else if ((byte & 0xC0) != 0x80)  // the first of a character's bytes
      kept += '?';
  }
  return of_text(kept);
}

std::string Digests::of_facts(const StackFacts& facts) const {
  Hasher hasher(key_.reveal());
  for (const auto* texts : {&facts.parameters, &facts.tags}) {
    hasher.field(std::to_string(texts->size()));
    for (const auto& [name, text] : *texts) hasher.field(name).field(text);
  }
  hasher.field(facts.role);
  for (const auto& topic : facts.notifications) hasher.field(topic);
  return to_hex(hasher.finish()).substr(0, 32);
}

}  // namespace gitopsd::aws
