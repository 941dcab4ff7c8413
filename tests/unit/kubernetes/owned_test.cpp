#include "providers/kubernetes/owned.h"

#include <doctest/doctest.h>

#include "base/json.h"

namespace gitopsd::kubernetes {
namespace {

const OwnedDigests& digests() {
  static const OwnedDigests all(Secret("a key of the tests"));
  return all;
}

/// What the values that the fields name come to, in this object.
std::string owned_in(const char* fields, const char* object, const std::vector<std::string>& bare = {}) {
  return digests().owned(parse_json(object), parse_json(fields), bare);
}

Value managed(const char* fields, const char* rest) {
  Value object = parse_json(rest);
  Value entry = Value::object({{"manager", "gitopsd"}, {"operation", "Apply"}, {"apiVersion", "v1"}});
  entry.set("fieldsV1", parse_json(fields));
  Value metadata = Value::object({{"uid", "u-1"}, {"resourceVersion", "17"}});
  metadata.set("managedFields", Value::Array{entry});
  object.set("metadata", std::move(metadata));
  object.set("apiVersion", "v1");
  return object;
}

}  // namespace

TEST_CASE("a receipt comes back from its text as it was, and what is none is none") {
  const Receipt receipt{"apps/v1",         "u-1", "42", "aa", "bb", {"01234567", "89abcdef"}, "key",
                        "0011223344556677"};
  CHECK(Receipt::parse(receipt.text()) == receipt);
  const Receipt plain{"v1", "u-1", "42", "aa", "bb", {}, {}, {}};
  CHECK(Receipt::parse(plain.text()) == plain);
  for (const char* text :
       {"", "{", "[]", "17", "{}", R"({"v":"v1","u":"","r":"1","e":"a","o":"b"})",
        R"({"v":"v1","u":"u","r":"1","e":"","o":"b"})", R"({"v":1,"u":"u","e":"a","o":"b"})",
        R"({"v":"v1","u":"u","r":"1","e":"a","o":"b","b":[1]})"})
    CHECK_FALSE(Receipt::parse(text));
}

TEST_CASE("only our own apply's entry counts") {
  const auto fields_of = [](const char* entry) {
    Value metadata = Value::object();
    metadata.set("managedFields", Value::Array{parse_json(entry)});
    const Value object = Value::object({{"metadata", std::move(metadata)}});
    return our_fields(object) != nullptr;
  };
  CHECK(fields_of(R"({"manager":"gitopsd","operation":"Apply","fieldsV1":{}})"));
  CHECK_FALSE(fields_of(R"({"manager":"gitopsd","operation":"Update","fieldsV1":{}})"));
  CHECK_FALSE(fields_of(R"({"manager":"kubectl","operation":"Apply","fieldsV1":{}})"));
  CHECK_FALSE(fields_of(R"({"manager":"gitopsd","operation":"Apply","subresource":"status","fieldsV1":{}})"));
  CHECK_FALSE(fields_of(R"({"manager":"gitopsd","operation":"Apply"})"));
  CHECK_FALSE(fields_of(R"({})"));
  CHECK(our_fields(Value::object()) == nullptr);
}

TEST_CASE("digests are those of one key") {
  const Value fields = parse_json(R"({"f:data":{"f:a":{}}})");
  const OwnedDigests other(Secret("another key"));
  CHECK(digests().entry(fields) == digests().entry(fields));
  CHECK(digests().entry(fields) != other.entry(fields));
  CHECK(digests().entry(fields) != digests().entry(parse_json(R"({"f:data":{"f:b":{}}})")));
  const Value object = parse_json(R"({"data":{"a":"1"}})");
  CHECK(digests().owned(object, fields, {}) != other.owned(object, fields, {}));
}

TEST_CASE("the values that are named count, and no others") {
  const char* fields = R"({"f:data":{"f:a":{},"f:b":{}}})";
  const auto digest = owned_in(fields, R"({"data":{"a":"1","b":"2"}})");
  CHECK(owned_in(fields, R"({"data":{"b":"2","a":"1","c":"theirs"},"immutable":true})") == digest);
  CHECK(owned_in(fields, R"({"data":{"a":"1","b":"3"}})") != digest);
  CHECK(owned_in(fields, R"({"data":{"a":"2","b":"1"}})") != digest);
  CHECK(owned_in(fields, R"({"data":{"a":"1"}})") != digest);
  CHECK(owned_in(fields, R"({"data":{"a":"1","b":null}})") != digest);
  CHECK(owned_in(fields, R"({})") != digest);
}

TEST_CASE("types are told apart, and what is empty from what is not there") {
  const char* fields = R"({"f:a":{}})";
  for (const char* object : {R"({"a":80})", R"({"a":"80"})", R"({"a":true})", R"({"a":"true"})",
                             R"({"a":""})", R"({"a":[]})", R"({"a":{}})", R"({"a":"absent"})", R"({"b":80})"})
    for (const char* other :
         {R"({"a":80})", R"({"a":"80"})", R"({"a":true})", R"({"a":"true"})", R"({"a":""})", R"({"a":[]})",
          R"({"a":{}})", R"({"a":"absent"})", R"({"b":80})"})
      CHECK((owned_in(fields, object) == owned_in(fields, other)) == (std::string(object) == other));
}

TEST_CASE("what is atomic counts whole") {
  const char* fields = R"({"f:args":{},"f:selector":{}})";
  const auto digest = owned_in(fields, R"({"args":["a","b"],"selector":{"x":"y"}})");
  CHECK(owned_in(fields, R"({"args":["b","a"],"selector":{"x":"y"}})") != digest);
  CHECK(owned_in(fields, R"({"args":["a","b","c"],"selector":{"x":"y"}})") != digest);
  CHECK(owned_in(fields, R"({"args":["a","b"],"selector":{"x":"y","z":"theirs"}})") != digest);
}

TEST_CASE("the order of our keyed items counts, and not what others put between") {
  const char* fields = R"({"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}},
                                    "k:{\"name\":\"B\"}":{".":{},"f:name":{},"f:value":{}}}})";
  const auto digest = owned_in(fields, R"({"env":[{"name":"B","value":"1"},{"name":"A","value":"2"}]})");
  CHECK(owned_in(fields, R"({"env":[{"name":"X"},{"name":"B","value":"1"},{"name":"Y"},
                                    {"name":"A","value":"2","extra":1}]})") == digest);
  CHECK(owned_in(fields, R"({"env":[{"name":"A","value":"2"},{"name":"B","value":"1"}]})") != digest);
  CHECK(owned_in(fields, R"({"env":[{"name":"B","value":"1"}]})") != digest);
  CHECK(owned_in(fields, R"({"env":[{"name":"B","value":"2"},{"name":"A","value":"1"}]})") != digest);
  CHECK(owned_in(fields, R"({"env":{"A":"2"}})") != digest);
  // Of two of one name the first is the one.
  CHECK(owned_in(fields, R"({"env":[{"name":"B","value":"1"},{"name":"A","value":"2"},
                                    {"name":"A","value":"3"}]})") == digest);
}

