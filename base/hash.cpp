#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>
#include <stdexcept>

namespace gitopsd {
namespace {

[[noreturn]] void broken() {
  throw std::runtime_error("OpenSSL has no SHA-256: is its default provider loaded?");
}

const unsigned char* raw(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

// Looked up once: EVP_sha256() would be fetched anew by each use.
EVP_MD* sha256_algorithm() {
  static EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (!md) broken();
  return md;
}

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (!mac) broken();
  return mac;
}

EVP_MAC_CTX* new_hmac() {
  EVP_MAC_CTX* mac = EVP_MAC_CTX_new(hmac_algorithm());
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  if (mac == nullptr || EVP_MAC_CTX_set_params(mac, params) != 1) broken();
  return mac;
}

}  // namespace

struct Hasher::State {
  EVP_MD_CTX* digest = nullptr;
  EVP_MAC_CTX* mac = nullptr;
  ~State() {
    EVP_MD_CTX_free(digest);
    EVP_MAC_CTX_free(mac);
  }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  state_->digest = EVP_MD_CTX_new();
  if (!state_->digest || EVP_DigestInit_ex(state_->digest, sha256_algorithm(), nullptr) != 1) broken();
}

Hasher::Hasher(std::string_view key) : state_(std::make_unique<State>()) {
  state_->mac = new_hmac();
  const unsigned char* key_bytes = key.empty() ? reinterpret_cast<const unsigned char*>("") : raw(key);
  if (EVP_MAC_init(state_->mac, key_bytes, key.size(), nullptr) != 1) broken();
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(std::string_view bytes) {
  const int ok = state_->mac ? EVP_MAC_update(state_->mac, raw(bytes), bytes.size())
                             : EVP_DigestUpdate(state_->digest, bytes.data(), bytes.size());
  if (ok != 1) broken();
  return *this;
}

Hasher& Hasher::field(std::string_view bytes) {
  char length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = static_cast<char>(static_cast<std::uint64_t>(bytes.size()) >> (56 - 8 * i));
  return update({length, 8}).update(bytes);
}

Sha256 Hasher::finish() {
  Sha256 out{};
  std::size_t size = 0;
  unsigned int digest_size = 0;
  const int ok = state_->mac ? EVP_MAC_final(state_->mac, out.data(), &size, out.size())
                             : EVP_DigestFinal_ex(state_->digest, out.data(), &digest_size);
  if (ok != 1) broken();
  return out;
}

Sha256 sha256(std::string_view bytes) {
  return Hasher().update(bytes).finish();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  // A context that knows its digest takes a new key in a third of the time that a new context takes.
  thread_local const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> mac(new_hmac(),
                                                                                   EVP_MAC_CTX_free);
  // A null key would mean the one before.
  const unsigned char* key_bytes = key.empty() ? reinterpret_cast<const unsigned char*>("") : raw(key);
  Sha256 out{};
  std::size_t size = 0;
  if (EVP_MAC_init(mac.get(), key_bytes, key.size(), nullptr) != 1 ||
      EVP_MAC_update(mac.get(), raw(bytes), bytes.size()) != 1 ||
      EVP_MAC_final(mac.get(), out.data(), &size, out.size()) != 1)
    broken();
  return out;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto b : bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // one more for the NUL that EVP_EncodeBlock writes
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(bytes),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  // EVP_DecodeBlock trims white space and counts padding as bytes: both are settled here.
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const bool ok =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (!ok) return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  if (text.empty()) return out;
  const int n =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(text), static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("OpenSSL has no random bytes");
  }
  return out;
}

std::string random_uuid() {
  std::string b = random_bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  std::string hex = to_hex({reinterpret_cast<const std::uint8_t*>(b.data()), b.size()});
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, "-");
  return hex;
}

}  // namespace gitopsd
