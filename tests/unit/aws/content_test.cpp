#include "providers/aws/content.h"

#include <doctest/doctest.h>

#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "providers/aws/content_look.h"
#include "providers/aws/s3.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

struct ReadContent {
  std::optional<Content> content;
  std::vector<protocol::WireProblem> problems;
};

ReadContent read_site(const std::string& spec, std::vector<protocol::DocumentBlob> blobs = {}) {
  ReadContent out;
  const protocol::Document document{
      "d",
      parse_json(
          R"({"apiVersion": "aws.gitopsd.io/v1", "kind": "BucketContent", "metadata": {"name": "site"}, "spec": )" +
          spec + "}"),
      std::move(blobs)};
  out.content = read_content(document, Value(), out.problems);
  return out;
}

std::vector<std::string> pointers_of(const ReadContent& read) {
  std::vector<std::string> out;
  for (const auto& problem : read.problems) out.push_back(problem.pointer);
  return out;
}

std::string header(const WantedObject& object, const std::string& name) {
  for (const auto& [key, value] : object.headers)
    if (key == name) return value;
  return "";
}

const std::vector<protocol::DocumentBlob> kSite{{"site/index.html", {"d1", 10}},
                                                {"site/app.js", {"d2", 20}},
                                                {"site/img/logo \xc3\xbc+.png", {"d3", 30}},
                                                {"site/drafts/x.html", {"d4", 40}}};
const protocol::Owner kOwner{"inst", "web"};

Known known_to_be(const WantedObject& object, const std::string& owner = "inst/web") {
  return {object.blob.digest, object.facts, owner, "\"e\"", object.blob.size, 100, false};
}

KnownObjects all_of(const Content& content) {
  KnownObjects out;
  for (const auto& [key, object] : content.objects) out.emplace(key, known_to_be(object));
  return out;
}

}  // namespace

