/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `zegel verify`, check by check: a good token passes all of them, and a token with one
 * fault fails exactly the check that is named for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "judge.h"
#include "trust.h"
#include "util/base64.h"
#include "verify_fixture.h"

#define CLAIMS_BEFORE_TIMES                                                            \
	"{\"iss\":\"" FIXTURE_DID "\",\"sub\":\"" FIXTURE_DID                          \
	"\",\"aud\":\"" FIXTURE_AUDIENCE "\",\"jti\":\"1\","
#define GOOD_CLAIMS CLAIMS_BEFORE_TIMES "\"iat\":1800000000,\"exp\":1800000030}"
#define GOOD_HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[@]}"

enum {
	TEXT_MAX = 100000,
};

static struct fixture *fixture_of(void **state)
{
	return *state;
}

static X509_STORE *trust_of(X509 *anchor)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(TEXT_MAX);
	const char *why = "";
	X509_STORE *store = NULL;

	fixture_append_pem(&pem, anchor);
	assert_int_equal(trust_load(buf_get(&pem), &store, &why), STATUS_OK);
	return store;
}

static void judge(
	X509 *anchor, struct bytes token, struct judge_spec spec, struct report *report)
{
	spec.trust = trust_of(anchor);
	spec.now = spec.now == 0 ? FIXTURE_NOW + 1 : spec.now;
	assert_int_equal(judge_token(&spec, token, report), STATUS_OK);
	X509_STORE_free(spec.trust);
	for (size_t i = 0; i < REPORT_N_CHECKS; i++)
		assert_int_not_equal(report->lines[i].result, REPORT_OPEN);
}

/* name "": the token must be valid. */
static void expect_only(const struct report *report, const char *name)
{
	for (size_t i = 0; i < REPORT_N_CHECKS; i++) {
		const bool is_named =
			strcmp(report_check_name((enum report_check)i), name) == 0;
		const bool has_failed = report->lines[i].result == REPORT_FAIL;

		if (is_named != has_failed)
			fail_msg("wanted only %s to fail, but %s: %s", name,
				report_check_name((enum report_check)i),
				report->lines[i].detail);
	}
	assert_int_equal(report_is_valid(report), name[0] == '\0');
}

/* The header template with @ replaced by the certificates. */
static void fill_header(struct buf *out, const char *template, struct bytes x5c)
{
	const char *at = strchr(template, '@');
	const size_t len = at == NULL ? strlen(template) : (size_t)(at - template);

	buf_clear(out);
	assert_int_equal(
		buf_append(out, (struct bytes){(const uint8_t *)template, len}),
		STATUS_OK);
	if (at == NULL)
		return;
	assert_int_equal(buf_append(out, x5c), STATUS_OK);
	assert_int_equal(buf_append_text(out, at + 1), STATUS_OK);
}

struct made {
	const char *header; /* NULL: GOOD_HEADER */
	const char *claims; /* NULL: GOOD_CLAIMS */
	X509 *const *x5c;   /* NULL: the fixture's three */
	size_t n_x5c;
};

static void make_token(const struct fixture *fixture, struct made how, struct buf *out)
{
	CLEANUP(buf_deinit) struct buf x5c = BUF_INIT(TEXT_MAX);
	CLEANUP(buf_deinit) struct buf header = BUF_INIT(TEXT_MAX);
	X509 *const good[] = {fixture->leaf, fixture->issuer, fixture->root};
	const char *text;

	if (how.x5c == NULL)
		fixture_append_x5c(&x5c, good, ARRAY_LEN(good));
	else
		fixture_append_x5c(&x5c, how.x5c, how.n_x5c);
	fill_header(
		&header, how.header == NULL ? GOOD_HEADER : how.header, buf_get(&x5c));
	assert_int_equal(buf_get_text(&header, &text), STATUS_OK);
	fixture_append_token(out, fixture->leaf_key, text,
		how.claims == NULL ? GOOD_CLAIMS : how.claims);
}

static void expect_made(
	const struct fixture *fixture, struct made how, const char *failing)
{
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	struct report report;

	make_token(fixture, how, &token);
	judge(fixture->root, buf_get(&token),
		(struct judge_spec){.audience = FIXTURE_AUDIENCE}, &report);
	expect_only(&report, failing);
}

