#include <doctest/doctest.h>

#include "base/json.h"
#include "base/yaml.h"

namespace gitopsd {
namespace {

/// The documents as JSON, a space between them; or what they are refused with.
std::string read(std::string_view text, const YamlLimits& limits = {}) {
  std::string out;
  try {
    for (const auto& d : parse_yaml(text, "f", limits)) out += (out.empty() ? "" : " ") + to_json(d);
    return out;
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::input);
    return failure.what();
  }
}

/// Anchors within anchors: each level has the one before `width` times.
std::string bomb(int levels, int width) {
  std::string text = "a0: &a0 [x]\n";
  for (int level = 1; level <= levels; ++level) {
    const std::string before = "*a" + std::to_string(level - 1);
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + before;
    for (int i = 1; i < width; ++i) text += ", " + before;
    text += "]\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every YAML node knows where it starts in the file, also in later documents") {
  const auto d = parse_yaml(
      "\xef\xbb\xbf# c\r\na: 1\r\n---\r\nb:\r\n  c: \"x\"\r\n  d: [1, {e: f}]\r\n  g: &n\r\n    h: ~\r\n",
      "f");
  REQUIRE(d.size() == 2);
  CHECK(d[0].position == Position{2, 1});
  CHECK(d[0].at_pointer("/a")->position == Position{2, 4});
  CHECK(d[1].position == Position{4, 1});
  CHECK(d[1].at_pointer("/b")->position == Position{5, 3});
  CHECK(d[1].at_pointer("/b/c")->position == Position{5, 6});
  CHECK(d[1].at_pointer("/b/d/1/e")->position == Position{6, 14});
  CHECK(d[1].at_pointer("/b/g/h")->position == Position{8, 8});
  // Columns count bytes.
  CHECK(parse_yaml("\xc3\xa4: x", "f")[0].at_pointer("/\xc3\xa4")->position == Position{1, 5});
}

TEST_CASE("a tab that indents is named as such") {
  const std::string said = "invalid YAML: a tab indents this line (YAML takes spaces alone for that)";
  CHECK(read("a: 1\n---\ndata:\n  a: 1\n\tb: 2\n") == "f:5:1: " + said);
  CHECK(read("spec:\n  ports:\n  \t- port: 80\n") == "f:3:3: " + said);
  CHECK(read("a:\n\tb: 1\n") == "f:2:1: " + said);
  // Elsewhere a tab is no fault.
  CHECK(read("a:\tb\nc: |\n  x\n  \ty\n") == R"({"a":"b","c":"x\n\ty\n"})");
  CHECK(read("c: |\n  \ty\nb: c: d\n").find("tab") == std::string::npos);
}

TEST_CASE("a refusal names the file, the line and the way out") {
  CHECK(read("a: 1\n---\nb: 1\nb: 2\n") ==
        "f:4:1: the key \"b\" stands twice in this mapping (remove one of the two)");
  CHECK(read("a: \xff") == "f:1:4: bytes that are not UTF-8 (save the file as UTF-8)");
  CHECK(read("a: b\n\x01") == "f:2:1: a control character (byte 1) (write it escaped in double quotes)");
  CHECK(read("a: \xc2\x9b") == "f:1:4: a control character beyond ASCII (write it escaped in double quotes)");
  CHECK(read(std::string_view("\xff\xfe"
                              "a\0",
                              4)) == "f:1:1: the file is UTF-16 (save it as UTF-8)");
  CHECK(read("a: .inf") == "f:1:4: JSON has no number for .inf (quote it if a string is meant)");
  CHECK(read("~: 1") == "f:1:1: a mapping key that is null (quote it if a text is meant)");
  CHECK(read("[a]: 1") == "f:1:1: a mapping key that is a collection (keys are texts)");
  CHECK(read("? {a: b}\n: 1") == "f:1:3: a mapping key that is a collection (keys are texts)");
  CHECK(read("x: &k [a]\n*k : 1") == "f:2:1: a mapping key that is a collection (keys are texts)");
  CHECK(read("a: [1,, 2]") == "f:1:7: nothing stands between two commas (write null or \"\")");
  CHECK(read("a: *gone").starts_with("f:1:4: invalid YAML: "));
  CHECK(read("a: &a [*a]") == "f:1:8: an alias inside the node that it names");
  CHECK(read("a: {b: 1").starts_with("f:1:"));
  CHECK(read("--- a: 1\n") ==
        "f:1:5: text after a document separator (--- starts a document and has to stand alone on its line)");
  CHECK(read("a: 1\n----\n").starts_with("f:2:4: text after a document separator"));
  CHECK(read("# c\n%YAML 1.1\n---\na: 1").starts_with("f:2:1: a YAML directive"));
  CHECK(read("a\n---\nb: 1\n c: 2\n").starts_with("f:4:"));
}

TEST_CASE("a quote that is never closed is refused, whatever stands before it") {
  for (const char* open : {"a: \"b\n", "a: 'b\n", "a: 'it''s\n", "a: \"b\\\"\n", "a: &x \"b\n",
                           "a: !t &x 'b\n", "a: \"b\nc: d\n", "- 'x", "a: &x # c\n  \"b\n", "\"", "'''\n"}) {
    CAPTURE(open);
    CHECK(read(open).starts_with("f:"));
  }
  CHECK(read("a: 1\nb: \"c\nd: e\n").starts_with("f:2:4: a quoted string that does not end"));
  for (const char* closed :
       {"a: \"b\"\n", "a: 'it''s'\n", "a: \"b\\\"\"\n", "a: &x \"b\"\n", "a: ''\n", "a: b'\n",
        "a: b\" # \"\n", "'a'\n", "a: |\n  \"b\n", "a: 'x'\nb: \"\n\n  y\"\n"}) {
    CAPTURE(closed);
    CHECK_FALSE(read(closed).starts_with("f:"));
  }
}

TEST_CASE("documents are split as kubectl splits them") {
  CHECK(read("") == "");
  CHECK(read("\n# c\n---\n---\n# c\n") == "");
  CHECK(read("a: 1\n---\n") == R"({"a":1})");
  CHECK(read("---\na: 1\n--- # c\nb: 2") == R"({"a":1} {"b":2})");
  CHECK(read("a: 1\n...\nb: 2\n---\nc: 3\n") == R"({"a":1} {"c":3})");
  CHECK(read("a: |\n  x\n---\nb: 1") == R"({"a":"x\n"} {"b":1})");
  CHECK(read("{\"a\":1}{\"b\":2}\n{\"c\":3}") == R"({"a":1} {"b":2} {"c":3})");
  CHECK(read("a: 1\n---\n\xef\xbb\xbf"
             "b: [c]\n") == R"({"a":1} {"b":["c"]})");
  CHECK(read("a: 1\rb: 2\r---\rc: 3") == R"({"a":1,"b":2} {"c":3})");
}

TEST_CASE("every escape is the character that it means") {
  CHECK(read(R"("\N\_\L\P\x41\xff\u00e9\U0001F600\0\a\b\e\f\n\r\t\v\ \"\\")") ==
        "\"\xc2\x85\xc2\xa0\xe2\x80\xa8\xe2\x80\xa9"
        "A\xc3\xbf\xc3\xa9\xf0\x9f\x98\x80\\u0000\\u0007\\b\\u001B\\f\\n\\r\\t\\u000B \\\"\\\\\"");
  CHECK(read("\"\xc3\xa9\\N\xc3\xa9\\_x\"") == "\"\xc3\xa9\xc2\x85\xc3\xa9\xc2\xa0x\"");
  CHECK(read(R"("\ud800")").starts_with("f:1:"));
  CHECK(read(R"("\U00110000")").starts_with("f:1:"));
  CHECK(read(R"("\y")").starts_with("f:1:"));
}

TEST_CASE("merge keys bring their members, in the order in which they stand") {
  const std::string base = "p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\nz: ";
  const auto merged = [&](const std::string& z) {
    const std::string text = read(base + z);
    const std::string head = R"({"p":{"a":1,"b":1},"q":{"b":2,"c":2},"z":)";
    return text.starts_with(head) ? text.substr(head.size(), text.size() - head.size() - 1) : text;
  };
  CHECK(merged("{<<: *p}") == R"({"a":1,"b":1})");
  CHECK(merged("{<<: *p, b: 9}") == R"({"a":1,"b":9})");
  CHECK(merged("{b: 9, <<: *p}") == R"({"a":1,"b":1})");
  CHECK(merged("{<<: [*p, *q]}") == R"({"a":1,"b":1,"c":2})");
  CHECK(merged("{<<: [*q, *p]}") == R"({"a":1,"b":2,"c":2})");
  CHECK(merged("{<<: {a: 5}, c: 6}") == R"({"a":5,"c":6})");
  CHECK(merged("{'<<': *p}") == R"({"<<":{"a":1,"b":1}})");
  CHECK(merged("[<<]") == R"(["<<"])");
  CHECK(merged("{<<: 1}") == "f:3:9: `<<` wants a mapping or a list of mappings");
  CHECK(merged("{<<: [*p, 1]}").find("`<<` wants") != std::string::npos);
  CHECK(merged("{<<: *p, b: 8, b: 9}").find("stands twice") != std::string::npos);
  CHECK(merged("{b: 8, <<: *p, b: 9}").find("stands twice") != std::string::npos);
}

TEST_CASE("aliases, anchors and nesting end at their limits") {
  CHECK(read(bomb(30, 9)).find("excessive aliasing") != std::string::npos);
  CHECK(read(bomb(3, 4)).starts_with("{"));
  CHECK(read(std::string(128, '[') + std::string(128, ']')).starts_with("["));
  CHECK(read(std::string(129, '[') + std::string(129, ']')) == "f:1:129: nested deeper than 128");
  CHECK(read(std::string(100'000, '[')).starts_with("f:1:"));
  std::string steps;
  for (int i = 0; i < 200; ++i) steps += std::string(static_cast<std::size_t>(i), ' ') + "-\n";
  CHECK(read(steps).find("nested deeper than 128") != std::string::npos);
  // An alias may not carry its own depth below another.
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  CHECK(read("a: &a " + deep + "\nb: [[*a]]\n").starts_with("{"));
  CHECK(read("a: &a " + deep + "\nb: " + std::string(40, '[') + "*a" + std::string(40, ']') + "\n") ==
        "f:2:44: nested deeper than 128");
  // Anchors around anchors keep no more than the limit says.
  std::string nest, items;
  for (int i = 0; i < 60; ++i) nest += "&n" + std::to_string(i) + " [";
  for (int i = 0; i < 1000; ++i) items += "x,";
  CHECK(read(nest + items + std::string(60, ']'), {.nodes = 20'000})
            .find("anchors name more than 20000 nodes") != std::string::npos);
}

TEST_CASE("a merge conflict and a template are told as what they are") {
  const std::string ours = "a: 1\nb:\n<<<<<<< HEAD\n  c: 1\n=======\n  c: 2\n>>>>>>> other\n";
  CHECK(read(ours) == "f:3:1: a marker of a merge conflict, <<<<<<< (resolve the conflict)");
  CHECK(read("a: |\n  <<<<<<< HEAD\nb: 1\n") == R"({"a":"<<<<<<< HEAD\n","b":1})");
  for (const auto* text : {"a: 1\nb: {{ .Values.b }}\n", "{{- if .Values.a }}\na: 1\n{{- end }}\n"}) {
    CAPTURE(text);
    CHECK(read(text).find("looks like a template") != std::string::npos);
  }
  CHECK(read("a: '{{ b }}'\nb: [1\n").find("template") == std::string::npos);
}

TEST_CASE("size and number of nodes are limited") {
  CHECK(read("a: 12345", {.bytes = 8}) == R"({"a":12345})");
  CHECK(read("a: 123456", {.bytes = 8}) == "f: larger than 8 bytes (split the file)");
  CHECK(read("[1, 2, 3]", {.nodes = 4}) == "[1,2,3]");
  CHECK(read("[1, 2, 3, 4]", {.nodes = 4}) == "f:1:11: more than 4 nodes (split the file)");
  // Over all documents of the file together.
  CHECK(read("[1]\n---\n[2]\n", {.nodes = 3}) == "f:3:2: more than 3 nodes (split the file)");
  CHECK(read("- &a [1, 2]\n- *a\n", {.nodes = 6}) == "f:2:3: more than 6 nodes (split the file)");
  CHECK(read("- &a [1, 2]\n- *a\n", {.alias_nodes = 2}).find("excessive aliasing") != std::string::npos);
}

TEST_CASE("a long document is read in time that grows with its length") {
  std::string text;
  while (text.size() < (3u << 20)) text += "- name: item\n  list: [1, two, \"three\"]\n";
  const auto d = parse_yaml(text, "f");
  REQUIRE(d.size() == 1);
  CHECK(d[0].as_array().size() > 70'000);
  CHECK(d[0].as_array().back().at_pointer("/list/2")->as_string() == "three");
}

}  // namespace gitopsd

TEST_CASE("what a YAML 1.2 reader takes for something else is told") {
  const auto otherwise = [](std::string_view text) {
    gitopsd::YamlNotes notes;
    gitopsd::parse_yaml(text, "f", {}, &notes);
    return notes.read_otherwise;
  };
  for (const auto* text : {"a: yes", "a: [On]", "n: a", "a: 2001-01-01", "a: {b: , c: d}", "1: a", "true: a",
                           "a: !!binary aGVsbG8=", "a: b\n---\nc: off", "{'<<': {a: b}}", "b: c\n<<: {b: d}",
                           "a: >\n  b\n\n   c\n", "a: >+\n  b\n\n", "a: |\n  \tb\n", "a: \"b\\/c\"",
                           "a: \"\\x7f\"", "a: \"\\x80\"", "a: 'b\n\n  '", "a: \"\\ufffe\""}) {
    CAPTURE(text);
    CHECK(otherwise(text));
  }
  for (const auto* text :
       {"a: true", "a: False", "a: 'yes'", "a: |\n  yes\n", "a: [~, null, Null, 'no']", "a:\nb:\n- \n",
        "a: 1", "a: '2001-01-01'", "a: 20010-01-01", "a: yesterday", "'1': a", "<<: {a: b}",
        "<<: {b: d}\nb: c", "a: >\n  b\n\n  c\n", "a: 'b\\/c''\n\n  d'", "a: \"b/c\"", "a: \"\\\\/c\"",
        "a: |+\n  b\\/\n\n   c\n\n", "a: &x b\nc: *x"}) {
    CAPTURE(text);
    CHECK(!otherwise(text));
  }
}
