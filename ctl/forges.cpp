#include "ctl/forges.h"

#include "base/hash.h"

namespace gitopsd::ctl {

std::string new_secret(const std::string& forge) {
  const auto bytes = random_bytes(32);
  // A signing token carries its key in base64 (Standard Webhooks); as a plain secret token it is as good as
  // any.
  if (forge == "gitlab") return "whsec_" + to_base64(bytes);
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::vector<std::string> forge_steps(const std::string& forge, const std::string& url,
                                     const std::string& secret) {
  if (forge == "github") {
    return {"Open the repository (or the organization) on GitHub: Settings > Webhooks > Add webhook",
            "Payload URL:    " + url,
            "Content type:   application/json",
            "Secret:         " + secret,
            "SSL:            Enable SSL verification",
            "Events:         Just the push event",
            "Add webhook. GitHub sends a ping at once; Recent Deliveries shows it with status 200."};
  }
  if (forge == "gitlab") {
    const std::string older =
        "                (an older GitLab has only Secret token: enter it there; the body is then not "
        "signed)";
    const std::string last =
        "Add webhook, then Test > Push events; the answer is 202, or 200 with the reason why nothing is to "
        "be done.";
    return {"Open the project (or the group) on GitLab: Settings > Webhooks > Add new webhook",
            "URL:            " + url,
            "Signing token:  " + secret,
            older,
            "Trigger:        Push events, Tag push events",
            "SSL:            Enable SSL verification",
            last};
  }
  return {"Add a webhook for pushes at " + forge, "URL:            " + url, "Secret:         " + secret,
          "Content type:   application/json"};
}

}  // namespace gitopsd::ctl
