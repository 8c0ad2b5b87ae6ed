#include "cert_fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static struct err err;

/* Moduli of 2048 bits, made for this test. */

/* Two primes k·M + (65537^a mod M), M the product of the first 126 primes. */
static const char ROCA[] =
    "adc8b3f28d53887c4d951f70370ec1d06c7e8d1d8806208bb6385b6228d740df578c6e2aebcebfec9731c078652d0e9d"
    "f132da16a26b8b5c1c2297873355cbcffaf155388fd4e327e124398f6e923197ee9dc0256576fed29dade5cc93ec195e"
    "caca0d3ea2b79ffd2ef0a4e149811e1548d827a7b28a31e47a19315c1a7d8dac4c85be2bc4822ca1ed777e59b340b06a"
    "4c779216383117042c02777d546ab0219cb5defcf57b44da5f494cef6250c4ae28db1e754eb5e8c72ec9672dd632c525"
    "e1dd1f89973a7f486eb23ee10475e07f5d07141e52b209f1582223b0348760f077a2a614319291c555f1610589263f27"
    "09e3adb28218199617a0c88629913a6f";
/* A prime and the next but a number of 500 bits: Fermat's first round. */
static const char CLOSE[] =
    "a0f9a9d83ad04fe8a5e2a53779fb332a3eda47b8db47a5ec5b854ec6104cf10b728f3dd9155da5164400131c4eb9f5dc"
    "3218f632031dbaa500381db930ad2941e7e1e1b7351225dabba2663fe13a1df568b669862084d586d4178497ae3fdce2"
    "b46c7aa061326e5e7d445d009d7743eed78be9cf5832d9209db4a822195d13ccbb2c86cd23d7877e702d433f68fce3f5"
    "ebc13543a458c3dcc77798eb80b9aa2fe574b09c7b52de1a04a3be78a1383313b5b6705a78353c2f0eb46cfaf2e94c39"
    "25062cc46e36b68e5f4dd74119c4a6e119f9cfd960cbc68d0ac8ad69ea0a2ab5870a6d3f61083f7039f579d532cf0d15"
    "8cfbcb5750fc5b9e2cc70afaba6840ff";
/* Primes about 63 fourth roots of the modulus apart: Fermat's 497th round. */
static const char NEAR[] =
    "e49418040ef95649b551e9e7c2c992014b02ebab34eb918d515a81b8766f4076ffbaccceca8612edc052bca5666e59a0"
    "cf6b5675b304c6aeba21cd0b60b3c9757fe8f25409080d0e0d5e329f689eaf5eda22dfab6a87568412f3b665694e5304"
    "9748e2c896005062d11346fc542ec2bcb12a02ab3ac38d01e10aeca84a1365d020f0cfedc7a0bdc178d2cd0ecdb6dc3c"
    "a011d45d68396f277e153f511cd6c2d8b0a9b3d97b80166baefdaf999c93f0d2e77aa5ac6d9da78b8e5f1e8d8e83a0e4"
    "af59483b6f6e599fb9397cc0ecc339e38f91c2c9189cdee12d54bc0d38f58c57552de5ec142f276356368939dd3468de"
    "1b7466574a662669e099198d8a264195";
/* A prime squared. */
static const char SQUARE[] =
    "cda94d25a6a3102449c9f411e50518ed6f013d3c89a77a654e02e4ef2766b58feb2c051b1871cf3f0088b8a97c133204"
    "d4aca35d183f121e770b385e34af1148c1c4a382995d2550479c6310375f844000141a3b0d126f9b063016bba175ffdf"
    "8e858d72537fec7ebecf6d6f755f0daf5a00ec65329b21bfa46434aee9afef647d3bb6abf5ac2a6d4dcde0a22dd593ea"
    "61cfef594486025ce5d8419d44b8ed662adb32b3b4a47308f1303acc493b866be2e872823a3fd33535f577262a698eb2"
    "aea30b67e7b701d1f8b74cf7e86c7b4451a6b4c3be599131af6af29776aee1caa2a7d9096a706851a3549f1a0a0289f2"
    "4760954be655179d98340e22494da059";
/* 65521, the largest prime below 2^16, times a prime. */
static const char SMALL[] =
    "f89769cb66f34187a2164b55f8c8966de0fa64e5718b559cdf36b14ce558471a61ce5e720f39245a46f9c5d2986263e1"
    "9fdedee5cb1f84957a9c7d202209f1426c70f1120a72bdc9457974d33d62a8bb0b0f571a70c425e325807aa3e80faf84"
    "fd935ea61fc2553c81e7af05707b4f672d08f84c00b77418bf2a57c224361d51d66eb425cf9217e72a5664c18083dc1b"
    "65690d6b577697e88ad215e56d2bac6ea17b62ca4ada22028c118544f3fe8253d5667725c6945f02d9aaffc694a8519d"
    "634d61fada1a6199ca18d6fd82a35eb6e573a1078d05b70f966e191c002e18e0d04f9d1f5202b7b3062e6fafcb351e61"
    "ee1f15970c7eb155085c544c9012c5f5";

