/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What some reader may take for a DSGO token counts as one. Rows of Gson and PyJWT were
 * tried with Gson 2.10 and PyJWT 2.6; the others are what those libraries document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "seal/confusion.h"
#include "util/buf.h"

/* A literal with its NULs, without the one behind it. */
#define BYTES(literal)                                                                 \
	{                                                                              \
		(const uint8_t *)(literal), sizeof(literal) - 1                        \
	}
#define GOOD                                                                           \
	"{\"iss\":\"did:a\",\"sub\":\"did:a\",\"aud\":\"did:b\",\"jti\":\"x\","        \
	"\"iat\":1504683445,\"exp\":1504683475}"

enum {
	N_LEVELS = 5000,
	ROOM = 32768,
};

static void assert_each(const struct bytes *payloads, size_t n, bool expected)
{
	for (size_t i = 0; i < n; i++) {
		if (confusion_is_token_like("", payloads[i]) != expected)
			fail_msg("row %zu: %.*s", i, (int)payloads[i].len,
				(const char *)payloads[i].p);
	}
}

static void a_payload_that_names_a_claim_is_token_like(void **state)
{
	static const struct bytes payloads[] = {
		BYTES(GOOD),
		BYTES("{\"iss\":0}"),
		BYTES("{\"sub\":null}"),
		BYTES("{\"aud\":[]}"),
		BYTES("{\"exp\":1e999}"),
		BYTES("{\"iat\":1}"),
		BYTES("{\"jti\":{}}"),
		BYTES("{\"a\":1,\"b\":2,\"exp\":3}"),
		BYTES(" \t\r\n{ \"a\" : [ 1 ] , \"iss\" : 1 } \n"),
		/* escapes are names too */
		BYTES("{\"\\u0069ss\":1}"),
		BYTES("{\"i\\u0073\\u0073\":1}"),
		/* Go, cJSON, Newtonsoft: without case; Go folds U+017F to s */
		BYTES("{\"ISS\":1}"),
		BYTES("{\"Exp\":1}"),
		BYTES("{\"i\xc5\xbf\xc5\xbf\":1}"),
		BYTES("{\"i\\u017fs\":1}"),
		/* Java: U+0131 is an I without case */
		BYTES("{\"\xc4\xb1ss\":1}"),
		/* U+00DF is SS in capitals */
		BYTES("{\"i\xc3\x9f\":1}"),
		BYTES("{\"i\\u00df\":1}"),
		BYTES("{\"\xc3\x9f\":1}"),
		BYTES("{\"e\xc3\x9fp\":1}"),
		BYTES("{\"a\":1,\"\xef\xbd\x89\xef\xbd\x93\xef\xbd\x93\":1}"),
		/* Gson: an array of pairs is a map */
		BYTES("[[\"iss\",\"did:a\"],[\"exp\",1]]"),
		BYTES("[[\"a\",1],[\"i\\u0073s\",\"did:a\"]]"),
	};

	(void)state;
	assert_each(payloads, ARRAY_LEN(payloads), true);
}

static void a_payload_with_two_readings_is_token_like(void **state)
{
	static const struct bytes payloads[] = {
		/* the last, or the first, of equal names */
		BYTES("{\"a\":1,\"a\":2}"),
		BYTES("{\"x\":{\"a\":1,\"\\u0061\":2}}"),
		/* readers that stop before the end */
		BYTES("{\"a\":1}{\"iss\":1}"),
		BYTES("{\"a\":1} x"),
		BYTES("{\"a\":1}\0"),
		BYTES("{\"a\":1"),
		BYTES("{\"a\0\":1}"),
		BYTES("{\"iss\\u0000\":1}"),
		BYTES("{\"a\":\"\\u0000\"}"),
		/* jose and Go put U+FFFD for what is no UTF-8 */
		BYTES("{\"a\":\"\xff\",\"iss\":1}"),
		BYTES("{\"a\":\"\xc0\x80\"}"),
		BYTES("{\"a\":\"\\ud800\"}"),
		/* byte order marks; UTF-16 and UTF-32 of both orders, which PyJWT takes */
		BYTES("\xef\xbb\xbf{\"iss\":1}"),
		BYTES("\xef\xbb\xbf\xef\xbb\xbf{}"),
		BYTES("{\0\"\0i\0s\0s\0\"\0:\0"
		      "1\0}\0"),
		BYTES("\0{\0\"\0i\0s\0s\0\"\0:\0"
		      "1\0}"),
		BYTES("\xff\xfe{\0}\0"),
		BYTES("\xfe\xff\0{\0}"),
		BYTES("{\0\0\0}\0\0\0"),
		BYTES("\0\0\0{\0\0\0}"),
		/* Gson */
		BYTES("/* x */{\"iss\":1}"),
		BYTES("// x\n{\"iss\":1}"),
		BYTES("# x\n{\"iss\":1}"),
		BYTES(")]}'\n{\"iss\":1}"),
		BYTES("{iss:1}"),
		BYTES("{'iss':1}"),
		BYTES("{\"iss\"=1;\"exp\"=2}"),
		BYTES("[[iss,1]]"),
		BYTES("{\"a\":\"\1\",\"iss\":1}"),
		/* Newtonsoft skips Unicode's white space, Java's org.json all controls */
		BYTES("\xc2\xa0{\"iss\":1}"),
		BYTES("\xe2\x80\xa8{\"iss\":1}"),
		BYTES("\v\f\1{\"iss\":1}"),
		BYTES("{\"a\":NaN}"),
		BYTES("{\"a\":01}"),
		BYTES("{\"a\":1,}"),
	};

	(void)state;
	assert_each(payloads, ARRAY_LEN(payloads), true);
}

