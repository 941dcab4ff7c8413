#include <string>

#include "ctl/commands.h"
#include "ctl/format.h"
#include "ctl/steps.h"

namespace gitopsd::ctl {
namespace {

constexpr auto kStages = {"stored", "fetched", "rendered", "planned", "applied", "healthy"};

std::string concerns(const Value& event) {
  const auto application = text_of(event, "application");
  return application.empty() ? ref_of(event, "ref") : application;
}

// How long it took to the last stage that it reached.
std::string took(const Value& event) {
  const auto* elapsed = event.find("elapsed_ms");
  std::string last;
  if (elapsed == nullptr) return last;
  for (const auto* stage : kStages) {
    if (auto reached = milliseconds_of(*elapsed, stage); !reached.empty()) last = std::move(reached);
  }
  return last;
}

// What came right is no news any more; what tells so is the reason.
bool came_right(const Value& event) {
  return !text_of(event, "came_right").empty();
}

Cell state_of(const Value& event) {
  auto state = word_of(event, "state");
  if (came_right(event)) state.colour = Colour::yellow;
  return state;
}

std::string why(const Value& event) {
  const auto error = came_right(event) ? std::string() : text_of(event, "error");
  return first_line(error.empty() ? text_of(event, "reason") : error);
}

// A line each: all that is wrong, where the error tells it in short.
std::string all_problems(const Value& sync) {
  const auto* problems = sync.find("problems");
  std::string out;
  if (problems == nullptr || !problems->is_array()) return out;
  for (const auto& line : problems->as_array()) out += (out.empty() ? "" : "\n") + line.as_string();
  return out;
}

// "stored 0.4 ms, fetched 12 ms, ..."
std::string stages(const Value& of) {
  const auto* elapsed = of.find("elapsed_ms");
  std::string out;
  if (elapsed == nullptr) return out;
  for (const auto* stage : kStages) {
    const auto reached = milliseconds_of(*elapsed, stage);
    if (!reached.empty()) out += (out.empty() ? "" : ", ") + std::string(stage) + " " + reached;
  }
  return out;
}

void print_event(const Session& session, const Value& event) {
  Details details;
  details.add("event", number_of(event, "id"));
  details.add("state", state_of(event));
  details.add("cause", text_of(event, "cause"));
  details.add("repository", text_of(event, "repository"));
  details.add("ref", text_of(event, "ref"));
  details.add("application", text_of(event, "application"));
  details.add("before", text_of(event, "before"));
  details.add("after", event.get_bool("deleted") ? "deleted" : text_of(event, "after"));
  details.add("who", text_of(event, "actor"));
  details.add("note", text_of(event, "note"));
  const auto delivery = text_of(event, "delivery");
  details.add("delivery", delivery.empty()
                              ? ""
                              : text_of(event, "hook") + " " + delivery +
                                    (event.get_bool("body_signed") ? ", body signed" : ", body not signed"));
  details.add("received", text_of(event, "received"));
  details.add("stages", stages(event));
  if (event.get_int("attempts") > 1) details.add("attempts", number_of(event, "attempts"));
  details.add("reason", text_of(event, "reason"));
  details.add("error", Cell(text_of(event, "error"), Colour::red));
  session.terminal.write(details.str(session.terminal));
}

void print_sync(const Session& session, const Value& sync) {
  Details details;
  details.add("sync", number_of(sync, "id") + " of " + text_of(sync, "application") + " (" +
                          text_of(sync, "kind") + ")");
  details.add("state", word_of(sync, "state"));
  details.add("revision", text_of(sync, "revision"));
  details.add("resources", counts_of(sync));
  details.add("took", milliseconds_of(sync, "duration_ms"));
  details.add("approved by", text_of(sync, "approved_by"));
  details.add("reason", text_of(sync, "reason"));
  const auto all = all_problems(sync);
  details.add(all.empty() ? "error" : "all of it",
              Cell(all.empty() ? text_of(sync, "error") : all, Colour::red));
  session.terminal.write("\n" + details.str(session.terminal));
  if (const auto* steps = sync.find("steps")) session.terminal.write(steps_text(session, *steps));
}

}  // namespace

Exit events(const Session& session, const EventsOptions& options) {
  const auto now = system_clock().wall();
  const auto answer = session.client.get(
      target("/v1/events", {{"state", options.state},
                            {"repository", options.repository},
                            {"since", options.since.empty() ? "" : since(options.since, now)},
                            {"before", options.before},
                            {"limit", std::to_string(options.limit)}}));
  if (session.json) return session.print_json(answer), Exit::ok;
  Table table({">EVENT", "AGE", "STATE", "CAUSE", "REPOSITORY", "FOR", "COMMIT", "WHO", ">TOOK", "WHY"});
  for (const auto& event : answer.get_array("events")) {
    table.add({number_of(event, "id"), age_of(event, "received", now), state_of(event),
               text_of(event, "cause"), text_of(event, "repository"), concerns(event),
               event.get_bool("deleted") ? "deleted" : commit_of(event, "after"), text_of(event, "actor"),
               took(event), why(event)});
  }
  if (table.empty()) return session.line("no events"), Exit::ok;
  session.terminal.write(table.str(session.terminal));
  if (const auto next = number_of(answer, "next"); !next.empty())
    session.line("older ones: --before " + next);
  return Exit::ok;
}

Exit show(const Session& session, const std::string& event) {
  const auto answer = session.client.get("/v1/events/" + percent_encoded(event));
  if (session.json) return session.print_json(answer), Exit::ok;
  print_event(session, *answer.find("event"));
  for (const auto& sync : answer.get_array("syncs")) print_sync(session, sync);
  return Exit::ok;
}

}  // namespace gitopsd::ctl
