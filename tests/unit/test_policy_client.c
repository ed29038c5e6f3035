/* SPDX-License-Identifier: Apache-2.0 */
/* Who is which client: all that is asked must fit, and nobody may be two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_client.h"

enum {
	N_MANY = 10000,
	N_ROUNDS = 2000,
	N_PEERS = 40,
};

static const gid_t groups[] = {20, 30};

#define PEER                                                                           \
	.uid = 1000, .gid = 10, .groups = groups, .n_groups = 2, .unit = "a.service",  \
	.exe = "/usr/bin/a", .label = "a_t", .listen = "client"

struct peer_case {
	struct policy_client_spec client;
	struct policy_peer peer;
	bool fits;
};

#define USER(n)  .has_user = true, .user = (n)
#define GROUP(n) .has_group = true, .group = (n)

static const struct peer_case peer_cases[] = {
	{{USER(1000)}, {PEER}, true},
	{{USER(1001)}, {PEER}, false},
	{{USER(0)}, {PEER}, false},
	{{GROUP(10)}, {PEER}, true},
	{{GROUP(20)}, {PEER}, true},
	{{GROUP(30)}, {PEER}, true},
	{{GROUP(40)}, {PEER}, false},
	{{GROUP(0)}, {PEER}, false},
	{{GROUP(10)}, {.uid = 1, .gid = 10}, true},
	{{GROUP(20)}, {.uid = 1, .gid = 10}, false},
	{{.unit = "a.service"}, {PEER}, true},
	{{.unit = "b.service"}, {PEER}, false},
	{{.unit = "a.servic"}, {PEER}, false},
	{{.exe = "/usr/bin/a"}, {PEER}, true},
	{{.exe = "/usr/bin/b"}, {PEER}, false},
	{{.label = "a_t"}, {PEER}, true},
	{{.label = "b_t"}, {PEER}, false},
	{{.listen = "client"}, {PEER}, true},
	{{.listen = "other"}, {PEER}, false},
	/* What is not known does not fit what is asked. */
	{{.unit = "a.service"}, {.uid = 1000, .unit = ""}, false},
	{{.unit = "a.service"}, {.uid = 1000}, false},
	{{.exe = "/usr/bin/a"}, {.uid = 1000}, false},
	{{.label = "a_t"}, {.uid = 1000}, false},
	{{.listen = "client"}, {.uid = 1000}, false},
	/* All of it must fit. */
	{{USER(1000), GROUP(20), .unit = "a.service", .exe = "/usr/bin/a",
		 .label = "a_t", .listen = "client"},
		{PEER}, true},
	{{USER(1001), GROUP(20), .unit = "a.service"}, {PEER}, false},
	{{USER(1000), GROUP(21), .unit = "a.service"}, {PEER}, false},
	{{USER(1000), GROUP(20), .unit = "b.service"}, {PEER}, false},
	{{USER(1000), .exe = "/usr/bin/b"}, {PEER}, false},
	{{USER(1000), .label = "b_t"}, {PEER}, false},
	{{USER(1000), .listen = "b"}, {PEER}, false},
};

static enum status add(struct policy *policy, const char *name,
	const struct policy_client_spec *client, const char **rival)
{
	struct policy_client_spec spec = *client;

	spec.name = name;
	spec.weight = 1;
	return policy_add_client(policy, &spec, rival);
}

static void client_fits_when_all_that_is_asked_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(peer_cases); i++) {
		CLEANUP(policy_freep) struct policy *policy = NULL;
		CLEANUP(policy_client_deinit) struct policy_client client = {0};
		struct policy_client_spec spec = peer_cases[i].client;
		const char *rival = NULL;

		spec.name = "c";
		assert_int_equal(policy_client_init(&client, &spec), STATUS_OK);
		assert_true(policy_client_is(&client, &peer_cases[i].peer) ==
			    peer_cases[i].fits);

		assert_int_equal(policy_new(&policy), STATUS_OK);
		assert_int_equal(
			add(policy, "c", &peer_cases[i].client, &rival), STATUS_OK);
		if ((policy_find_client(policy, &peer_cases[i].peer) != NULL) !=
			peer_cases[i].fits)
			fail_msg("case %zu", i);
	}
}

