// Errors as the API tells them.
#pragma once

#include <exception>
#include <string>

#include "base/problem.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

/// An error whose HTTP status is known where it is found.
class Refusal : public Failure {
 public:
  Refusal(unsigned status, ProblemCause cause, std::string message, std::string hint = {});
  unsigned status() const { return status_; }

 private:
  unsigned status_;
};

Refusal bad_request(std::string message, std::string hint = {});
Refusal not_found(std::string message, std::string hint = {});
/// "did you mean 'X'?", or empty when nothing is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// The answer for an exception; one that is no Failure is a fault of ours, logged, and its text kept from the
/// caller.
Reply error_reply(const std::exception_ptr& error);

}  // namespace gitopsd::api
