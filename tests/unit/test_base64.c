/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/base64.h"

struct vector {
	const char *plain;
	const char *standard;
	const char *url;
};

/* RFC 4648 section 10, and the two digits in which the alphabets differ. */
static const struct vector vectors[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xfb\xef\xbe\xff", "++++/w==", "----_w"},
};

typedef enum status code_fn(struct buf *out, struct bytes bytes);

static void check_code(code_fn *code, const char *from, const char *to)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

	assert_int_equal(code(&out, bytes_from_text(from)), STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&out), bytes_from_text(to)));
}

static void base64_round_trips_the_vectors_of_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		check_code(base64_encode, vectors[i].plain, vectors[i].standard);
		check_code(base64_decode, vectors[i].standard, vectors[i].plain);
		check_code(base64url_encode, vectors[i].plain, vectors[i].url);
		check_code(base64url_decode, vectors[i].url, vectors[i].plain);
	}
}

static void base64_refuses_what_encode_would_not_give(void **state)
{
	static const char *const bad[] = {"Zg",
		"Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9v", "Zm9v\n",
		"-_-_"};
	static const char *const bad_url[] = {
		"Zg==", "Zh", "Z", "Zm9", "+/+/", "Zm9v.", "Zm9vY"};
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			base64_decode(&out, bytes_from_text(bad[i])), STATUS_BAD_FILE);
	for (size_t i = 0; i < ARRAY_LEN(bad_url); i++)
		assert_int_equal(base64url_decode(&out, bytes_from_text(bad_url[i])),
			STATUS_BAD_FILE);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_round_trips_the_vectors_of_rfc_4648),
		cmocka_unit_test(base64_refuses_what_encode_would_not_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
