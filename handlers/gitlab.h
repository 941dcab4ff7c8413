// GitLab: push, tag push and system hooks, proven by a signing token or a secret token.
// https://docs.gitlab.com/user/project/integrations/webhook_events/
#pragma once

#include "handlers/handler.h"

namespace gitopsd::handlers {

const Handler& gitlab();

}  // namespace gitopsd::handlers
