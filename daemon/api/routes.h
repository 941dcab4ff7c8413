// What each route does. Handlers run on a thread of a pool, so they may block; they throw Failure.
#pragma once

#include "daemon/api/context.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

// routes_status.cpp
Reply version(const Context&, const Request&);
Reply status(const Context&, const Request&);

// routes_events.cpp
Reply events(const Context&, const Request&);
Reply event(const Context&, const Request&);
Reply sync(const Context&, const Request&);
Reply replay_event(const Context&, const Request&);
Reply replay_failed(const Context&, const Request&);

// routes_applications.cpp
Reply application(const Context&, const Request&);
Reply application_syncs(const Context&, const Request&);
Reply application_inventory(const Context&, const Request&);
Reply plan_application(const Context&, const Request&);
Reply sync_application(const Context&, const Request&);
Reply approve_application(const Context&, const Request&);
Reply reject_application(const Context&, const Request&);
Reply rollback_application(const Context&, const Request&);
Reply resume_application(const Context&, const Request&);
Reply delete_application(const Context&, const Request&);
Reply forget_application(const Context&, const Request&);

// routes_sources.cpp
Reply hooks(const Context&, const Request&);
Reply repositories(const Context&, const Request&);
Reply destinations(const Context&, const Request&);
Reply accept_destination(const Context&, const Request&);

// routes_audit.cpp
Reply audit(const Context&, const Request&);
Reply verify_audit(const Context&, const Request&);

// routes_progress.cpp
Reply progress(const Context&, const Request&);

// What several of them read from a request.
EventId event_id(const Request&);
int limit(const Request&, int fallback, int most);

}  // namespace gitopsd::api