/* Two sections, and whether some peer could be both. */
static const struct {
	struct policy_client_spec a;
	struct policy_client_spec b;
	bool is_ambiguous;
} pairs[] = {
	{{USER(1)}, {USER(1)}, true},
	{{USER(1)}, {USER(2)}, false},
	{{USER(1)}, {GROUP(1)}, true},
	{{USER(1)}, {.unit = "a.service"}, true},
	{{USER(1), .unit = "a.service"}, {USER(1)}, true},
	{{USER(1), .unit = "a.service"}, {USER(1), .unit = "b.service"}, false},
	{{USER(1), .unit = "a.service"}, {USER(2), .unit = "a.service"}, false},
	{{USER(1), .unit = "a.service"}, {USER(1), .exe = "/b"}, true},
	{{USER(1), .exe = "/a"}, {USER(1), .exe = "/b"}, false},
	{{USER(1), .label = "a"}, {USER(1), .label = "b"}, false},
	{{USER(1), .listen = "a"}, {USER(1), .listen = "b"}, false},
	{{.listen = "a"}, {.listen = "b"}, false},
	{{.listen = "a"}, {.listen = "a"}, true},
	/* One process is in many groups. */
	{{GROUP(1)}, {GROUP(2)}, true},
	{{GROUP(1)}, {GROUP(1)}, true},
	{{GROUP(1), .listen = "a"}, {GROUP(2), .listen = "b"}, false},
	{{USER(1), GROUP(1)}, {USER(1), GROUP(2)}, true},
	{{USER(1), GROUP(1)}, {USER(2), GROUP(1)}, false},
	{{GROUP(1), .unit = "a.service"}, {USER(5), .unit = "b.service"}, false},
	{{GROUP(1), .unit = "a.service"}, {USER(5), .unit = "a.service"}, true},
};

static void client_is_refused_when_a_peer_could_be_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(pairs); i++) {
		const size_t at = i / 2;
		CLEANUP(policy_freep) struct policy *policy = NULL;
		CLEANUP(policy_client_deinit) struct policy_client client = {0};
		struct policy_client_spec spec = pairs[at].a;
		const char *rival = NULL;
		enum status status;

		spec.name = "c";
		assert_int_equal(policy_client_init(&client, &spec), STATUS_OK);
		assert_true(policy_client_is_apart(&client, &pairs[at].b) !=
			    pairs[at].is_ambiguous);

		assert_int_equal(policy_new(&policy), STATUS_OK);
		assert_int_equal(
			add(policy, "first", i % 2 == 0 ? &pairs[at].a : &pairs[at].b,
				&rival),
			STATUS_OK);
		status = add(policy, "second", i % 2 == 0 ? &pairs[at].b : &pairs[at].a,
			&rival);
		if (status != (pairs[at].is_ambiguous ? STATUS_BAD_CONFIG : STATUS_OK))
			fail_msg("pair %zu", at);
		if (pairs[at].is_ambiguous)
			assert_string_equal(rival, "first");
		else
			assert_null(rival);
	}
}

/* None is a rival, so none is named. */
static void client_is_refused_when_it_asks_nothing(void **state)
{
	static const struct policy_client_spec nothing[] = {
		{.name = NULL},
		{.unit = ""},
		{.exe = ""},
		{USER(7), .label = ""},
		{USER(7), .listen = ""},
	};
	CLEANUP(policy_freep) struct policy *policy = NULL;
	const struct policy_client_spec good = {USER(1)};
	const struct policy_client_spec other = {USER(2)};
	const char *rival = "x";

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		assert_int_equal(
			add(policy, "c", &nothing[i], &rival), STATUS_BAD_CONFIG);
		assert_null(rival);
	}
	assert_int_equal(add(policy, "c", &good, &rival), STATUS_OK);
	/* The name is taken. */
	assert_int_equal(add(policy, "c", &other, &rival), STATUS_BAD_CONFIG);
	assert_null(rival);
	assert_int_equal(policy_get_n_clients(policy), 1);
}

