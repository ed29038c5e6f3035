/* SPDX-License-Identifier: Apache-2.0 */
/* The profile jws: its members are newer than the first zegel.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <zegel.h>

#include "libzegel_fixture.h"

enum {
	/* of the request in the first zegel.h */
	SIZE_FIRST = offsetof(struct zegel_seal_request, digest_len) + sizeof(size_t),
	PAYLOAD_MAX = 32768,
};

static struct zegel_seal_request jws_request(const char *payload)
{
	return (struct zegel_seal_request){
		.size = sizeof(struct zegel_seal_request),
		.key = "k",
		.profile = "jws",
		.payload = (const uint8_t *)payload,
		.payload_len = strlen(payload),
	};
}

static void libzegel_asks_for_a_jws_of_a_payload_alone(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	const struct zegel_seal_request request = jws_request("hello");
	struct zegel_seal *seal = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, &request, &seal, NULL), ZEGEL_OK);
	assert_string_equal(seal->text, "hello");
	assert_null(seal->jti);
	assert_string_equal(seal->algorithm, "RS256");
	assert_int_equal(seal->issued_at, 0);
	zegel_seal_free(seal);
}

static void libzegel_asks_for_a_jws_with_all_that_it_can_have(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	static char longest[PAYLOAD_MAX + 1];
	struct zegel_seal_request request;
	struct zegel_seal *seal = NULL;

	(void)state;
	memset(longest, 'x', PAYLOAD_MAX);
	request = jws_request(longest);
	request.typ = "a/b";
	request.cty = "c";
	request.x5c = true;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, &request, &seal, NULL), ZEGEL_OK);
	assert_string_equal(seal->text, longest);
	assert_string_equal(seal->jti, "a/b");
	assert_string_equal(seal->algorithm, "c");
	assert_int_equal(seal->issued_at, 1);
	zegel_seal_free(seal);
}

/* Each row is refused with a text that has these words, and nothing is sent. */
struct refusal {
	struct zegel_seal_request request;
	const char *names;
};

static void assert_refused(const struct refusal *rows, size_t n)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal *seal = NULL;
	struct zegel_error error;

	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	for (size_t i = 0; i < n; i++) {
		struct zegel_seal_request request = rows[i].request;

		if (request.size == 0)
			request.size = sizeof(request);
		request.key = "k";
		assert_int_equal(
			zegel_seal(zegel, &request, &seal, &error), ZEGEL_INVALID);
		assert_non_null(strstr(error.text, rows[i].names));
	}
	assert_null(seal);
	assert_int_equal(fake.counts->connections, 0);
}

static void libzegel_names_the_member_of_a_jws_that_is_wrong(void **state)
{
	static const uint8_t byte = 1;
	static char name[129];
	const struct refusal rows[] = {
		{{.profile = "jws"}, "request.payload is missing"},
		{{.profile = "jws", .payload = &byte, .payload_len = PAYLOAD_MAX + 1},
			"request.payload is longer than 32768 bytes"},
		{{.profile = "jws", .payload = &byte, .typ = name},
			"request.typ is longer than 127"},
		{{.profile = "jws", .payload = &byte, .cty = name},
			"request.cty is longer than 127"},
	};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	assert_refused(rows, sizeof(rows) / sizeof(rows[0]));
}

static void libzegel_refuses_a_member_of_another_profile(void **state)
{
	static const uint8_t byte = 1;
	const struct refusal rows[] = {
		{{.profile = "jws", .payload = &byte, .audience = "a"}, "audience"},
		{{.profile = "jws", .payload = &byte, .claims = "{}"}, "claims"},
		{{.profile = "jws", .payload = &byte, .not_before = true},
			"not_before"},
		{{.profile = "jws", .payload = &byte, .digest_len = 1}, "digest"},
		{{.profile = "dsgo-auth", .audience = "a", .payload = &byte},
			"payload"},
		{{.profile = "dsgo-auth", .audience = "a", .payload_len = 1},
			"payload"},
		{{.profile = "dsgo-auth", .audience = "a", .typ = "JWT"}, "typ"},
		{{.profile = "digest", .digest = &byte, .digest_len = 1, .cty = "a"},
			"cty"},
		{{.profile = "digest", .digest = &byte, .digest_len = 1, .x5c = true},
			"x5c"},
	};

	(void)state;
	assert_refused(rows, sizeof(rows) / sizeof(rows[0]));
}

static void libzegel_reads_nothing_behind_the_size_of_an_older_caller(void **state)
{
	static const uint8_t byte = 1;
	const struct refusal rows[] = {
		{{.size = SIZE_FIRST, .profile = "jws", .payload = &byte},
			"request.payload is missing"},
	};
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal_request request = {
		.size = SIZE_FIRST,
		.key = "k",
		.profile = "dsgo-auth",
		.audience = "did:x",
		.typ = "not read",
	};
	struct zegel_seal *seal = NULL;

	(void)state;
	assert_refused(rows, sizeof(rows) / sizeof(rows[0]));
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, &request, &seal, NULL), ZEGEL_OK);
	zegel_seal_free(seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libzegel_asks_for_a_jws_of_a_payload_alone),
		cmocka_unit_test(libzegel_asks_for_a_jws_with_all_that_it_can_have),
		cmocka_unit_test(libzegel_names_the_member_of_a_jws_that_is_wrong),
		cmocka_unit_test(libzegel_refuses_a_member_of_another_profile),
		cmocka_unit_test(
			libzegel_reads_nothing_behind_the_size_of_an_older_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
