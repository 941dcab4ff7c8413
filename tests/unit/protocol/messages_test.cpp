#include <doctest/doctest.h>

#include <set>

#include "base/file.h"
#include "base/json.h"
#include "providers/protocol/peer.h"
#include "providers/protocol/words.h"

using namespace gitopsd;
using namespace gitopsd::protocol;

namespace {

/// Every field name that a message has.
std::set<std::string> field_names;

void collect(const Value& value) {
  if (value.is_array())
    for (const auto& element : value.as_array()) collect(element);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.as_object()) {
    field_names.insert(name);
    if (name != "json" && name != "kinds" && name != "settings" && name != "policy" && name != "defaults")
      collect(member);
  }
}

template <class T>
void round_trip(const T& message) {
  const Value once = encode(message);
  collect(once);
  CHECK(to_json(encode(decode_as<T>(parse_json(to_json(once))))) == to_json(once));
}

std::string refusal(auto decode_it) {
  try {
    decode_it();
  } catch (const Failure& e) {
    CHECK(e.cause() == ProblemCause::input);
    return e.problems()[0].message;
  }
  return "accepted";
}

Step some_step() {
  Step step;
  step.key = "update path:/a";
  step.id = ResourceId("path:/a");
  step.wave = 2;
  step.after = {"create path:/"};
  step.action = Action::remove;
  step.reason = "mode is 0600, wanted 0644";
  step.precondition = "sha256:abc";
  step.diff = "-a\n+b\n";
  step.destroys = Destroys::data;
  step.rerun = Rerun::hold;
  step.digest = "d";
  step.hook = Hook::post;
  step.group = "g";
  return step;
}

}  // namespace