TEST_CASE("each file of the folder is an object beneath the prefix") {
  const auto got =
      read_site(R"({"bucket": "my-site", "prefix": "v2/", "folder": "site", "exclude": ["drafts/*"],
      "cacheControl": {"*": "max-age=60", "*.js": "max-age=31536000"}, "contentTypes": {"img/*": "image/x"}})",
                kSite);
  REQUIRE(got.content);
  CHECK(id_of(*got.content).str() == "bucket/my-site/v2");
  CHECK(got.content->complete);
  const auto& objects = got.content->objects;
  REQUIRE(objects.size() == 3);
  CHECK(header(objects.at("v2/index.html"), "Content-Type") == "text/html");
  CHECK(header(objects.at("v2/index.html"), "Cache-Control") == "max-age=60");
  CHECK(header(objects.at("v2/app.js"), "Cache-Control") == "max-age=31536000");
  CHECK(header(objects.at("v2/img/logo \xc3\xbc+.png"), "Content-Type") == "image/x");
  CHECK(objects.at("v2/index.html").facts != objects.at("v2/app.js").facts);
}

TEST_CASE("an empty text leaves a header out, and the type to the extension") {
  const auto with = [](const std::string& more) {
    return *read_site(R"({"bucket": "my-site", "folder": "site")" + more + "}", kSite).content;
  };
  const auto got = with(R"(, "cacheControl": {"*": "max-age=60", "*.js": ""}, "contentTypes": {"*.js": ""})");
  const auto& script = got.objects.at("app.js");
  CHECK(script.headers == with("").objects.at("app.js").headers);
  CHECK(script.facts == with("").objects.at("app.js").facts);
  CHECK(header(got.objects.at("index.html"), "Cache-Control") == "max-age=60");
}

TEST_CASE("an id says where its content is") {
  CHECK(place_of(ResourceId("bucket/b")).prefix.empty());
  CHECK(place_of(ResourceId("bucket/b/x/y")).prefix == "x/y/");
  CHECK(place_of(ResourceId("bucket/b/x/y")).bucket == "b");
}

TEST_CASE("everything that is wrong with a content is told") {
  CHECK(pointers_of(
            read_site(R"({"bucket": "B", "folder": "", "prefix": "a//b", "delete": "yes", "encryption": "x",
      "kmsKey": "k", "contentTypes": [], "cacheControl": 1, "exclude": "x", "more": 1})")) ==
        std::vector<std::string>{"/spec/more", "/spec/bucket", "/spec/prefix", "/spec/contentTypes",
                                 "/spec/cacheControl", "/spec/exclude", "/spec/encryption", "/spec/kmsKey",
                                 "/spec/delete", "/spec/folder"});
  CHECK(pointers_of(read_site(R"({"bucket": "b-b", "folder": "f", "prefix": "a/../b"})")) ==
        std::vector<std::string>{"/spec/prefix"});
  CHECK(pointers_of(read_site(R"({"bucket": "b-b", "folder": "site/index.html"})", kSite)) ==
        std::vector<std::string>{"/spec/folder"});
  CHECK(pointers_of(read_site(R"({"bucket": "b-b", "folder": "site", "exclude": ["*"]})", kSite)) ==
        std::vector<std::string>{"/spec/exclude"});
  CHECK(pointers_of(read_site(R"({"bucket": "b-b", "folder": "site", "cacheControl": "a\r\nb: c"})",
                              kSite)) == std::vector<std::string>{"/spec/cacheControl"});
  CHECK(pointers_of(
            read_site(R"({"bucket": "b-b", "folder": "f"})", {{"f/" + std::string(1025, 'x'), {"d", 1}}})) ==
        std::vector<std::string>{"/spec/folder"});
}

TEST_CASE("contents that hold the same keys are a problem") {
  const auto at = [](const std::string& bucket, const std::string& prefix) {
    return *read_site(R"({"bucket": ")" + bucket + R"(", "folder": "f", "prefix": ")" + prefix + R"("})")
                .content;
  };
  const auto count = [](const std::vector<Content>& all) {
    std::vector<protocol::WireProblem> problems;
    find_overlaps(all, problems);
    return problems.size();
  };
  CHECK(count({at("b-b", ""), at("b-b", "x")}) == 1);
  CHECK(count({at("b-b", "x/y"), at("b-b", "x")}) == 1);
  CHECK(count({at("b-b", "xy"), at("b-b", "x")}) == 0);
  CHECK(count({at("b-b", "x"), at("c-c", "x")}) == 0);
}

TEST_CASE("what the policy does not name gets no content") {
  std::vector<protocol::WireProblem> problems;
  const auto policy = Policy::parse(
      parse_json(R"({"buckets": ["site/docs*", "all"], "exclusive": ["site/docs"]})"), problems);
  CHECK(problems.empty());
  CHECK(policy.allows_content("site", "docs/"));
  CHECK(policy.allows_content("site", "docs/v2/"));
  CHECK(policy.allows_content("all", ""));
  CHECK_FALSE(policy.allows_content("site", ""));
  CHECK(policy.allows_content("all", "x/"));
  CHECK_FALSE(policy.allows_content("allow", "x/"));
  CHECK(policy.allows_emptying("site", "docs/"));
  CHECK(policy.allows_emptying("site", "docs/v2/"));
  CHECK_FALSE(policy.allows_emptying("site", "docs2/"));
  CHECK_FALSE(policy.allows_emptying("site", ""));
  CHECK_FALSE(policy.allows_emptying("all", "x/"));
  const auto got = read_site(R"({"bucket": "other", "folder": "f", "delete": "all"})");
  CHECK(breaches(policy, *got.content).size() == 2);
}

TEST_CASE("what has to be done is what differs") {
  const auto content = *read_site(R"({"bucket": "b-b", "folder": "site"})", kSite).content;
  const auto marks = marks_of(kOwner, "");
  auto there = all_of(content);
  CHECK(difference(there, &content, Extra::owned, marks).empty());
  CHECK(difference({}, &content, Extra::owned, marks).add.size() == 4);

  there["app.js"].digest = "other";
  there["index.html"].facts = "other";
  there.erase("drafts/x.html");
  there["old.html"] = known_to_be(content.objects.at("index.html"));
  there["foreign.html"] = known_to_be(content.objects.at("index.html"), "inst/other");
  there["by-hand.html"] = known_to_be(content.objects.at("index.html"), "");
  auto todo = difference(there, &content, Extra::owned, marks);
  CHECK(todo.add == std::vector<std::string>{"drafts/x.html"});
  CHECK(todo.change == std::vector<std::string>{"app.js", "index.html"});
  CHECK(todo.remove == std::vector<std::string>{"old.html"});
  CHECK(todo.others_removed == 0);
  CHECK(todo.summary() == "1 to add, 2 to change, 1 to delete, 1 as they are");
  CHECK(todo.text() == "+ drafts/x.html\n~ app.js\n~ index.html\n- old.html\n");
  todo = difference(there, &content, Extra::all, marks);
  CHECK(todo.remove == std::vector<std::string>{"by-hand.html", "old.html"});
  CHECK(todo.others_removed == 1);
  CHECK(difference(there, &content, Extra::keep, marks).remove.empty());
}

TEST_CASE("what belongs to others is in the way, and what was handed over is taken") {
  const auto content = *read_site(R"({"bucket": "b-b", "folder": "site"})", kSite).content;
  auto there = all_of(content);
  for (auto& [key, object] : there) object.owner = "inst/before";
  CHECK(difference(there, &content, Extra::owned, marks_of(kOwner, "")).of_others.size() == 4);
  CHECK(difference(there, &content, Extra::owned, marks_of(kOwner, "before")).take.size() == 4);
  for (auto& [key, object] : there) object.owner = "";
  CHECK(difference(there, &content, Extra::owned, marks_of(kOwner, "")).take.size() == 4);
}

TEST_CASE("a list tells whether somebody wrote an object") {
  const Known sent{"d", "f", "o", "\"e\"", 3, 1000, false};
  CHECK(is_untouched(sent, {"k", "\"e\"", 3, 1001}));
  CHECK_FALSE(is_untouched(sent, {"k", "\"f\"", 3, 1000}));
  CHECK_FALSE(is_untouched(sent, {"k", "\"e\"", 3, 1060}));
  CHECK_FALSE(is_untouched({"d", "f", "o", "", 3, 1000, false}, {"k", "", 3, 1000}));
}

TEST_CASE("the ledger knows after a restart what it was told, and not what was only begun") {
  const TemporaryFolder folder("/tmp/gitopsd-ledger-");
  const std::string path = folder.path() + "/l";
  const Known one{"d1", "f1", "inst/web", "\"e1\"", 3, 1000, false},
      two{"d2", "f2", "", "\"e2-2\"", 30, 2000, true};
  std::uint64_t at = 0;
  {
    Ledger ledger(path);
    ledger.learn({{"a \xc3\xbc", one}, {"b", two}, {"c", one}});
    ledger.learn({{"c", std::nullopt}});
    ledger.begin({"d"}, "inst/web");
    at = ledger.at();
  }
  {
    std::ofstream(path, std::ios::app) << "{\"at\": 99, \"news\": [[\"b\"";  // a crash in the midst of a line
    Ledger ledger(path);
    const auto objects = *ledger.objects();
    CHECK(objects.size() == 3);
    CHECK(objects.at("a \xc3\xbc") == one);
    CHECK(objects.at("b") == two);
    CHECK(objects.at("d") == Known{"", "", "inst/web", "", 0, 0, false});
    CHECK(ledger.at() == at);
    ledger.confirm(at + 10);
    CHECK(ledger.at() >= at + 10);
  }
  CHECK(Ledger(path).at() >= at + 10);
  std::ofstream(path, std::ios::app) << "no JSON at all\n";
  CHECK(Ledger(path).objects()->empty());
  CHECK(Ledger(path).at() == 0);
}

TEST_CASE("the ledgers know after a restart whose the contents are, until there is nothing to know of one") {
  const TemporaryFolder folder("/tmp/gitopsd-ledger-");
  const gitopsd::ResourceId site("bucket/site"), docs("bucket/site/docs"), taken("bucket/taken");
  {
    Ledgers ledgers(folder.path());
    ledgers.of(site)->begin({"a"}, "inst/web");
    ledgers.of(site)->begin({"b"}, "inst/shop");  // handed over
    ledgers.of(docs)->begin({"a"}, "inst/web");
    ledgers.of(docs)->clear();
    ledgers.of(taken)->learn({{"a", Known{"d", "f", "inst/web", "e", 1, 1, false}}});
  }
  std::ofstream(folder.path() + "/old.jsonl") << "{\"at\": 1, \"news\": [[\"content\"]]}\n";
  Ledgers ledgers(folder.path());
  const auto all = ledgers.all();
  REQUIRE(all.size() == 2);
  CHECK(all.at(site)->owner() == "inst/shop");
  CHECK(all.at(taken)->owner() == "inst/web");
  for (int i = 0; i < 2500; ++i) all.at(site)->learn({{"a", std::nullopt}});  // the file is written anew
  CHECK(Ledgers(folder.path()).all().at(site)->owner() == "inst/shop");
}

TEST_CASE("the ledger's file does not grow for ever") {
  const TemporaryFolder folder("/tmp/gitopsd-ledger-");
  const std::string path = folder.path() + "/l";
  Ledger ledger(path);
  for (int i = 0; i < 5000; ++i) ledger.learn({{"key", Known{std::to_string(i), "", "", "e", 1, 1, false}}});
  CHECK(read_file(path).size() < 500'000);
  CHECK(Ledger(path).objects()->at("key").digest == "4999");
  CHECK(Ledger(path).at() == 5000);
}

TEST_CASE("a receipt comes back as it was") {
  const auto again = ContentReceipt::parse(ContentReceipt{17, Extra::all}.text());
  REQUIRE(again);
  CHECK(again->at == 17);
  CHECK(again->extra == Extra::all);
  CHECK_FALSE(ContentReceipt::parse("nonsense"));
}

TEST_CASE("content types by extension") {
  CHECK(content_type_of("a/b.html") == "text/html");
  CHECK(content_type_of("a/b.HTML") == "text/html");
  CHECK(content_type_of("x.woff2") == "font/woff2");
  CHECK(content_type_of("x.tar.gz") == "application/gzip");
  CHECK(content_type_of("a.html/b") == "application/octet-stream");
  CHECK(content_type_of(".html") == "text/html");
  CHECK(content_type_of("x.aac") == "audio/aac");
  CHECK(content_type_of("x.zip") == "application/zip");
}

TEST_CASE("the longest glob decides") {
  const Globs globs{{"*", "1"}, {"*.js", "2"}, {"assets/*", "3"}, {"assets/*.js", "4"}};
  CHECK(*longest_fit(globs, "x.html") == "1");
  CHECK(*longest_fit(globs, "a/x.js") == "2");
  CHECK(*longest_fit(globs, "assets/a/b.css") == "3");
  CHECK(*longest_fit(globs, "assets/a/b.js") == "4");
  CHECK(longest_fit({{"*.js", "2"}}, "x.css") == nullptr);
}