static void refused(const void *spki, size_t len, enum key_type type, const char *part)
{
    err_clear(&err);
    assert_int_equal(weak_key_check(spki, len, type, &err), -1);
    if (err.code != ERR_WEAK_KEY || !strstr(err.text, part))
        fail_msg("%s: \"%s\", not \"%s\"", err_name(err.code), err.text, part);
}

static void good(const void *spki, size_t len, enum key_type type)
{
    if (weak_key_check(spki, len, type, &err) != 0)
        fail_msg("%s", err.text);
}

static size_t encode(EVP_PKEY *key, uint8_t *dst, size_t cap)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    assert_true(n > 0 && (size_t)n <= cap);
    memcpy(dst, der, (size_t)n);
    OPENSSL_free(der);
    return (size_t)n;
}

static size_t rsa_spki(const BIGNUM *n, unsigned long exponent, uint8_t *dst, size_t cap)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    BN_set_word(e, exponent);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    size_t len = encode(key, dst, cap);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(e);
    return len;
}

static void modulus_refused(const char *hex, unsigned long exponent, const char *part)
{
    uint8_t spki[1024];
    BIGNUM *n = NULL;
    BN_hex2bn(&n, hex);
    size_t len = rsa_spki(n, exponent, spki, sizeof(spki));
    refused(spki, len, KEY_RSA2048, part);
    BN_free(n);
}

/* ---- RSA --------------------------------------------------------------------------------------- */

static void ordinary_keys_are_good(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum key_type type;
    } KEYS[] = {{"org-p256.pub.pem", KEY_P256},
                {"org-p384.pub.pem", KEY_P384},
                {"org-rsa2048.pub.pem", KEY_RSA2048},
                {"org-rsa3072.pub.pem", KEY_RSA3072}};
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        struct buf spki;
        fixture_der(KEYS[i].file, &spki);
        good(spki.data, spki.len, KEYS[i].type);
        assert_int_equal(spki_key_type(spki.data, spki.len), KEYS[i].type);
        for (enum key_type other = KEY_NONE + 1; other < KEY_TYPE_COUNT; other++)
            if (other != KEYS[i].type)
                refused(spki.data, spki.len, other, "");
        buf_done(&spki);
    }
}

static void fresh_keys_are_good(void **state)
{
    (void)state;
    uint8_t spki[1024];
    for (int i = 0; i < 20; i++) {
        EVP_PKEY *key = EVP_EC_gen(i % 2 ? "P-256" : "P-384");
        good(spki, encode(key, spki, sizeof(spki)), i % 2 ? KEY_P256 : KEY_P384);
        EVP_PKEY_free(key);
    }
    for (int i = 0; i < 3; i++) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        good(spki, encode(key, spki, sizeof(spki)), KEY_RSA2048);
        EVP_PKEY_free(key);
    }
}

static void the_roca_fingerprint_is_found(void **state)
{
    (void)state;
    modulus_refused(ROCA, 65537, "ROCA");
}

static void close_primes_are_found(void **state)
{
    (void)state;
    modulus_refused(CLOSE, 65537, "so close");
    modulus_refused(NEAR, 65537, "so close");
}

static void a_square_is_found(void **state)
{
    (void)state;
    modulus_refused(SQUARE, 65537, "so close");
}

static void small_factors_are_found(void **state)
{
    (void)state;
    modulus_refused(SMALL, 65537, "divisible by 65521");
    char even[sizeof(CLOSE)];
    memcpy(even, CLOSE, sizeof(even));
    even[strlen(even) - 1] = 'e';
    modulus_refused(even, 65537, "divisible by 2");
}

static void other_exponents_are_refused(void **state)
{
    (void)state;
    modulus_refused(CLOSE, 3, "exponent");
    modulus_refused(CLOSE, 65539, "exponent");
    modulus_refused(CLOSE, 1, "exponent");
}

static void other_sizes_are_refused(void **state)
{
    (void)state;
    uint8_t spki[1024];
    BIGNUM *n = NULL;
    BN_hex2bn(&n, CLOSE);
    BN_rshift1(n, n);
    refused(spki, rsa_spki(n, 65537, spki, sizeof(spki)), KEY_RSA2048, "2047 bits, 2048 are right");
    assert_int_equal(spki_key_type(spki, rsa_spki(n, 65537, spki, sizeof(spki))), KEY_NONE);
    BN_lshift(n, n, 2);
    refused(spki, rsa_spki(n, 65537, spki, sizeof(spki)), KEY_RSA2048, "2049 bits");
    BN_free(n);
}