static void binary_content_is_token_like_whether_or_not_it_has_a_bracket(void **state)
{
	static const struct bytes payloads[] = {
		BYTES("\x30\x82\1\2{"),
		BYTES("\x30\x82\1\2"),
		BYTES("\x1f\x8b\x08\0"),
		BYTES("\0"),
		BYTES("a\x7f"),
	};

	(void)state;
	assert_each(payloads, ARRAY_LEN(payloads), true);
}

static void json_without_those_names_is_harmless(void **state)
{
	static const struct bytes payloads[] = {
		BYTES("{}"),
		BYTES("[]"),
		BYTES(" {\"a\":1}\n"),
		/* longer, shorter, inside */
		BYTES("{\"iss2\":1,\"is\":2,\"\":3,\"issuer\":4,\"xp\":5}"),
		BYTES("{\"a\":{\"iss\":1,\"exp\":2}}"),
		BYTES("{\"a\":\"iss\",\"b\":\"{\\\"iss\\\":1}\"}"),
		BYTES("{\"nbf\":1,\"scope\":\"iSHARE\"}"),
		BYTES("{\"na\xc3\xafve\":1,\"i\xc3\x9fx\":2,\"is\xc3\x9fs\":3}"),
		BYTES("{\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\":1}"),
		BYTES("{\"n\":123456789012345678901234567890,\"m\":0.1}"),
		BYTES("[\"iss\",\"exp\"]"),
		BYTES("[{\"iss\":1}]"),
		BYTES("[[],[1],[null],[{}],[\"x\",\"iss\"]]"),
		BYTES("\"iss\""),
		BYTES("\"{\\\"iss\\\":1}\""),
		BYTES("1"),
		BYTES("null"),
	};

	(void)state;
	assert_each(payloads, ARRAY_LEN(payloads), false);
}

static void plain_text_is_harmless(void **state)
{
	static const struct bytes payloads[] = {
		BYTES(""),
		BYTES("hello"),
		BYTES("iss: x\r\n\texp: 1\n"),
		BYTES("caf\xc3\xa9 \xff"),
		BYTES("<a iss=\"x\"/>"),
		/* a JWT in a JWT, cty JWT (RFC 7519 5.2) */
		BYTES("eyJhbGciOiJSUzI1NiJ9.e30.AAAA"),
	};

	(void)state;
	assert_each(payloads, ARRAY_LEN(payloads), false);
	assert_false(confusion_is_token_like("", (struct bytes){NULL, 0}));
}

static void only_a_typ_of_its_own_takes_the_suspicion_away(void **state)
{
	static const char *const family[] = {"", "JWT", "jwt", "Jwt", "application/jwt",
		"application/JWT", "at+jwt", "AT+JWT", "application/at+jwt", "x/y+jWt",
		"dc+sd-jwt", "jwt+json", "JOSE", "jose", "application/jose",
		"JOSE+JSON"};
	static const char *const others[] = {"text/plain", "json", "application/json",
		"vnd.example.report+json", "jw", "j.w.t", "jos", "x"};
	static const struct bytes good = BYTES(GOOD);
	static const struct bytes harmless = BYTES("{\"a\":1}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(family); i++) {
		assert_true(confusion_is_token_like(family[i], good));
		assert_false(confusion_is_token_like(family[i], harmless));
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(confusion_is_token_like(others[i], good));
}

/* n brackets that open, n that close. */
static struct bytes nest(uint8_t *room, size_t n)
{
	memset(room, '[', n);
	memset(room + n, ']', n);
	return (struct bytes){room, 2 * n};
}

static void deep_nesting_is_token_like(void **state)
{
	static uint8_t room[ROOM];

	(void)state;
	assert_false(confusion_is_token_like("", nest(room, 100)));
	assert_true(confusion_is_token_like("", nest(room, N_LEVELS)));
	assert_true(confusion_is_token_like("", nest(room, ROOM / 2)));
	memset(room, '[', ROOM);
	assert_true(confusion_is_token_like("", (struct bytes){room, ROOM}));
}

/* One byte of a token is changed: then it opens no object any more, or names no claim. */
static void a_token_with_one_byte_changed_is_still_token_like(void **state)
{
	static const char token[] = "{\"exp\":1}";
	const size_t len = sizeof(token) - 1;
	size_t n_harmless = 0;

	(void)state;
	for (size_t i = 0; i < len * 256; i++) {
		const size_t at = i / 256;
		const uint8_t c = (uint8_t)(i % 256);
		uint8_t changed[sizeof(token)];

		memcpy(changed, token, len);
		changed[at] = c;
		if (confusion_is_token_like("", (struct bytes){changed, len}))
			continue;
		n_harmless++;
		if (at == 0 && c != '{' && c != '[')
			continue;
		assert_in_range(at, 2, 4);
		assert_in_range(c, 0x20, 0x7f);
		assert_int_not_equal(c | 0x20, token[at]);
	}
	assert_in_range(n_harmless, 1, 4 * 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_payload_that_names_a_claim_is_token_like),
		cmocka_unit_test(a_payload_with_two_readings_is_token_like),
		cmocka_unit_test(
			binary_content_is_token_like_whether_or_not_it_has_a_bracket),
		cmocka_unit_test(json_without_those_names_is_harmless),
		cmocka_unit_test(plain_text_is_harmless),
		cmocka_unit_test(only_a_typ_of_its_own_takes_the_suspicion_away),
		cmocka_unit_test(deep_nesting_is_token_like),
		cmocka_unit_test(a_token_with_one_byte_changed_is_still_token_like),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
