// GitHub and GitHub Enterprise Server; Gitea and Forgejo, which send GitHub's headers too.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
#pragma once

#include "handlers/handler.h"

namespace gitopsd::handlers {

const Handler& github();

}  // namespace gitopsd::handlers
