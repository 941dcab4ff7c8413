#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/host/path.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using gitopsd::host::test::Fixture;

namespace {

struct Said {
  std::string pointer, message, hint;
  ProblemCause cause;
};

std::vector<Said> said(const protocol::ResolveResult& result) {
  std::vector<Said> out;
  for (const auto& p : result.problems) out.push_back({p.pointer, p.message, p.hint, p.cause});
  return out;
}

bool has(const std::vector<Said>& all, const std::string& pointer, const std::string& text) {
  for (const auto& s : all)
    if (s.pointer == pointer && (s.message + " | " + s.hint).find(text) != std::string::npos) return true;
  return false;
}

protocol::Document parsed(const std::string& json) {
  return {"d", parse_json(json), {}};
}

}  // namespace

TEST_CASE("a policy is doubted where it names who is not here, when it is asked about by itself") {
  protocol::ResolveRequest request;
  request.policy =
      parse_json(R"({"users": ["root", "nobody-of-that-name"], "groups": ["nobody-of-that-name"]})");
  const auto result = resolve(request);
  CHECK(result.problems.empty());
  std::string told;
  for (const auto& warning : result.warnings) told += warning.pointer + " " + warning.message + "\n";
  CHECK(told ==
        "/users/1 policy: there is no user 'nobody-of-that-name' on this host\n"
        "/groups/0 policy: there is no group 'nobody-of-that-name' on this host\n"
        " policy: it names no path, so that nothing is allowed\n");
  request.policy = parse_json(R"({"paths": ["/srv"], "users": ["root", "0"]})");
  CHECK(resolve(request).warnings.empty());
  request.policy = parse_json(R"({"users": ["nobody-of-that-name"]})");
  request.documents.push_back(parsed("[]"));
  CHECK(resolve(request).warnings.empty());
}

TEST_CASE("a good document becomes a resource with a canonical id") {
  Fixture host;
  auto result =
      host.resolve({host.directory("a"), host.file("a/f", "x", Value::object({{"sensitive", true}}))});
  CHECK(result.problems.empty());
  REQUIRE(result.resources.size() == 2);
  const auto& file = result.resources[1];
  CHECK(file.id.str() == "path:" + host.at("a/f"));
  CHECK(file.kind == "File");
  CHECK(file.requires_ == std::vector{id_of(host.at("a"))});
  CHECK(file.sensitive.size() == 2);
  CHECK(result.resources[0].requires_ == std::vector{id_of(host.root)});
}

TEST_CASE("all problems of all documents are told at once, each with its pointer") {
  Fixture host;
  auto all = said(host.resolve({
      parsed(
          R"({"apiVersion":"host.gitopsd.io/v2","kind":"Fil","metadata":{"name":"","names":1},"spec":{}})"),
      parsed(R"({"apiVersion":"host.gitopsd.io/v1","kind":"File","metadata":{"name":"a"},
                 "spec":{"path":"relative","contnet":"x","content":"y","source":"z","mode":420,"owner":5,"sensitive":"yes"}})"),
      parsed(R"({"apiVersion":"host.gitopsd.io/v1","kind":"Symlink","metadata":{"name":"a"},"spec":{}})"),
      parsed(R"({"apiVersion":"host.gitopsd.io/v1","kind":"Directory","metadata":{"name":"a"},
                 "spec":{"path":"/etc/../x","purge":true,"mode":"0999"}})"),
      parsed("[]"),
  }));
  CHECK(has(all, "/apiVersion", "host.gitopsd.io/v1"));
  CHECK(has(all, "/kind", "did you mean 'File'"));
  CHECK(has(all, "/metadata/name", "is empty"));
  CHECK(has(all, "/metadata/names", "did you mean 'name'"));
  CHECK(has(all, "/spec/path", "must be absolute"));
  CHECK(has(all, "/spec/contnet", "did you mean 'content'"));
  CHECK(has(all, "/spec", "one of content"));
  CHECK(has(all, "/spec/mode", "found integer | write it in quotes"));
  CHECK(has(all, "/spec/owner", "must be a string"));
  CHECK(has(all, "/spec/sensitive", "true or false"));
  CHECK(has(all, "/spec", "'path' is missing"));
  CHECK(has(all, "/spec", "'target' is missing"));
  CHECK(has(all, "/spec/path", "has a part '..'"));
  CHECK(has(all, "/spec/purge", "not supported"));
  CHECK(has(all, "/spec/mode", "'0999' is no mode"));
  CHECK(has(all, "", "the document must be a mapping, found array"));
  for (const auto& s : all) CHECK(s.cause == ProblemCause::input);
}