static void verify_passes_a_good_token(void **state)
{
	expect_made(fixture_of(state), (struct made){.header = NULL}, "");
}

static void verify_passes_a_good_token_with_nbf_and_more_claims(void **state)
{
	expect_made(fixture_of(state),
		(struct made){.claims = CLAIMS_BEFORE_TIMES
			      "\"x\":[{}],\"nbf\":1800000000,"
			      "\"iat\":1800000000,\"exp\":1800000030}"},
		"");
}

struct row {
	const char *text;
	const char *failing;
};

static const struct row bad_headers[] = {
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"1\",\"x5c\":[@]}", "header"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", "header"},
	{"{\"alg\":\"RS256\",\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[@]}",
		"header-json"},
	{"[\"alg\"]", "header-json"},
	{"{\"alg\":\"RS256\"", "header-json"},
	{"", "header-json"},
	{"{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5c\":[@]}", "alg"},
	{"{\"alg\":\"none\",\"typ\":\"JWT\",\"x5c\":[@]}", "alg"},
	{"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x5c\":[@]}", "alg"},
	{"{\"alg\":256,\"typ\":\"JWT\",\"x5c\":[@]}", "alg"},
	{"{\"alg\":\"RS256\",\"typ\":\"JOSE\",\"x5c\":[@]}", "typ"},
	{"{\"alg\":\"RS256\",\"typ\":\"jwt\",\"x5c\":[@]}", "typ"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[]}", "x5c"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":@}", "header-json"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":\"MIIB\"}", "x5c"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[\"MIIB\"]}", "x5c"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[@,1]}", "x5c"},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":"
	 "[1,2,3,4,5,6,7,8,9,10,11]}",
		"x5c"},
};

static void verify_names_the_fault_of_a_header(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_headers); i++)
		expect_made(fixture_of(state),
			(struct made){.header = bad_headers[i].text},
			bad_headers[i].failing);
}

#define TIMES "\"iat\":1800000000,\"exp\":1800000030}"
#define OTHER "did:ishare:EU.NL.NTRNL-99999999"
#define WHO   "\"iss\":\"" FIXTURE_DID "\",\"sub\":\"" FIXTURE_DID "\","
#define AUD   "\"aud\":\"" FIXTURE_AUDIENCE "\","

static const struct row bad_claims[] = {
	{"{\"iss\":\"" FIXTURE_DID "\",\"sub\":\"x\"," AUD "\"jti\":\"1\"," TIMES,
		"subject"},
	{"{\"iss\":\"" FIXTURE_DID "\"," AUD "\"jti\":\"1\"," TIMES, "subject"},
	{"{\"sub\":\"x\"," AUD "\"jti\":\"1\"," TIMES, "subject"},
	{"{\"iss\":\"" OTHER "\",\"sub\":\"" OTHER "\"," AUD "\"jti\":\"1\"," TIMES,
		"identity"},
	{"{" WHO "\"aud\":[\"" FIXTURE_AUDIENCE "\"],\"jti\":\"1\"," TIMES, "aud"},
	{"{" WHO "\"aud\":\"" OTHER "\",\"jti\":\"1\"," TIMES, "aud"},
	{"{" WHO "\"jti\":\"1\"," TIMES, "aud"},
	{"{" WHO AUD TIMES, "jti"},
	{"{" WHO AUD "\"jti\":\"\"," TIMES, "jti"},
	{"{" WHO AUD "\"jti\":7," TIMES, "jti"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000.0,\"exp\":1800000030}", "iat"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1.8e9,\"exp\":1800000030}", "iat"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000000,\"exp\":1800000030}", "iat"},
	{CLAIMS_BEFORE_TIMES "\"iat\":-1,\"exp\":1800000030}", "iat"},
	{CLAIMS_BEFORE_TIMES "\"exp\":1800000030}", "iat"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000,\"exp\":\"1800000030\"}", "exp"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000}", "exp"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000,\"exp\":9223372036854775807}", "exp"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000,\"exp\":1800000029}", "lifetime"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000000,\"exp\":1800000031}", "lifetime"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1800000002,\"exp\":1800000032}", "not-early"},
	{CLAIMS_BEFORE_TIMES "\"iat\":1799999970,\"exp\":1800000000}", "not-late"},
	{CLAIMS_BEFORE_TIMES "\"nbf\":1799999999," TIMES, "nbf"},
	{CLAIMS_BEFORE_TIMES "\"nbf\":1800000000.0," TIMES, "nbf"},
	{CLAIMS_BEFORE_TIMES "\"jti\":\"2\"," TIMES, "payload-json"},
	{CLAIMS_BEFORE_TIMES "\"x\":{\"y\":1,\"y\":1}," TIMES, "payload-json"},
	{CLAIMS_BEFORE_TIMES "\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]," TIMES,
		"payload-json"},
	{CLAIMS_BEFORE_TIMES "\"x\":\"\\u0000\"," TIMES, "payload-json"},
	{"[]", "payload-json"},
	{GOOD_CLAIMS "{}", "payload-json"},
};

