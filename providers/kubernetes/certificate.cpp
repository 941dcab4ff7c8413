#include "providers/kubernetes/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <limits>
#include <memory>

#include "base/clock.h"

namespace gitopsd::kubernetes {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string name_text(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()), &BIO_free);
  if (!out) return {};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::optional<WallMicros> micros_of(const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return std::nullopt;
  return static_cast<WallMicros>(timegm(&broken)) * 1'000'000;
}

/// To the second: a certificate has no finer time.
std::string day_and_time(WallMicros wall) {
  return rfc3339(wall).substr(0, 19) + "Z";
}

/// Of an encrypted key: there is nobody to ask.
int no_password(char*, int, int, void*) {
  return -1;
}

/// The reader came to the end of the text, or to a block that it could not read.
bool ended_well() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

}  // namespace

std::string subject_of(const X509* certificate) {
  return name_text(X509_get_subject_name(certificate));
}

std::string issuer_of(const X509* certificate) {
  return name_text(X509_get_issuer_name(certificate));
}

std::optional<std::string> date_problem(const X509* certificate, WallMicros now) {
  const auto from = micros_of(X509_get0_notBefore(certificate));
  const auto until = micros_of(X509_get0_notAfter(certificate));
  const std::string name = "the certificate of '" + subject_of(certificate) + "'";
  if (!from || !until) return name + " has no readable dates";
  if (now > *until) return name + " expired at " + day_and_time(*until);
  if (now < *from) return name + " is not valid before " + day_and_time(*from);
  return std::nullopt;
}

std::optional<std::string> certificate_problem(std::string_view pem, WallMicros wall_now) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return "the PEM text is too large";
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  if (!in) return "there is no memory to read certificates";
  ERR_clear_error();
  int count = 0;
  while (true) {
    const Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free);
    if (!certificate) break;
    ++count;
    if (auto fault = date_problem(certificate.get(), wall_now)) return fault;
  }
  if (!ended_well()) return "certificate " + std::to_string(count + 1) + " of the PEM text cannot be read";
  if (count == 0) return "the text holds no certificate in PEM form";
  return std::nullopt;
}

bool is_encrypted_key(std::string_view pem) {
  return pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != pem.npos ||
         pem.find("Proc-Type: 4,ENCRYPTED") != pem.npos;
}

std::optional<std::string> key_problem(std::string_view certificate_pem, std::string_view key_pem) {
  const Bio certificates(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())),
                         &BIO_free);
  const Bio keys(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), &BIO_free);
  if (!certificates || !keys) return "there is no memory to read certificates";
  const Certificate certificate(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr), &X509_free);
  const Key key(PEM_read_bio_PrivateKey(keys.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
  const bool fits = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (fits) return std::nullopt;
  if (!certificate) return "the certificate is no PEM text that can be read";
  if (!key) return "the key is no unencrypted PEM text that can be read";
  return "the key does not belong to the certificate of '" + subject_of(certificate.get()) + "'";
}

}  // namespace gitopsd::kubernetes
