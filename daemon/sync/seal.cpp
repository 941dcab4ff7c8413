#include "daemon/sync/seal.h"

#include <openssl/evp.h>

#include <memory>

#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::sync {
namespace {

constexpr std::string_view kMagic = "gitopsd-sealed-1\n";
constexpr std::size_t kNonce = 12, kTag = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes(std::string& s) {
  return reinterpret_cast<unsigned char*>(s.data());
}

Sha256 derived_key(std::string_view store_key) {
  return hmac_sha256(store_key, "document sealing");
}

}  // namespace

std::string seal(std::string_view store_key, std::string_view plain) {
  Sha256 key = derived_key(store_key);
  const std::string nonce = random_bytes(kNonce);
  std::string out(plain.size(), '\0');
  std::string tag(kTag, '\0');
  int n = 0;
  Context ctx(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const bool ok =
      ctx && EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(ctx.get(), bytes(out), &n, bytes(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(ctx.get(), nullptr, &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1;
  wipe(key.data(), key.size());
  if (!ok) throw fail(ProblemCause::internal, "could not seal a document");
  return std::string(kMagic) + nonce + tag + out;
}

bool is_sealed(std::string_view s) {
  return s.substr(0, kMagic.size()) == kMagic;
}

std::string unseal(std::string_view store_key, std::string_view sealed) {
  const auto refuse = [] {
    return fail(ProblemCause::internal, "a stored document does not open under this store's key",
                "was store.key replaced? restore it beside the database it belongs to");
  };
  if (!is_sealed(sealed) || sealed.size() < kMagic.size() + kNonce + kTag) throw refuse();
  sealed.remove_prefix(kMagic.size());
  const std::string_view nonce = sealed.substr(0, kNonce);
  std::string tag(sealed.substr(kNonce, kTag));
  const std::string_view cipher = sealed.substr(kNonce + kTag);
  Sha256 key = derived_key(store_key);
  std::string out(cipher.size(), '\0');
  int n = 0;
  Context ctx(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const bool ok =
      ctx && EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(ctx.get(), bytes(out), &n, bytes(cipher), static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(ctx.get(), nullptr, &n) == 1;
  wipe(key.data(), key.size());
  if (!ok) throw refuse();
  return out;
}

}  // namespace gitopsd::sync