TEST_CASE("what is wrong with a document says which path it would declare, where it says that itself") {
  protocol::ResolveRequest request;
  for (const auto* path : {"/srv/a", "/srv/../a"})
    request.documents.push_back(
        {path,
         parse_json(R"({"apiVersion":"host.gitopsd.io/v1","kind":"File","metadata":{"name":"a"},
                              "spec":{"contnet":"x","path":")" +
                    std::string(path) + "\"}}"),
         {}});
  const auto result = resolve(request);
  REQUIRE(result.problems.size() > 2);
  for (const auto& problem : result.problems)
    CHECK(problem.id == (problem.document == "/srv/a" ? id_of("/srv/a").str() : ""));
}

TEST_CASE("what a repository may not do is told with the offending field") {
  Fixture host;
  host.policy.set("users", Value::array().push("root"));
  auto all = said(host.resolve({
      host.document("File", Value::object({{"path", "/etc/passwd"}, {"content", ""}})),
      host.file("f", "", Value::object({{"owner", "nobody"}, {"group", "root"}})),
      host.file("g", "", Value::object({{"owner", "root"}, {"mode", "4755"}})),
      host.document("Directory", Value::object({{"path", host.root + "evil"}})),
  }));
  CHECK(all.size() == 5);
  CHECK(has(all, "/spec/path", "'/etc/passwd' is outside"));
  CHECK(has(all, "/spec/owner", "'nobody'"));
  CHECK(has(all, "/spec/group", "'root'"));
  CHECK(has(all, "/spec/mode", "setuid"));
  CHECK(has(all, "/spec/path", host.root + "evil"));
  for (const auto& s : all) CHECK(s.cause == ProblemCause::permission);
}

TEST_CASE("no policy allows nothing, and a wrong one is told") {
  Fixture host;
  host.policy = Value();
  CHECK(has(said(host.resolve({host.directory("a")})), "/spec/path", "allowed: none"));
  host.policy = parse_json(R"({"path":["/srv"],"users":"root","paths":["srv"]})");
  auto all = said(host.resolve({}));
  CHECK(has(all, "/path", "did you mean 'paths'"));
  CHECK(has(all, "/users", "'users' must be a list"));
  CHECK(has(all, "/paths", "path 'srv' must be absolute"));
}

TEST_CASE("one path twice and a path beneath a file are told") {
  Fixture host;
  auto all = said(host.resolve({host.file("a", "1"), host.symlink("a", "2"), host.file("a/b", "3")}));
  CHECK(all.size() == 2);
  CHECK(has(all, "/spec/path", "is declared twice"));
  CHECK(has(all, "/spec/path", "lies beneath"));
}

TEST_CASE("a source becomes a need until its bytes are there") {
  Fixture host;
  auto document = host.document("File", Value::object({{"path", host.at("f")}, {"source", "files/f.bin"}}));
  auto first = host.resolve({document});
  REQUIRE(first.needs.size() == 1);
  CHECK(first.needs[0].path == "files/f.bin");
  CHECK(first.needs[0].document == document.digest);
  document.blobs.push_back({"files/f.bin", host.blobs.add("bytes")});
  auto second = host.resolve({document});
  CHECK(second.needs.empty());
  CHECK(second.resources.size() == 1);
  document.blobs = {{"files/f.bin/inside", host.blobs.add("bytes")}};
  CHECK(has(said(host.resolve({document})), "/spec/source", "is a folder"));
}

TEST_CASE("options come from annotations, else from the defaults") {
  Fixture host;
  host.defaults = parse_json(R"({"prune":"confirm","drift":"report"})");
  auto document = host.file("f", "x");
  document.json.as_object()
      .at("metadata")
      .set("annotations",
           parse_json(R"({"gitopsd.io/drift":"ignore","gitopsd.io/apply":"create-only","mine":"too"})"));
  auto result = host.resolve({document});
  REQUIRE(result.resources.size() == 1);
  CHECK(result.resources[0].options.prune == protocol::Prune::confirm);
  CHECK(result.resources[0].options.drift == protocol::Drift::ignore);
  CHECK(result.resources[0].options.apply == protocol::ApplyMode::create_only);
  document.json.as_object()
      .at("metadata")
      .set("annotations", parse_json(R"({"gitopsd.io/drift":"shrug","gitopsd.io/purn":"never"})"));
  auto all = said(host.resolve({document}));
  CHECK(has(all, "/metadata/annotations/gitopsd.io~1drift", "use one of heal, report, ignore"));
  CHECK(has(all, "/metadata/annotations/gitopsd.io~1purn", "unknown annotation"));
}

TEST_CASE("paths have one spelling") {
  for (const char* bad : {"", "a", "/", "//a", "/a/", "/a//b", "/a/./b", "/a/../b", "/a\nb", "/..", "/a/.."})
    CHECK_FALSE(path_fault(bad).empty());
  CHECK_FALSE(path_fault("/" + std::string(256, 'x')).empty());
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "/a";
  CHECK_FALSE(path_fault(deep).empty());
  for (const char* good : {"/a", "/a/b", "/...", "/a b", "/.hidden", "/\xc3\xa4"})
    CHECK(path_fault(good).empty());
  CHECK(is_beneath("/a/b", "/a"));
  CHECK(is_beneath("/a", "/"));
  CHECK_FALSE(is_beneath("/ab", "/a"));
  CHECK_FALSE(is_beneath("/a", "/a"));
}
