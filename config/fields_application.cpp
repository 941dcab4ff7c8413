// What is to be where: destinations and applications.
#include "config/fields.h"

namespace gitopsd::config {
namespace {

// `ref`, `tag` and `tag_pattern` are three ways to give one thing.
Rule<Application> followed(std::string says, const Normal& normal) {
  return text(&Application::ref, std::move(says), normal);
}

struct Defaults {
  std::string prune, drift, apply;
};

Rule<Defaults> option(std::string Defaults::*member, std::string says,
                      const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(words.size());
  for (const auto& each : words) pairs.emplace_back(each, each);
  return word(member, std::move(says), std::move(pairs));
}

const Fields<Defaults>& defaults_fields() {
  static const Fields<Defaults> fields{
      {"prune",
       option(&Defaults::prune, "what happens to what is no longer declared", {"auto", "confirm", "never"})},
      {"drift", option(&Defaults::drift, "what is done with a foreign change", {"heal", "report", "ignore"})},
      {"apply", option(&Defaults::apply, "how a resource is written", {"merge", "create-only", "replace"})},
  };
  return fields;
}

// Checked here, then handed on as it is: the provider gives it to its resources.
Rule<Application> defaults() {
  const Shape shape = object_shape(defaults_fields(), "the options of resources that say nothing themselves");
  return {shape, [shape](Reader& in, const Value& value, Application& out) {
            Defaults checked;
            read_members(in, value, defaults_fields(), shape, checked, false);
            out.defaults = value;
          }};
}

std::string normal_provider(const std::string& name) {
  auto provider = normal_name(name);
  if (provider.find_first_of("._") == provider.npos) return provider;
  throw fail(ProblemCause::input, in_quotes(name) + " is no provider",
             "such as host, for gitopsd-provider-host");
}

}  // namespace

const Fields<Destination>& destination_fields() {
  static const Fields<Destination> fields{
      {"name", own_name(&Destination::name, Namespace::destination, normal_name), Need::required},
      {"provider", text(&Destination::provider, "a provider such as host", normal_provider), Need::required},
      {"command", text(&Destination::command, "the absolute path of a provider's executable", normal_file)},
      {"socket", text(&Destination::socket, "the absolute path of a provider's socket", normal_socket)},
      {"settings", opaque(&Destination::settings, "the provider's settings")},
  };
  return fields;
}

const Fields<Application>& application_fields() {
  static const Fields<Application> fields{
      {"name", own_name(&Application::name, Namespace::application, normal_name), Need::required},
      {"uid", own_name(&Application::uid, Namespace::application_uid, normal_name)},
      {"repository", reference(&Application::repository, Namespace::repository, "the name of a repository"),
       Need::required},
      {"ref", followed("a branch such as main, or a full ref", normal_ref)},
      {"tag", followed("a tag such as v1.2.3", normal_tag)},
      {"tag_pattern", followed("a pattern of tags such as v*", normal_tag_pattern)},
      {"path", text(&Application::path, "a path in the repository", normal_path)},
      {"include", list(&Application::include, "a list of globs", item("a glob such as *.yaml", normal_glob))},
      {"exclude", list(&Application::exclude, "a list of globs", item("a glob such as *.yaml", normal_glob))},
      {"bases", list(&Application::bases, "a list of names of repositories",
                     name_item<RepositoryTag>(Namespace::repository, "the name of a repository"))},
      {"kustomize", kustomize_rule()},
      {"helm", helm_rule()},
      {"substitute", substitute_rule()},
      {"destination",
       reference(&Application::destination, Namespace::destination, "the name of a destination"),
       Need::required},
      {"policy", opaque(&Application::policy, "what the application may do, in the provider's words")},
      {"defaults", defaults()},
      {"drift", word(&Application::drift, "what is done with a foreign change",
                     std::vector<std::pair<std::string, DriftPolicy>>{{"heal", DriftPolicy::heal},
                                                                      {"report", DriftPolicy::report},
                                                                      {"ignore", DriftPolicy::ignore}})},
      {"invalid", word(&Application::invalid, "what is done where some of a commit is invalid",
                       std::vector<std::pair<std::string, InvalidPolicy>>{{"refuse", InvalidPolicy::refuse},
                                                                          {"skip", InvalidPolicy::skip}})},
      {"approve", flag(&Application::approve)},
      {"suspended", flag(&Application::suspended)},
      {"check_interval", duration(&Application::check_interval, "1s", "30d")},
      {"health_timeout", duration(&Application::health_timeout, "100ms", "7d")},
  };
  return fields;
}

void check_destination(Reader& in, const Value& value, Destination& destination) {
  destination.file = in.file();
  destination.position = value.position;
  if (destination.command.empty() || destination.socket.empty()) return;
  in.problem(value.position, "command and socket exclude each other",
             "give command for a child of the daemon, socket for a provider that systemd starts");
}

void check_application(Reader& in, const Value& value, Application& application) {
  application.file = in.file();
  application.position = value.position;
  const auto& object = value.as_object();
  if (object.count("ref") + object.count("tag") + object.count("tag_pattern") > 1) {
    in.problem(value.position, "ref, tag and tag_pattern exclude each other", "give one of them");
  }
  const bool files = object.count("include") + object.count("exclude") > 0;
  if (files + object.count("kustomize") + object.count("helm") > 1) {
    in.problem(value.position, "kustomize, helm, and include with exclude, exclude each other",
               "give one of them, or none: what the path holds then decides");
  }
  if (application.uid.empty() && !application.name.empty()) {
    application.uid = ApplicationUid(application.name.str());
    in.declare(Namespace::application_uid, application.name.str(), value.position);
  }
}

}  // namespace gitopsd::config