/* ---- EC ---------------------------------------------------------------------------------------- */

#define P256_HEADER 26 /* bytes before the point, without its leading 04 */

static struct buf p256(void)
{
    struct buf spki;
    fixture_der("org-p256.pub.pem", &spki);
    assert_int_equal(spki.data[P256_HEADER], 0x04);
    return spki;
}

static void a_point_off_its_curve_is_refused(void **state)
{
    (void)state;
    struct buf spki = p256();
    for (size_t i = P256_HEADER + 1; i < spki.len; i += 5) {
        spki.data[i] ^= 0x10;
        refused(spki.data, spki.len, KEY_P256, "not on its curve");
        spki.data[i] ^= 0x10;
    }
    memset(spki.data + P256_HEADER + 1, 0, 64);
    refused(spki.data, spki.len, KEY_P256, "not on its curve");
    memset(spki.data + P256_HEADER + 1, 0xff, 64); /* coordinates over the field's prime */
    refused(spki.data, spki.len, KEY_P256, "not on its curve");
    buf_done(&spki);
}

static void other_forms_of_a_point_are_refused(void **state)
{
    (void)state;
    struct buf spki = p256();
    spki.data[P256_HEADER] = 0x06; /* hybrid */
    refused(spki.data, spki.len, KEY_P256, "uncompressed");
    spki.data[P256_HEADER] = 0x02 | (spki.data[spki.len - 1] & 1);
    spki.data[1] = 0x39;
    spki.data[P256_HEADER - 2] = 0x22;
    refused(spki.data, P256_HEADER + 33, KEY_P256, "uncompressed");
    spki.data[P256_HEADER] = 0;
    spki.data[1] = 0x19;
    spki.data[P256_HEADER - 2] = 0x02;
    refused(spki.data, P256_HEADER + 1, KEY_P256, "infinity");
    buf_done(&spki);
}

static void other_curves_are_refused(void **state)
{
    (void)state;
    static const char *const CURVES[] = {"P-224", "secp256k1", "P-521", "brainpoolP256r1"};
    uint8_t spki[1024];
    for (size_t i = 0; i < sizeof(CURVES) / sizeof(CURVES[0]); i++) {
        EVP_PKEY *key = EVP_EC_gen(CURVES[i]);
        size_t len = encode(key, spki, sizeof(spki));
        refused(spki, len, KEY_P256, "named curve P-256");
        assert_int_equal(spki_key_type(spki, len), KEY_NONE);
        EVP_PKEY_free(key);
    }
}

static void a_curve_spelled_out_is_refused(void **state)
{
    (void)state;
    uint8_t spki[1024];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    refused(spki, encode(key, spki, sizeof(spki)), KEY_P256, "named curve");
    EVP_PKEY_free(key);
}

/* ---- other bytes ------------------------------------------------------------------------------- */

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const uint8_t LARGE[SPKI_MAX + 1];
    struct buf spki = p256();
    for (size_t len = 0; len < spki.len; len++)
        refused(spki.data, len, KEY_P256, "SubjectPublicKeyInfo");
    assert_int_equal(buf_put(&spki, "", 1, &err), 0);
    refused(spki.data, spki.len, KEY_P256, "SubjectPublicKeyInfo");
    refused(LARGE, sizeof(LARGE), KEY_P256, "1025 bytes");
    assert_int_equal(spki_key_type(spki.data, spki.len), KEY_NONE);
    assert_int_equal(spki_key_type("", 0), KEY_NONE);
    buf_done(&spki);
}

static void other_algorithms_are_refused(void **state)
{
    (void)state;
    uint8_t spki[1024];
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    size_t len = encode(key, spki, sizeof(spki));
    refused(spki, len, KEY_P256, "is not P-256");
    refused(spki, len, KEY_RSA2048, "is not RSA-2048");
    assert_int_equal(spki_key_type(spki, len), KEY_NONE);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_keys_are_good),
        cmocka_unit_test(fresh_keys_are_good),
        cmocka_unit_test(the_roca_fingerprint_is_found),
        cmocka_unit_test(close_primes_are_found),
        cmocka_unit_test(a_square_is_found),
        cmocka_unit_test(small_factors_are_found),
        cmocka_unit_test(other_exponents_are_refused),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(a_point_off_its_curve_is_refused),
        cmocka_unit_test(other_forms_of_a_point_are_refused),
        cmocka_unit_test(other_curves_are_refused),
        cmocka_unit_test(a_curve_spelled_out_is_refused),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(other_algorithms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
