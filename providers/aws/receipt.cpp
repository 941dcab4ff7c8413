#include "providers/aws/receipt.h"

#include "base/hash.h"
#include "base/json.h"

namespace gitopsd::aws {

std::string Receipt::text() const {
  return to_json(
      Value::object({{"stack", stack}, {"template", template_}, {"facts", facts}, {"updated", updated}}));
}

std::optional<Receipt> Receipt::parse(const std::string& text) {
  try {
    const Value value = parse_json(text);
    Receipt out{value.get_string("stack"), value.get_string("template"), value.get_string("facts"),
                value.get_string("updated")};
    if (out.stack.empty()) return std::nullopt;
    return out;
  } catch (const Failure&) {
    return std::nullopt;  // of another version: looked at anew
  }
}

std::string Digests::of_template(std::string_view text) const {
  return to_hex(hmac_sha256(key_.reveal(), text)).substr(0, 32);
}

std::string Digests::of_facts(const StackFacts& facts) const {
  Hasher hasher(key_.reveal());
  for (const auto* texts : {&facts.parameters, &facts.tags}) {
    hasher.field(std::to_string(texts->size()));
    for (const auto& [name, text] : *texts) hasher.field(name).field(text);
  }
  hasher.field(facts.role);
  return to_hex(hasher.finish()).substr(0, 32);
}

}  // namespace gitopsd::aws
