/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of the policy fails once: it says so, keeps nothing, and frees what it
 * had. The linker puts the functions here in the place of the library's (--wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_describe.h"
#include "policy/policy_explain.h"

enum {
	OUT_MAX = 1 << 16,
	N_MAX = 2000, /* more allocations than any of the acts makes */
	N_CLIENTS = 9,
};

struct memory {
	bool is_counting;
	size_t left; /* allocations until one fails */
	bool has_failed;
};

static struct memory *get_memory(void)
{
	static struct memory memory;

	return &memory;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

static bool fails_now(void)
{
	struct memory *memory = get_memory();

	if (!memory->is_counting || memory->left-- > 0)
		return false;
	memory->is_counting = false;
	memory->has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails_now() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return fails_now() ? NULL : __real_reallocarray(old, n, size);
}

static void *json_malloc(size_t size)
{
	return __wrap_malloc(size);
}

#define TEXTS(...)                                                                     \
	(const char *const[])                                                          \
	{                                                                              \
		__VA_ARGS__                                                            \
	}

static const struct policy_claim_spec claims[] = {
	{"/scope", POLICY_CLAIM_MUST_BE, TEXTS("iSHARE"), 1},
	{"/env/~0", POLICY_CLAIM_MAY_BE, TEXTS("test", "json:5"), 2},
	{"/role", POLICY_CLAIM_ABSENT, NULL, 0},
	{"/party", POLICY_CLAIM_MATCHES, TEXTS("did:*"), 1},
};

static const struct policy_hours hours[] = {{480, 1080}};

static const struct policy_rule_spec rule = {.name = "r",
	.key = "k",
	.profile = "dsgo-nr",
	.audiences = TEXTS("b", "a"),
	.n_audiences = 2,
	.claim_specs = claims,
	.n_claim_specs = 4,
	.claims = POLICY_CLAIMS_LISTED,
	.targets = TEXTS("POST /a*", "* /b"),
	.n_targets = 2,
	.hours = hours,
	.n_hours = 1,
	.max_size = 5,
	.rate = {1, 2, 3}};

static const struct policy_rule_spec plain_rule = {
	.name = "plain", .key = "k", .profile = "jws"};

static enum status add_clients(struct policy *policy)
{
	char name[16];
	const char *rival = NULL;

	for (unsigned int i = 0; i < N_CLIENTS; i++) {
		const struct policy_client_spec client = {.name = name,
			.has_user = i % 2 == 0,
			.user = i,
			.unit = name,
			.exe = "/usr/bin/x",
			.label = "x_t",
			.listen = "client"};

		(void)snprintf(name, sizeof(name), "c%u", i);
		TRY(policy_add_client(policy, &client, &rival));
	}
	return STATUS_OK;
}

static enum status build(void)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct policy_rule_spec second = rule;

	second.name = "second";
	TRY(policy_new(&policy));
	TRY(add_clients(policy));
	TRY(policy_add_rule(policy, "c0", &rule));
	return policy_add_rule(policy, "c0", &second);
}

static void policy_says_when_memory_is_out_and_keeps_nothing(void **state)
{
	size_t n = 0;

	(void)state;
	for (; n < N_MAX; n++) {
		enum status status;

		*get_memory() = (struct memory){.is_counting = true, .left = n};
		status = build();
		get_memory()->is_counting = false;
		if (!get_memory()->has_failed) {
			assert_int_equal(status, STATUS_OK);
			break;
		}
		/* A value that cannot be kept is refused as one that cannot be read. */
		assert_true(status == STATUS_NO_MEMORY || status == STATUS_BAD_CONFIG);
	}
	assert_in_range(n, 60, N_MAX - 1);
}

static enum status put_words(const struct policy *policy, struct buf *out)
{
	const struct policy_client *client = policy_get_client(policy, "c0");
	json_t *document = json_loads("{\"scope\":5}", 0, NULL);
	const struct policy_question question = {.key = "k",
		.profile = "dsgo-nr",
		.audience = "a",
		.method = "POST",
		.target = "/a",
		.claims = document};
	const struct policy_question plain = {.key = "k", .profile = "jws"};
	enum status status = STATUS_NO_MEMORY;

	if (document != NULL)
		status = policy_explain(client, &question, out);
	if (status == STATUS_OK)
		status = policy_explain(client, &plain, out);
	json_decref(document);
	TRY(status);
	return policy_describe(client, out);
}

static void explain_says_when_memory_is_out(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(add_clients(policy), STATUS_OK);
	assert_int_equal(policy_add_rule(policy, "c0", &rule), STATUS_OK);
	assert_int_equal(policy_add_rule(policy, "c0", &plain_rule), STATUS_OK);
	for (; n < N_MAX; n++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
		enum status status;

		*get_memory() = (struct memory){.is_counting = true, .left = n};
		status = put_words(policy, &out);
		get_memory()->is_counting = false;
		if (!get_memory()->has_failed) {
			assert_int_equal(status, STATUS_OK);
			break;
		}
		assert_int_equal(status, STATUS_NO_MEMORY);
	}
	assert_in_range(n, 4, N_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_says_when_memory_is_out_and_keeps_nothing),
		cmocka_unit_test(explain_says_when_memory_is_out),
	};

	json_set_alloc_funcs(json_malloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