TEST_CASE("an item that we own alone, without a member of it, counts as there") {
  const char* fields = R"({"f:env":{"k:{\"name\":\"A\"}":{".":{}}}})";
  const auto digest = owned_in(fields, R"({"env":[{"name":"A","value":"1"}]})");
  CHECK(owned_in(fields, R"({"env":[{"name":"A","value":"2"}]})") == digest);
  CHECK(owned_in(fields, R"({"env":[{"name":"B"}]})") != digest);
}

TEST_CASE("items have several keys, numbers and flags among them") {
  const char* fields = R"({"f:ports":{"k:{\"port\":53,\"protocol\":\"UDP\"}":{".":{},"f:name":{}},
                                      "k:{\"port\":53,\"protocol\":\"TCP\"}":{".":{},"f:name":{}},
                                      "k:{\"on\":true}":{"f:name":{}}}})";
  const char* right =
      R"({"ports":[{"port":53,"protocol":"UDP","name":"u"},{"port":53,"protocol":"TCP","name":"t"},
                                   {"on":true,"name":"n"}]})";
  const auto digest = owned_in(fields, right);
  CHECK(owned_in(fields, R"({"ports":[{"port":53,"protocol":"UDP","name":"t"},
                                      {"port":53,"protocol":"TCP","name":"u"},{"on":true,"name":"n"}]})") !=
        digest);
  CHECK(owned_in(fields, R"({"ports":[{"port":"53","protocol":"UDP","name":"u"},
                                      {"port":53,"protocol":"TCP","name":"t"},{"on":true,"name":"n"}]})") !=
        digest);
  CHECK(owned_in(fields, R"({"ports":[{"port":53,"protocol":"UDP","name":"u"},
                                      {"port":53,"protocol":"TCP","name":"t"},{"on":false,"name":"n"}]})") !=
        digest);
}

TEST_CASE("items of sets are their values, in their order") {
  const char* fields = R"({"f:tags":{"v:\"x\"":{},"v:7":{},"v:{\"a\":1}":{}}})";
  const auto digest = owned_in(fields, R"({"tags":["x",7,{"a":1}]})");
  CHECK(owned_in(fields, R"({"tags":["theirs","x",7,"too",{"a":1}]})") == digest);
  CHECK(owned_in(fields, R"({"tags":[7,"x",{"a":1}]})") != digest);
  CHECK(owned_in(fields, R"({"tags":["x","7",{"a":1}]})") != digest);
  CHECK(owned_in(fields, R"({"tags":["x",7]})") != digest);
}

TEST_CASE("items by index are those in their places") {
  const char* fields = R"({"f:list":{"i:0":{"f:a":{}},"i:1":{"f:a":{}}}})";
  const auto digest = owned_in(fields, R"({"list":[{"a":1},{"a":2}]})");
  CHECK(owned_in(fields, R"({"list":[{"a":1},{"a":2},{"a":3}]})") == digest);
  CHECK(owned_in(fields, R"({"list":[{"a":2},{"a":1}]})") != digest);
  CHECK(owned_in(fields, R"({"list":[{"a":1}]})") != digest);
}