static void verify_names_the_fault_of_the_claims(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_claims); i++)
		expect_made(fixture_of(state),
			(struct made){.claims = bad_claims[i].text},
			bad_claims[i].failing);
}

static void verify_allows_brackets_in_strings_and_sixteen_levels(void **state)
{
	expect_made(fixture_of(state),
		(struct made){.claims = CLAIMS_BEFORE_TIMES
			      "\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]],"
			      "\"y\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[\"," TIMES},
		"");
}

static void verify_names_the_fault_of_a_leaf(void **state)
{
	static const struct {
		struct fixture_leaf leaf;
		const char *failing;
	} rows[] = {
		{{.ends_in_s = -FIXTURE_DAY}, "dates"},
		{{.constraints = "critical,CA:TRUE"}, "leaf"},
		{{.key_usage = ""}, "key-usage"},
		{{.key_usage = "critical,keyEncipherment"}, "key-usage"},
		{{.key_usage = "critical,digitalSignature,keyCertSign"}, "key-usage"},
		{{.bits = 1024}, "key-size"},
		{{.serial_number = "12345"}, "identity"},
		{{.serial_number = FIXTURE_EORI}, "identity"},
		{{.key_usage = "nonRepudiation"}, ""},
	};
	struct fixture *fixture = fixture_of(state);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_make_leaf(fixture, &rows[i].leaf);
		expect_made(fixture, (struct made){.header = NULL}, rows[i].failing);
	}
	fixture_make_leaf(fixture, &(struct fixture_leaf){.bits = 2048});
}

static void verify_knows_the_older_eori_form(void **state)
{
	struct fixture *fixture = fixture_of(state);

	fixture_make_leaf(
		fixture, &(struct fixture_leaf){.serial_number = FIXTURE_EORI});
	expect_made(fixture,
		(struct made){.claims = "{\"iss\":\"" FIXTURE_EORI
					"\",\"sub\":\"" FIXTURE_EORI "\"," AUD
					"\"jti\":\"1\"," TIMES},
		"");
	fixture_make_leaf(fixture, &(struct fixture_leaf){.bits = 2048});
}

static void verify_wants_the_chain_in_order_and_to_the_trust(void **state)
{
	const struct fixture *good = fixture_of(state);
	struct fixture foreign;
	X509 *const reversed[] = {good->root, good->issuer, good->leaf};
	X509 *const without_issuer[] = {good->leaf, good->root};
	X509 *const without_root[] = {good->leaf, good->issuer};
	X509 *const alone[] = {good->leaf};
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	struct report report;

	expect_made(good, (struct made){.x5c = reversed, .n_x5c = 3}, "order");
	expect_made(good, (struct made){.x5c = without_issuer, .n_x5c = 2}, "order");
	expect_made(good, (struct made){.x5c = without_root, .n_x5c = 2}, "");
	expect_made(good, (struct made){.x5c = alone, .n_x5c = 1}, "chain");

	/* The token brings its own root: that must not help it. */
	fixture_open(&foreign);
	make_token(good, (struct made){.header = NULL}, &token);
	judge(foreign.root, buf_get(&token), (struct judge_spec){.now = 0}, &report);
	expect_only(&report, "chain");
	fixture_close(&foreign);

	/* An anchor below the root ends the path. */
	judge(good->issuer, buf_get(&token), (struct judge_spec){.now = 0}, &report);
	expect_only(&report, "");
}