TEST_CASE("every message survives the wire") {
  Resource resource{ResourceId("path:/a"),
                    "File",
                    "motd",
                    "d1",
                    {ResourceId("path:/")},
                    {Prune::confirm, Drift::report, ApplyMode::create_only},
                    {"/spec/content"},
                    {Hook::pre, Hook::fail}};
  Document document{"d1", Value::object({{"kind", "File"}}), {{"motd.txt", {std::string(64, 'a'), 70'000}}}};
  Entry entry{ResourceId("path:/a"), Entry::Owned{"d0", "{}"}, Entry::Intended{"7", ""}};
  WireProblem problem{"spec", "no", "yes", "d1", "/spec/mode", "path:/a", "k", ProblemCause::permission, 3};
  round_trip(InitializeRequest{{1, 2}, "here", Value::object({{"x", 1}}), "inst", "/var/lib/x"});
  round_trip(InitializeResult{1, "host", "1", Value::object(), {"watch"}, 4, Value("c"), "cd", "this one"});
  round_trip(
      ResolveRequest{"app", {document}, Value(), Value::object({{"paths", Value::array()}}), {Value("x")}});
  round_trip(ResolveResult{
      {resource}, {problem}, {{"d1", "motd.txt"}}, {problem}, {Value::object({{"kind", "X"}})}});
  round_trip(PlanRequest{"7",
                         {"inst", "app"},
                         Value(),
                         PlanMode::heal,
                         {resource},
                         {document},
                         {ResourceId("b")},
                         {entry},
                         true,
                         5});
  round_trip(PlanResult{{some_step()}, {problem}, "token"});
  round_trip(ApplyRequest{"7", {"inst", "app"}, Value(), {some_step()}, {resource}, {document}, 9, 2});
  round_trip(ApplyResult{ApplyOutcome::stale, {{"k", StepState::failed, "r", problem}}});
  round_trip(ObserveRequest{{"inst", "app"}, Value(), {entry}, {resource}, {document}, true, true});
  round_trip(
      ObserveResult{{{ResourceId("a"), Live::ours, DriftState::yes, "-x", Health::degraded, "why", "r"}}});
  round_trip(ListRequest{"inst"});
  round_trip(ListResult{{{ResourceId("a"), {"inst", "app"}, "d"}}});
  round_trip(DiscardRequest{"t"});
  round_trip(CancelRequest{"7"});
  round_trip(Progress{"7", "k", StepState::done, "r", "m", problem});
  round_trip(Changed{"app", {ResourceId("a")}, true});
  round_trip(ContextChanged{"cd", Value()});
  round_trip(ContextChanged{"cd", Value::object({{"kubeVersion", "v1.34.3"}})});
  round_trip(Condition{"k", "m", "h", true, {"app"}});
  round_trip(BlobRequest{std::string(64, 'a'), 192u << 10, 7});
  round_trip(BlobChunk{std::string("\0\xff bytes", 8), true});

  // The contract that strangers read names every one of them.
  const std::string readme = read_file(GITOPSD_PROTOCOL_README);
  for (const auto& name : field_names) CHECK_MESSAGE(readme.find(name) != std::string::npos, name);
}

TEST_CASE("a step keeps every field") {
  const Step step = decode_as<Step>(encode(some_step()));
  CHECK(step.key == "update path:/a");
  CHECK(step.id.str() == "path:/a");
  CHECK(step.wave == 2);
  CHECK(step.after == std::vector<std::string>{"create path:/"});
  CHECK(step.action == Action::remove);
  CHECK(step.precondition == "sha256:abc");
  CHECK(step.destroys == Destroys::data);
  CHECK(step.rerun == Rerun::hold);
  CHECK(step.digest == "d");
  CHECK(step.hook == Hook::post);
  CHECK(step.group == "g");
  CHECK(encode(some_step()).get_string("action") == "delete");
}

TEST_CASE("a wrong field is refused by its name") {
  CHECK(refusal([] {
          decode_as<Step>(Value::object({{"id", "a"}, {"action", "none"}}));
        }) == "'/key': a value is needed, found null");
  CHECK(refusal([] {
          decode_as<ResolveRequest>(
              parse_json(R"({"documents":[{"digest":"a","json":{}},{"digest":5,"json":{}}]})"));
        }) == "'/documents/1/digest': a string is needed, found integer");
  CHECK(refusal([] { decode_as<ListRequest>(Value(3)); }) ==
        "the message: an object is needed, found integer");
  CHECK(refusal([] {
          decode_as<BlobRequest>(parse_json(R"({"digest":"a","length":-1})"));
        }).starts_with("'/length'"));
  CHECK(refusal([] {
          decode_as<InitializeRequest>(parse_json(R"({"protocols":[4294967297]})"));
        }).starts_with("'/protocols/0'"));
  CHECK(refusal([] {
          decode_as<Resource>(Value::object({{"kind", "File"}, {"id", std::string(513, 'x')}}));
        }).starts_with("'/id'"));
  CHECK(refusal([] {
          decode_as<BlobChunk>(Value::object({{"data", "!"}}));
        }).starts_with("/data: not base64"));
  CHECK(refusal([] {
          decode_as<Progress>(Value::object(
              {{"sync", "1"}, {"key", "k"}, {"state", "done"}, {"receipt", std::string(1025, 'r')}}));
        }).starts_with("'/receipt': at most 1024 bytes"));
}

TEST_CASE("unknown fields are ignored, unknown words get the careful reading") {
  const Step step = decode_as<Step>(parse_json(
      R"({"key":"k","id":"a","action":"teleport","destroys":"planets","rerun":"maybe","hook":"lunch","later":1})"));
  CHECK(step.hook == Hook::none);
  CHECK(step.action == Action::run);
  CHECK(step.destroys == Destroys::data);
  CHECK(step.rerun == Rerun::check);
  const Resource resource = decode_as<Resource>(
      parse_json(R"({"id":"a","kind":"File","options":{"prune":"someday","drift":"shrug","apply":"x"}})"));
  CHECK(resource.options.prune == Prune::confirm);
  CHECK(resource.options.drift == Drift::report);
  CHECK(resource.options.apply == ApplyMode::merge);
  const auto observed = decode_as<ObserveResult>(
      parse_json(R"({"observations":[{"id":"a","live":"zombie","drift":"?","health":"so-so"}]})"));
  CHECK(observed.observations.at(0).live == Live::unknown);
}

TEST_CASE("the contract names every word and every error code") {
  const std::string readme = read_file(GITOPSD_PROTOCOL_README);
  auto check = [&](auto words) {
    for (std::string_view word : words.table)
      CHECK_MESSAGE(readme.find("`" + std::string(word) + "`") != std::string::npos, word);
  };
  check(words(Prune{}));
  check(words(Drift{}));
  check(words(ApplyMode{}));
  check(words(Action{}));
  check(words(Destroys{}));
  check(words(Rerun{}));
  check(words(PlanMode{}));
  check(words(StepState{}));
  check(words(Live{}));
  check(words(DriftState{}));
  check(words(Health{}));
  check(words(ApplyOutcome{}));
  for (int code : {kParseError, kInvalidRequest, kUnknownMethod, kInvalidParams, kInternalError,
                   kNotInitialized, kTooLarge, kBusy, kNoProtocol, kFailed})
    CHECK_MESSAGE(readme.find("| " + std::to_string(code) + " |") != std::string::npos, code);
}
