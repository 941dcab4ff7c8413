#include "providers/kubernetes/complaints.h"

#include <algorithm>
#include <regex>
#include <set>

#include "base/json.h"
#include "providers/kubernetes/server_field.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

/// Each shows what the one before hid; a manifest that is wrong in more layers is told the rest next time.
constexpr int kMostRounds = 4;
constexpr std::size_t kLongestComplaint = 300;
constexpr std::string_view kStrict = "strict decoding error: ";

std::string without_value(std::string text) {
  if (const auto got = text.find(", got &"); got != text.npos) text.resize(got);
  return text;
}

/// ".spec.ports[port=80].nam: field not declared in schema"
Complaint schema_complaint(std::string_view line) {
  std::size_t end = 0;
  bool quoted = false;
  for (; end < line.size(); ++end) {
    if (line[end] == '"') quoted = !quoted;
    if (!quoted && line.substr(end).starts_with(": ")) break;
  }
  if (!line.starts_with('.') || end == line.size()) return {{}, without_value(std::string(line))};
  Complaint out{std::string(line.substr(1, end - 1)), without_value(std::string(line.substr(end + 2)))};
  if (out.message == "field not declared in schema") out.message = "unknown field";
  return out;
}

std::vector<Complaint> schema_complaints(std::string_view text) {
  std::vector<Complaint> out;
  constexpr std::string_view several = "errors:\n";
  if (text.starts_with(several)) text.remove_prefix(several.size());
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (!line.empty()) out.push_back(schema_complaint(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// `unknown field "spec.x", unknown field "spec.ports[1].prot"`
std::vector<Complaint> strict_complaints(std::string_view text) {
  std::vector<Complaint> out;
  for (auto quote = text.find('"'); quote != text.npos; quote = text.find('"')) {
    const auto end = text.find('"', quote + 1);
    if (end == text.npos) break;
    auto what = text.substr(0, quote);
    while (what.starts_with(',') || what.starts_with(' ')) what.remove_prefix(1);
    while (what.ends_with(' ')) what.remove_suffix(1);
    out.push_back({std::string(text.substr(quote + 1, end - quote - 1)), std::string(what)});
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string_view after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  return at == text.npos ? std::string_view() : text.substr(at + mark.size());
}

bool is_quantity(const std::string& text) {
  static const std::regex form(R"([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?)");
  return std::regex_match(text, form);
}

/// Members of what names amounts of resources that are no quantities; `amounts` where the value is in one.
void wrong_quantities(const Value& value, const std::string& path, bool amounts,
                      std::vector<Complaint>& out) {
  static const std::set<std::string, std::less<>> holders{
      "requests", "limits", "capacity", "hard", "overhead", "default", "defaultRequest", "min", "max"};
  if (value.is_array())
    for (std::size_t i = 0; i < value.as_array().size(); ++i)
      wrong_quantities(value.as_array()[i], path + "[" + std::to_string(i) + "]", false, out);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.as_object()) {
    const std::string here = path.empty() ? name : path + "." + name;
    if ((amounts || name == "sizeLimit") && member.is_string() && !is_quantity(member.as_string()))
      out.push_back({here, "`" + member.as_string() + "` is no quantity, such as 500m, 0.5 or 128Mi"});
    else
      wrong_quantities(member, here, holders.contains(name), out);
  }
}

/// Of two items of a list, the later one comes later.
struct ShorterFirst {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

/// What one manifest is told.
class Complaints {
 public:
  Complaints(Cluster& cluster, const Manifest& manifest, const Value& document, const protocol::Owner& owner,
             const Policy& policy)
      : cluster_(cluster), manifest_(manifest), document_(document), owner_(owner), policy_(policy) {}

  std::vector<WireProblem> all(const HttpResponse& refusal);

 private:
  /// Whether it is worth to ask once more without what is wrong.
  bool take(const HttpResponse&);
  void take_causes(const HttpResponse&);
  HttpResponse create();
  void tell(const Complaint&);
  std::string place(const std::string& field) const;
  bool known(const std::string& pointer) const;

  Cluster& cluster_;
  const Manifest& manifest_;
  const Value& document_;
  const protocol::Owner& owner_;
  const Policy& policy_;
  std::set<std::string, ShorterFirst> wrong_;  ///< pointers into the manifest's object
  std::vector<WireProblem> out_;
};

std::vector<WireProblem> Complaints::all(const HttpResponse& refusal) {
  // Decoding names every unknown field, also where the schema stops at the first.
  const bool of_shape = !complaints_in(status_of(refusal).get_string("message")).empty();
  const auto decoded = of_shape ? create() : HttpResponse{};
  if (!take(decoded.status == 0 ? refusal : decoded)) return std::move(out_);
  for (int round = 0; round < kMostRounds; ++round) {
    Manifest rest = manifest_;
    for (auto it = wrong_.rbegin(); it != wrong_.rend(); ++it) remove_member(rest.object, *it);
    const auto before = wrong_.size();
    const auto answer = cluster_.http().send(apply_request(rest, owner_, policy_, {}, true));
    if (!take(answer) || wrong_.size() == before) break;
  }
  return std::move(out_);
}

bool Complaints::take(const HttpResponse& answer) {
  if (answer.status == 422) return take_causes(answer), false;
  const std::string message = status_of(answer).get_string("message");
  const auto found =
      answer.status == 400 || answer.status == 500 ? complaints_in(message) : std::vector<Complaint>{};
  for (const auto& complaint : found) {
    // The server's word for it names no field.
    std::vector<Complaint> amounts;
    if (complaint.field.empty() && complaint.message.find("quantit") != std::string::npos &&
        !manifest_.secret())
      wrong_quantities(manifest_.object, {}, false, amounts);
    if (amounts.empty()) tell(complaint);
    for (const auto& amount : amounts) tell(amount);
  }
  if (found.empty() && out_.empty())
    for (auto& problem : cluster_.problems_of(answer, manifest_.id.str())) out_.push_back(std::move(problem));
  return !wrong_.empty();
}

void Complaints::take_causes(const HttpResponse& answer) {
  const Value status = status_of(answer);
  const Value* details = status.find("details");
  const auto before = out_.size();
  if (details)
    for (const Value& cause : details->get_array("causes"))
      tell({cause.get_string("field"), without_long_value(cause.get_string("message"))});
  if (out_.size() == before && wrong_.empty())
    for (auto& problem : cluster_.problems_of(answer, manifest_.id.str())) out_.push_back(std::move(problem));
}

HttpResponse Complaints::create() {
  HttpRequest request;
  request.method = "POST";
  request.path = manifest_.collection() + "?dryRun=All&fieldValidation=Strict&fieldManager=" + kManager;
  request.content_type = "application/json";
  request.body = to_json(manifest_.object);
  request.headers = policy_.headers();
  auto answer = cluster_.http().send(std::move(request));
  // Only for these it is asked: the rest is said better elsewhere, and that it exists is no complaint.
  const bool of_fields = status_of(answer).get_string("message").find(kStrict) != std::string::npos;
  return of_fields ? answer : HttpResponse{};
}

/// Where people wrote it: a Secret's `stringData` is applied as `data`.
std::string Complaints::place(const std::string& field) const {
  std::string pointer = pointer_within(document_, field);
  if (manifest_.secret() && field.starts_with("data"))
    if (const auto written = pointer_within(document_, "stringData" + field.substr(4));
        written.size() > pointer.size() + std::string_view("stringData").size() - 4)
      pointer = written;
  return pointer;
}

bool Complaints::known(const std::string& pointer) const {
  return std::any_of(wrong_.begin(), wrong_.end(), [&](const std::string& other) {
    return pointer == other || pointer.starts_with(other + "/");
  });
}

void Complaints::tell(const Complaint& complaint) {
  const std::string here = pointer_within(manifest_.object, complaint.field);
  if (!here.empty() && known(here)) return;
  WireProblem problem;
  problem.cause = ProblemCause::input;
  problem.code = "invalid";
  problem.message =
      manifest_.id.str() + ": " + (complaint.field.empty() ? "" : complaint.field + ": ") + complaint.message;
  problem.pointer = place(complaint.field);
  problem.hint = yaml_hint(document_, problem.pointer, complaint.message);
  out_.push_back(std::move(problem));
  if (!here.empty()) wrong_.insert(here);
}

}  // namespace

std::string yaml_hint(const Value& document, const std::string& pointer, std::string_view message) {
  const auto token = std::string_view(pointer).substr(pointer.rfind('/') + 1);
  const std::string words = token == "true" ? "y, yes, on and true" : "n, no, off and false";
  if (!pointer.empty() && (token == "true" || token == "false"))
    return "without quotes YAML reads " + words +
           " as a boolean, also as a key: put a key that is a text in quotes";
  const Value* value = document.at_pointer(pointer);
  if (!value || !message.starts_with("expected string")) return {};
  if (value->is_bool())
    return std::string("without quotes YAML reads ") +
           (value->as_bool() ? "y, yes, on and true" : "n, no, off and false") +
           " as a boolean: put it in quotes";
  if (value->is_int() || value->is_uint() || value->is_double())
    return "without quotes YAML reads a number: put it in quotes";
  return {};
}

std::string without_long_value(std::string message) {
  constexpr std::string_view mark = "Invalid value: ";
  if (message.size() <= kLongestComplaint || !message.starts_with(mark)) return message;
  // What is wrong with the value stands behind it.
  for (const std::string_view end : {"}: ", "]: ", "\": "})
    if (const auto at = message.rfind(end); at != message.npos)
      return message.substr(at + end.size(), kLongestComplaint);
  return message.substr(0, kLongestComplaint) + "...";
}

std::vector<Complaint> complaints_in(std::string_view message) {
  if (const auto strict = after(message, kStrict); !strict.empty()) return strict_complaints(strict);
  if (message.starts_with("failed to create typed patch object"))
    return schema_complaints(after(message, "): "));
  if (message.find("field not declared in schema") != message.npos) return schema_complaints(message);
  if (const auto conversion = after(message, "unable to convert unstructured object to ");
      !conversion.empty())
    return {{{}, std::string(after(conversion, ": "))}};
  if (const auto decoding = after(message, " cannot be handled as a "); !decoding.empty())
    return {{{}, std::string(after(decoding, ": "))}};
  return {};
}

std::vector<WireProblem> complaints_about(Cluster& cluster, const Manifest& manifest, const Value& document,
                                          const protocol::Owner& owner, const Policy& policy,
                                          const HttpResponse& refusal) {
  return Complaints(cluster, manifest, document, owner, policy).all(refusal);
}

}  // namespace gitopsd::kubernetes
