#include "providers/kubernetes/server_certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "providers/kubernetes/certificate.h"

namespace gitopsd::kubernetes {
namespace {

/// Where a context keeps the text that the refusal goes to.
int fault_index() {
  static const int index = ::SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string fault_at(X509_STORE_CTX* chain) {
  const int error = ::X509_STORE_CTX_get_error(chain);
  const X509* certificate = ::X509_STORE_CTX_get_current_cert(chain);
  const std::string why = ::X509_verify_cert_error_string(error);
  if (certificate == nullptr) return "its certificate is not trusted: " + why;
  if (const auto dates = date_problem(certificate, system_clock().wall())) return *dates;
  return "the certificate of '" + subject_of(certificate) + "', which '" + issuer_of(certificate) +
         "' signed, is not trusted: " + why;
}

int verified(int good, X509_STORE_CTX* chain) {
  if (good == 1) return good;
  const auto* ssl =
      static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(chain, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* fault = ssl == nullptr
                    ? nullptr
                    : static_cast<std::string*>(::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(ssl), fault_index()));
  if (fault != nullptr) *fault = fault_at(chain);
  return good;
}

CURLcode watch_verification(CURL*, void* context, void* fault) {
  auto* tls = static_cast<SSL_CTX*>(context);
  ::SSL_CTX_set_ex_data(tls, fault_index(), fault);
  ::SSL_CTX_set_verify(tls, ::SSL_CTX_get_verify_mode(tls), &verified);
  return CURLE_OK;
}

}  // namespace

CURLcode explain_certificate(CURL* easy, std::string& fault) {
  if (const CURLcode code = ::curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &fault); code != CURLE_OK)
    return code;
  return ::curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &watch_verification);
}

}  // namespace gitopsd::kubernetes
