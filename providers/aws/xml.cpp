#include "providers/aws/xml.h"

#include <pugixml.hpp>

#include "base/problem.h"

namespace gitopsd::aws {
namespace {

constexpr int kDeepest = 64;
/// A text of white space alone is a text: a parameter may be a blank.
constexpr unsigned kParse = pugi::parse_default | pugi::parse_ws_pcdata_single;

Value value_of(const pugi::xml_node& node, int depth) {
  if (depth > kDeepest) throw fail(ProblemCause::destination, "AWS's answer is nested too deeply");
  Value object, list;
  for (const auto& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    Value value = value_of(child, depth + 1);
    if (std::string_view(child.name()) == "member")
      list.push(std::move(value));
    else
      object.set(child.name(), std::move(value));
  }
  if (!list.is_null()) return list;
  if (!object.is_null()) return object;
  const std::string text = node.text().get();
  return text.empty() ? Value() : Value(text);
}

}  // namespace

Value read_answer(std::string_view text, const std::string& action) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), kParse);
  const auto root = document.document_element();
  if (!parsed || root.name() != action + "Response")
    throw fail(ProblemCause::destination, "what answers for " + action + " is not AWS",
               "look at the proxy and the endpoint that are used");
  const auto result = root.child((action + "Result").c_str());
  return result ? value_of(result, 0) : Value();
}

ErrorAnswer read_error(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size(), kParse)) return {};
  auto error = document.document_element();
  if (std::string_view(error.name()) != "Error") error = error.child("Error");
  return {error.child_value("Code"), error.child_value("Message"), error.child_value("Region")};
}

}  // namespace gitopsd::aws
