#include <doctest/doctest.h>

#include <set>

#include "base/hash.h"
#include "base/secret.h"

namespace gitopsd {
namespace {

std::span<const std::uint8_t> bytes(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

}  // namespace

TEST_CASE("SHA-256 and HMAC give the published results") {
  // FIPS 180-4's example, RFC 4231 test cases 1, 2 and 6, and the one that a forge documents.
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(to_hex(hmac_sha256("It's a Secret to Everybody", "Hello, World!")) ==
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}

TEST_CASE("a hash over pieces is the hash of the whole, and fields are delimited") {
  CHECK(Hasher().update("ab").update("").update("c").finish() == sha256("abc"));
  CHECK(Hasher("k").update("ab").update("c").finish() == hmac_sha256("k", "abc"));
  CHECK(Hasher().field("ab").field("c").finish() != Hasher().field("a").field("bc").finish());
  CHECK(Hasher().field("ab").finish() == sha256(std::string_view("\0\0\0\0\0\0\0\2"
                                                                 "ab",
                                                                 10)));
  Hasher moved = Hasher("k");
  moved = Hasher();
  CHECK(moved.update("abc").finish() == sha256("abc"));
}

TEST_CASE("hexadecimal and base64 are strict") {
  CHECK(to_hex(bytes("\x01\xff")) == "01ff");
  CHECK(from_hex("01fF") == "\x01\xff");
  CHECK(from_hex("") == "");
  for (const char* bad : {"0", "0g", " 0", "0x"}) CHECK_FALSE(from_hex(bad));
  // RFC 4648, section 10.
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    CHECK(to_base64(plain) == coded);
    CHECK(from_base64(coded) == plain);
  }
  for (const char* bad : {"Zm8", "Zm 8", "Zm8=\n", "=", "====", "Zg=a", "Zm9v=", "Z===", "Zm-_"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64(bad));
  }
}

TEST_CASE("random things differ and have their form") {
  CHECK(random_bytes(32).size() == 32);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_uuid();
    REQUIRE(id.size() == 36);
    CHECK(id[14] == '4');
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("a secret is equal to its bytes, and gone from where it was moved away") {
  Secret a("proof");
  CHECK(a.equals("proof"));
  CHECK_FALSE(a.equals("proog"));
  CHECK_FALSE(a.equals("proo"));
  CHECK_FALSE(a.equals(""));
  CHECK(Secret().equals(""));
  Secret b(std::move(a));
  CHECK(b.reveal() == "proof");
  CHECK(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  Secret c;
  c = std::move(b);
  CHECK(b.empty());  // NOLINT(bugprone-use-after-move)
  Secret d(std::string(100, 'x'));
  const char* buffer = d.reveal().data();
  d = c;
  // The longer secret before it left nothing behind in the buffer that is kept.
  if (d.reveal().data() == buffer)
    CHECK(std::string_view(buffer + 6, 90).find('x') == std::string_view::npos);
  CHECK(d.reveal() == "proof");
  CHECK(constant_time_equal(bytes("ab"), bytes("ab")));
  CHECK_FALSE(constant_time_equal(bytes("ab"), bytes("ac")));
  CHECK_FALSE(constant_time_equal(bytes("ab"), bytes("abc")));
  char wiped[] = "secret";
  wipe(wiped, 6);
  CHECK(std::string_view(wiped, 6) == std::string_view("\0\0\0\0\0\0", 6));
}

}  // namespace gitopsd
