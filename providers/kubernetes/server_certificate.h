// Says which certificate of a server is not trusted, and why: libcurl keeps to the reason alone.
#pragma once

#include <curl/curl.h>

#include <string>

namespace gitopsd::kubernetes {

/// From now on the refusal of a certificate that this transfer's connection meets is put into `fault`: its
/// subject, its issuer, and when it expired. `fault` has to live as long as the connection.
CURLcode explain_certificate(CURL* easy, std::string& fault);

}  // namespace gitopsd::kubernetes
