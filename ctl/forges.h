// What to do at a forge so that it sends its pushes here.
#pragma once

#include <string>
#include <vector>

namespace gitopsd::ctl {

/// A new secret in the form that the forge's proof wants: 32 random bytes.
std::string new_secret(const std::string& forge);

/// What to click, a step a line. `secret` is shown where it has to be entered.
std::vector<std::string> forge_steps(const std::string& forge, const std::string& url,
                                     const std::string& secret);

}  // namespace gitopsd::ctl
