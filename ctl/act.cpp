// What an operator starts.
#include <algorithm>
#include <charconv>

#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

std::string path_of(const std::string& application, std::string_view action) {
  return "/v1/applications/" + percent_encoded(application) + "/" + std::string(action);
}

Exit act(const Session& session, const std::string& application, std::string_view action, const Value& body,
         bool wait) {
  const auto answer = session.client.post(path_of(application, action), body);
  return follow_event(session, answer.get_int("event"), wait);
}

constexpr std::size_t kLeastDigits = 7;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// A full commit from one that is cut short as the tables show it: the history knows which were applied, the
// daemon the others of the repository.
std::string full_commit(const Session& session, const std::string& application, std::string given) {
  std::transform(given.begin(), given.end(), given.begin(), lower);
  if (given.empty() || CommitId::parse(given)) return given;
  const auto answer = session.client.get(target(path_of(application, "syncs"), {{"limit", "500"}}));
  std::vector<std::string> found;
  for (const auto& sync : answer.get_array("syncs")) {
    auto revision = text_of(sync, "revision");
    if (revision.starts_with(given)) found.push_back(std::move(revision));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (found.size() == 1) return found.front();
  if (found.empty() && given.size() >= kLeastDigits) return given;
  throw UsageError("'" + safe(given) + "' " +
                   (found.empty() ? "begins no revision" : "begins several revisions") +
                   " in the history of " + safe(application) + "; give the full commit, or more of it");
}

// The body that names the sync somebody looked at.
Value held_sync(const std::string& number) {
  Value body = Value::object();
  if (number.empty()) return body;
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  if (error != std::errc() || end != number.data() + number.size() || id < 1) {
    throw UsageError("--sync takes the number of a sync, as gitopsctl status APPLICATION shows it");
  }
  body.set("sync", id);
  return body;
}

}  // namespace

Exit sync(const Session& session, const std::string& application, bool wait) {
  return act(session, application, "sync", Value::object(), wait);
}

Exit rollback(const Session& session, const std::string& application, const std::string& to, bool wait) {
  Value body = Value::object();
  const auto wanted = full_commit(session, application, to);
  if (!wanted.empty()) body.set("to", wanted);
  const auto answer = session.client.post(path_of(application, "rollback"), body);
  const bool other = !text_of(answer, "revision").starts_with(wanted);
  if (!session.json) {
    session.line(safe(application) + " goes back to " + commit_of(answer, "revision") +
                 (other ? ", which was in force at " + safe(wanted.substr(0, 10)) : ""));
  }
  return follow_event(session, answer.get_int("event"), wait);
}

Exit delete_application(const Session& session, const std::string& application, bool cascade, bool wait) {
  if (!cascade) {
    throw UsageError("delete removes everything that " + safe(application) + " owns; say so with --cascade");
  }
  return act(session, application, "delete", Value::object({{"cascade", true}}), wait);
}

Exit forget(const Session& session, const std::string& application) {
  const auto answer = session.client.post(path_of(application, "forget"));
  if (session.json) return session.print_json(answer), Exit::ok;
  const auto count = answer.get_int("resources");
  session.line("forgot " + safe(application) + "; what it owned, " + std::to_string(count) +
               (count == 1 ? " resource" : " resources") + ", stays at destination " +
               safe(text_of(answer, "destination")) + " and is nobody's");
  return Exit::ok;
}

Exit approve(const Session& session, const std::string& application, const std::string& sync, bool wait) {
  const auto answer = session.client.post(path_of(application, "approve"), held_sync(sync));
  auto id = number_of(answer, "sync");
  if (!session.json) session.line("approved sync " + id);
  const Exit exit = wait ? follow_approved(session, application, id) : Exit::ok;
  if (session.json) session.print_json(wait ? session.client.get("/v1/syncs/" + id) : answer);
  return exit;
}

Exit reject(const Session& session, const std::string& application, const std::string& sync) {
  const auto answer = session.client.post(path_of(application, "reject"), held_sync(sync));
  if (session.json) return session.print_json(answer), Exit::ok;
  session.line("rejected sync " + number_of(answer, "sync") + "; " + safe(application) +
               " stays at what is in force");
  return Exit::ok;
}

Exit resume(const Session& session, const std::string& application) {
  const auto answer = session.client.post(path_of(application, "resume"));
  if (session.json) return session.print_json(answer), Exit::ok;
  session.line(safe(application) + " follows its ref again, and its drift is put back at once");
  return Exit::ok;
}

Exit accept_destination(const Session& session, const std::string& destination, const std::string& identity) {
  Value body = Value::object();
  if (!identity.empty()) body.set("identity", identity);
  const auto answer =
      session.client.post("/v1/destinations/" + percent_encoded(destination) + "/accept", body);
  if (session.json) return session.print_json(answer), Exit::ok;
  session.line(safe(destination) +
               " is from now on the one that it is now; everything there is compared anew");
  return Exit::ok;
}

}  // namespace gitopsd::ctl