/* xorshift64: the same in every run and on every machine. */
static uint64_t next_random(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

static const char *const texts[] = {NULL, NULL, NULL, "x", "y"};

static const char *random_text(uint64_t *seed)
{
	return texts[next_random(seed, ARRAY_LEN(texts))];
}

static struct policy_client_spec random_client(uint64_t *seed)
{
	struct policy_client_spec spec = {.has_user = next_random(seed, 3) > 0,
		.user = (uid_t)next_random(seed, 4),
		.has_group = next_random(seed, 4) == 0,
		.group = (gid_t)next_random(seed, 3)};

	spec.unit = random_text(seed);
	spec.exe = random_text(seed);
	spec.label = random_text(seed);
	spec.listen = random_text(seed);
	return spec;
}

/* The one who is both, as far as that goes. */
static bool could_be_both(
	const struct policy_client_spec *a, const struct policy_client_spec *b)
{
	const char *const of_a[] = {a->unit, a->exe, a->label, a->listen};
	const char *const of_b[] = {b->unit, b->exe, b->label, b->listen};

	for (size_t i = 0; i < ARRAY_LEN(of_a); i++) {
		if (of_a[i] != NULL && of_b[i] != NULL && strcmp(of_a[i], of_b[i]) != 0)
			return false;
	}
	return !a->has_user || !b->has_user || a->user == b->user;
}

static bool fits(const struct policy_client_spec *spec, const struct policy_peer *peer)
{
	const char *const asked[] = {spec->unit, spec->exe, spec->label, spec->listen};
	const char *const found[] = {peer->unit, peer->exe, peer->label, peer->listen};
	bool has_group = peer->gid == spec->group;

	for (size_t i = 0; i < peer->n_groups; i++)
		has_group = has_group || peer->groups[i] == spec->group;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		if (asked[i] != NULL &&
			(found[i] == NULL || strcmp(asked[i], found[i]) != 0))
			return false;
	}
	return (!spec->has_user || spec->user == peer->uid) &&
	       (!spec->has_group || has_group);
}

/* Some sections that are apart. */
struct crowd {
	struct policy *policy; /* owns */
	struct policy_client_spec specs[8];
	char names[8][4];
	size_t n;
};

static void grow_crowd(struct crowd *crowd, uint64_t *seed)
{
	for (size_t i = 0; i < ARRAY_LEN(crowd->specs); i++) {
		const struct policy_client_spec spec = random_client(seed);
		const bool asks = spec.has_user || spec.has_group ||
				  spec.unit != NULL || spec.exe != NULL ||
				  spec.label != NULL || spec.listen != NULL;
		bool is_apart = true;
		const char *rival = NULL;

		for (size_t j = 0; j < crowd->n; j++)
			is_apart = is_apart && !could_be_both(&spec, &crowd->specs[j]);
		(void)snprintf(crowd->names[crowd->n], sizeof(crowd->names[0]), "c%zu",
			crowd->n);
		assert_int_equal(
			add(crowd->policy, crowd->names[crowd->n], &spec, &rival),
			is_apart && asks ? STATUS_OK : STATUS_BAD_CONFIG);
		assert_true((rival != NULL) == !is_apart);
		if (is_apart && asks)
			crowd->specs[crowd->n++] = spec;
	}
}

static void check_peer(const struct crowd *crowd, uint64_t *seed)
{
	const gid_t others[] = {
		(gid_t)next_random(seed, 3), (gid_t)next_random(seed, 3)};
	const struct policy_peer peer = {.uid = (uid_t)next_random(seed, 4),
		.gid = (gid_t)next_random(seed, 3),
		.groups = others,
		.n_groups = (size_t)next_random(seed, 3),
		.unit = random_text(seed),
		.exe = random_text(seed),
		.label = random_text(seed),
		.listen = random_text(seed)};
	const char *wanted = "";
	size_t n = 0;

	for (size_t i = 0; i < crowd->n; i++) {
		if (!fits(&crowd->specs[i], &peer))
			continue;
		wanted = crowd->names[i];
		n++;
	}
	assert_true(n <= 1);
	assert_string_equal(
		policy_client_get_name(policy_find_client(crowd->policy, &peer)),
		wanted);
}

static void client_is_found_as_by_looking_at_all(void **state)
{
	uint64_t seed = UINT64_C(0x5a6567656c);

	(void)state;
	for (size_t i = 0; i < N_ROUNDS; i++) {
		CLEANUP(policy_freep) struct policy *policy = NULL;
		struct crowd crowd = {.n = 0};

		assert_int_equal(policy_new(&policy), STATUS_OK);
		crowd.policy = policy;
		grow_crowd(&crowd, &seed);
		for (size_t j = 0; j < N_PEERS; j++)
			check_peer(&crowd, &seed);
	}
}