static void verify_notices_a_changed_bit(void **state)
{
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	CLEANUP(buf_deinit) struct buf other = BUF_INIT(TEXT_MAX);
	struct report report;
	size_t payload, signature;
	uint8_t before;

	make_token(fixture_of(state), (struct made){.header = NULL}, &token);
	for (payload = 0; token.p[payload] != '.'; payload++)
		continue;
	for (signature = payload + 1; token.p[signature] != '.'; signature++)
		continue;

	/* Another digit, which a flipped bit of the text might not be. */
	before = token.p[signature + 9];
	token.p[signature + 9] = before == 'A' ? 'B' : 'A';
	judge(fixture_of(state)->root, buf_get(&token), (struct judge_spec){.now = 0},
		&report);
	expect_only(&report, "signature");
	token.p[signature + 9] = before;

	/* Another jti in the same place: the claims are fine, the signature is not. */
	assert_int_equal(
		buf_append(&other, (struct bytes){token.p, payload + 1}), STATUS_OK);
	assert_int_equal(base64url_encode(&other,
				 bytes_from_text(CLAIMS_BEFORE_TIMES "\"x\":1," TIMES)),
		STATUS_OK);
	assert_int_equal(buf_append(&other, (struct bytes){token.p + signature,
						    token.len - signature}),
		STATUS_OK);
	judge(fixture_of(state)->root, buf_get(&other), (struct judge_spec){.now = 0},
		&report);
	expect_only(&report, "signature");
}

static void verify_names_the_fault_of_the_parts(void **state)
{
	static const char *const bad[] = {"", ".", "a.b", "e30.e30", "e30.e30.e30.e30",
		"e30=.e30.e30", "e30.e30.e30==", "e30.e3 0.e30", "e30.e30.e30\n",
		"e31.e30.e30", "e30.+/+/.e30"};
	struct report report;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		judge(fixture_of(state)->root, bytes_from_text(bad[i]),
			(struct judge_spec){.now = 0}, &report);
		expect_only(&report, "parts");
	}
}

static void verify_stretches_time_by_the_skew_only(void **state)
{
	static const struct {
		int64_t now;
		const char *failing;
	} rows[] = {{FIXTURE_NOW - 6, "not-early"}, {FIXTURE_NOW - 5, ""},
		{FIXTURE_NOW + 35, ""}, {FIXTURE_NOW + 36, "not-late"}};
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	struct report report;

	make_token(fixture_of(state), (struct made){.header = NULL}, &token);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		judge(fixture_of(state)->root, buf_get(&token),
			(struct judge_spec){.now = rows[i].now, .skew = 5}, &report);
		expect_only(&report, rows[i].failing);
	}
}

static void verify_takes_the_issuer_that_the_caller_names(void **state)
{
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	struct report report;

	make_token(fixture_of(state),
		(struct made){.claims = "{\"iss\":\"alias\",\"sub\":\"alias\"," AUD
					"\"jti\":\"1\"," TIMES},
		&token);
	judge(fixture_of(state)->root, buf_get(&token),
		(struct judge_spec){.issuer = "alias"}, &report);
	expect_only(&report, "");
	judge(fixture_of(state)->root, buf_get(&token),
		(struct judge_spec){.issuer = FIXTURE_DID}, &report);
	expect_only(&report, "identity");
}

static void verify_reads_pem_in_x5c_and_says_so(void **state)
{
	const struct fixture *fixture = fixture_of(state);
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(TEXT_MAX);
	CLEANUP(buf_deinit) struct buf x5c = BUF_INIT(TEXT_MAX);
	CLEANUP(buf_deinit) struct buf header = BUF_INIT(TEXT_MAX);
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	struct report report;
	const char *text;

	fixture_append_pem(&pem, fixture->issuer);
	fixture_append_x5c(&x5c, &fixture->leaf, 1);
	assert_int_equal(buf_append_text(&x5c, ",\""), STATUS_OK);
	assert_int_equal(base64_encode(&x5c, buf_get(&pem)), STATUS_OK);
	assert_int_equal(buf_append_text(&x5c, "\""), STATUS_OK);
	fill_header(&header, GOOD_HEADER, buf_get(&x5c));
	assert_int_equal(buf_get_text(&header, &text), STATUS_OK);
	fixture_append_token(&token, fixture->leaf_key, text, GOOD_CLAIMS);
	judge(fixture->root, buf_get(&token), (struct judge_spec){.now = 0}, &report);
	expect_only(&report, "");
	assert_non_null(strstr(report.lines[REPORT_X5C].detail, "PEM"));
}