TEST_CASE("an element that is none names nothing, and harms nothing") {
  for (const char* fields :
       {R"({"f:list":{"k:{":{}}})", R"({"f:list":{"k:":{}}})", R"({"f:list":{"v:":{}}})",
        R"({"f:list":{"x":{}}})", R"({"f:list":{"i:-1":{}}})", R"({"f:list":{"k:7":{}}})"})
    CHECK(owned_in(fields, R"({"list":[{"name":"a"},7]})") == owned_in(fields, R"({"list":[]})"));
}

TEST_CASE("what was applied as {} only has to be there: others may fill it") {
  const char* fields =
      R"({"f:spec":{"f:volumes":{"k:{\"name\":\"data\"}":{".":{},"f:emptyDir":{},"f:name":{}}}}})";
  const char* sent = R"({"spec":{"volumes":[{"name":"data","emptyDir":{}}]}})";
  const auto receipt = digests().receipt(managed(fields, sent), parse_json(sent));
  REQUIRE(receipt);
  CHECK(receipt->uid == "u-1");
  CHECK(receipt->resource_version == "17");
  CHECK(receipt->version == "v1");
  REQUIRE(receipt->bare.size() == 1);
  const auto now = [&](const char* object) { return owned_in(fields, object, receipt->bare); };
  CHECK(now(sent) == receipt->owned);
  CHECK(now(R"({"spec":{"volumes":[{"name":"data","emptyDir":{"sizeLimit":"1Gi"}}]}})") == receipt->owned);
  CHECK(now(R"({"spec":{"volumes":[{"name":"data"}]}})") != receipt->owned);
  CHECK(now(R"({"spec":{"volumes":[{"name":"data","emptyDir":null}]}})") != receipt->owned);
  // Applied with content, it counts whole.
  const char* more = R"({"spec":{"volumes":[{"name":"data","emptyDir":{"medium":"Memory"}}]}})";
  const auto whole = digests().receipt(managed(fields, more), parse_json(more));
  REQUIRE(whole);
  CHECK(whole->bare.empty());
  CHECK(whole->owned != receipt->owned);
}

TEST_CASE("a manager's fields may leave our entry, and nothing else") {
  Ignored ignored;
  ignored.managers = {"scaler"};
  const Value sent = parse_json(R"({"spec":{"replicas":2,"a":"1","b":"2"}})");
  const auto receipt = digests().receipt(
      managed(R"({"f:spec":{"f:replicas":{},"f:a":{},"f:b":{}}})", to_json(sent).c_str()), sent, ignored);
  REQUIRE(receipt);
  const auto yielded = [&](const char* ours, const char* manager, const char* theirs, const char* object) {
    Value live = managed(ours, object);
    Value entry = Value::object({{"manager", manager}, {"operation", "Update"}});
    entry.set("fieldsV1", parse_json(theirs));
    live.as_object().at("metadata").as_object().at("managedFields").push(entry);
    return digests().only_yielded(live, *receipt, ignored);
  };
  const char* rest = R"({"f:spec":{"f:a":{},"f:b":{}}})";
  const char* replicas = R"({"f:spec":{"f:replicas":{}}})";
  const char* seven = R"({"spec":{"replicas":7,"a":"1","b":"2"}})";
  CHECK(yielded(rest, "scaler", replicas, seven));
  CHECK_FALSE(yielded(rest, "other", replicas, seven));
  CHECK_FALSE(yielded(rest, "scaler", R"({"f:spec":{"f:theirs":{}}})", seven));
  CHECK_FALSE(yielded(R"({"f:spec":{"f:a":{}}})", "scaler", replicas, seven));
  CHECK_FALSE(yielded(R"({"f:spec":{"f:a":{},"f:b":{},"f:c":{}}})", "scaler", replicas, seven));
  CHECK_FALSE(yielded(rest, "scaler", replicas, R"({"spec":{"replicas":7,"a":"1","b":"by hand"}})"));
}

TEST_CASE("a receipt remembers so many empty mappings and stays small; the values of the others count") {
  std::string fields = R"({"f:spec":{)", sent = R"({"spec":{)";
  for (int i = 0; i < 100; ++i) {
    fields += (i ? "," : "") + std::string("\"f:m") + std::to_string(i) + "\":{}";
    sent += (i ? "," : "") + std::string("\"m") + std::to_string(i) + "\":{}";
  }
  fields += "}}";
  sent += "}}";
  const auto receipt = digests().receipt(managed(fields.c_str(), sent.c_str()), parse_json(sent));
  REQUIRE(receipt);
  CHECK(receipt->bare.size() == 32);
  CHECK(receipt->text().size() <= 1024);
  CHECK(owned_in(fields.c_str(), sent.c_str(), receipt->bare) == receipt->owned);
}

TEST_CASE("without an entry of ours there is no receipt") {
  CHECK_FALSE(digests().receipt(parse_json(R"({"metadata":{"uid":"u"}})"), Value::object()));
  CHECK_FALSE(
      digests().receipt(parse_json(R"({"metadata":{"uid":"u","managedFields":[{}]}})"), Value::object()));
  CHECK_FALSE(digests().receipt(Value::object(), Value::object()));
}

}  // namespace gitopsd::kubernetes