/* Ten thousand, of which one half shares a user and the other asks for none. */
static void client_is_one_of_ten_thousand_without_a_user_of_its_own(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	const char *rival = NULL;
	char name[32];

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	for (unsigned int i = 0; i < N_MANY; i++) {
		const struct policy_client_spec spec = {
			.has_user = i % 2 == 0, .user = 5, .unit = name};

		(void)snprintf(name, sizeof(name), "unit-%u.service", i);
		assert_int_equal(add(policy, name, &spec, &rival), STATUS_OK);
	}
	for (unsigned int i = 0; i < N_MANY; i += 97) {
		const struct policy_peer right = {.uid = 5, .unit = name};
		const struct policy_peer wrong = {.uid = 6, .unit = name};

		(void)snprintf(name, sizeof(name), "unit-%u.service", i);
		assert_string_equal(
			policy_client_get_name(policy_find_client(policy, &right)),
			name);
		assert_string_equal(
			policy_client_get_name(policy_find_client(policy, &wrong)),
			i % 2 == 0 ? "" : name);
	}
}

static void client_has_a_name_and_a_weight(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	CLEANUP(policy_freep) struct policy *held = NULL;
	const struct policy_client_spec heavy = {
		.name = "heavy", USER(1), .weight = 100};
	const struct policy_client_spec plain = {.name = "plain", USER(2)};
	const char *rival = NULL;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &heavy, &rival), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &plain, &rival), STATUS_OK);
	held = policy_hold(policy);
	policy_freep(&policy);
	assert_int_equal(policy_get_n_clients(held), 2);
	assert_int_equal(
		policy_client_get_weight(policy_get_client(held, "heavy")), 100);
	assert_int_equal(policy_client_get_weight(policy_get_client(held, "plain")), 1);
	assert_int_equal(policy_client_get_weight(NULL), 1);
	assert_string_equal(policy_client_get_name(NULL), "");
	assert_string_equal(
		policy_client_get_name(policy_get_client_at(held, 1)), "plain");
	assert_null(policy_get_client(held, "none"));
}

static void client_shows_its_rules_in_order(void **state)
{
	static const struct policy_rule_spec rules[] = {
		{.name = "3", .key = "k", .profile = "jws"},
		{.name = "4",
			.key = "k",
			.profile = "jws",
			.claims = POLICY_CLAIMS_ANY},
		{.name = "1", .key = "k", .profile = "digest"},
		{.name = "0", .key = "a", .profile = "dsgo-auth"},
		{.name = "2", .key = "k", .profile = "dsgo-auth"},
	};
	CLEANUP(policy_freep) struct policy *policy = NULL;
	const struct policy_client_spec spec = {.name = "c", USER(1)};
	const struct policy_client *client;
	const char *rival = NULL;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &spec, &rival), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(policy_add_rule(policy, "c", &rules[i]), STATUS_OK);
	client = policy_get_client(policy, "c");
	assert_int_equal(policy_count_rules(client), ARRAY_LEN(rules));
	assert_int_equal(policy_count_rules(NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct policy_rule_view view;

		policy_get_rule(client, i, &view);
		assert_string_equal(
			view.name, ((const char *[]){"0", "1", "2", "3", "4"})[i]);
		assert_string_equal(view.key, i == 0 ? "a" : "k");
		assert_true(view.is_master == (i == 1 || i == 4));
	}
	assert_int_equal(policy_count_users(policy, "k"), 1);
	assert_int_equal(policy_count_users(policy, "b"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_fits_when_all_that_is_asked_does),
		cmocka_unit_test(client_is_refused_when_a_peer_could_be_two),
		cmocka_unit_test(client_is_refused_when_it_asks_nothing),
		cmocka_unit_test(client_is_found_as_by_looking_at_all),
		cmocka_unit_test(
			client_is_one_of_ten_thousand_without_a_user_of_its_own),
		cmocka_unit_test(client_has_a_name_and_a_weight),
		cmocka_unit_test(client_shows_its_rules_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