static void trust_is_refused_when_it_is_no_authority(void **state)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(TEXT_MAX);
	X509_STORE *store = NULL;
	const char *why = NULL;

	fixture_append_pem(&pem, fixture_of(state)->root);
	fixture_append_pem(&pem, fixture_of(state)->leaf);
	assert_int_equal(trust_load(buf_get(&pem), &store, &why), STATUS_BAD_FILE);
	assert_non_null(why);
	assert_int_equal(
		trust_load(bytes_from_text("none"), &store, &why), STATUS_BAD_FILE);
	assert_int_equal(
		trust_load(bytes_from_text("-----BEGIN CERTIFICATE-----\nMIIB\n"
					   "-----END CERTIFICATE-----\n"),
			&store, &why),
		STATUS_BAD_FILE);
	assert_null(store);
}

/* The dsgo-auth vector of spec 1.5.2: its bytes, and what its dummy x5c comes to. */
static void verify_reads_the_vector_of_the_spec(void **state)
{
	static const char vector[] =
		"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsIng1YyI6WyJNSUlCIl19."
		"eyJpc3MiOiJkaWQ6aXNoYXJlOkVVLk5MLk5UUk5MLTEwMDAwMDAxIiwic3ViIjoiZGlkOm"
		"l"
		"zaGFyZTpFVS5OTC5OVFJOTC0xMDAwMDAwMSIsImF1ZCI6ImRpZDppc2hhcmU6RVUuTkwuT"
		"l"
		"RSTkwtMTAwMDAwMDIiLCJqdGkiOiIzNzhhNDdjNC0yODIyLTRjYTUtYTQ5YS03ZTVhMWNj"
		"N"
		"2VhNTkiLCJpYXQiOjE1MDQ2ODM0NDUsImV4cCI6MTUwNDY4MzQ3NX0";
	static const uint8_t expected[] = {0x91, 0x62, 0x6c, 0x25, 0x84, 0xec, 0xbe,
		0x60, 0x35, 0xa8, 0x3c, 0x8e, 0x9a, 0x08, 0xa1, 0x91, 0x42, 0xb4, 0x04,
		0xe9, 0x56, 0x25, 0x13, 0xe8, 0xbc, 0x5b, 0xa5, 0xd3, 0x45, 0x1e, 0x9f,
		0xa9};
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(TEXT_MAX);
	unsigned char digest[32];
	struct report report;

	assert_int_equal(sizeof(vector) - 1, 324);
	assert_int_equal(EVP_Digest(vector, sizeof(vector) - 1, digest, NULL,
				 EVP_sha256(), NULL),
		1);
	assert_memory_equal(digest, expected, sizeof(expected));
	assert_int_equal(buf_append_format(&token, "%s.AAAA", vector), STATUS_OK);
	judge(fixture_of(state)->root, buf_get(&token),
		(struct judge_spec){.now = 1504683450, .audience = FIXTURE_AUDIENCE},
		&report);
	expect_only(&report, "x5c");
}

static int open_fixture(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	assert_non_null(*state);
	fixture_open(*state);
	return 0;
}

static int close_fixture(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_passes_a_good_token),
		cmocka_unit_test(verify_passes_a_good_token_with_nbf_and_more_claims),
		cmocka_unit_test(verify_names_the_fault_of_a_header),
		cmocka_unit_test(verify_names_the_fault_of_the_claims),
		cmocka_unit_test(verify_allows_brackets_in_strings_and_sixteen_levels),
		cmocka_unit_test(verify_names_the_fault_of_a_leaf),
		cmocka_unit_test(verify_knows_the_older_eori_form),
		cmocka_unit_test(verify_wants_the_chain_in_order_and_to_the_trust),
		cmocka_unit_test(verify_notices_a_changed_bit),
		cmocka_unit_test(verify_names_the_fault_of_the_parts),
		cmocka_unit_test(verify_stretches_time_by_the_skew_only),
		cmocka_unit_test(verify_takes_the_issuer_that_the_caller_names),
		cmocka_unit_test(verify_reads_pem_in_x5c_and_says_so),
		cmocka_unit_test(trust_is_refused_when_it_is_no_authority),
		cmocka_unit_test(verify_reads_the_vector_of_the_spec),
	};

	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
