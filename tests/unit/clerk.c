/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/loop.h"

enum {
	LOOK_MS = 5,
	PATIENCE_MS = 20000, /* of what must not take long */
	KINDS_LEN = 512,
	PATH_LEN = 128,
};

static const uint8_t some_hash[CLERK_SEAL_LEN] = {1, 2, 3};

static void release(struct clerk *clerk, uint64_t seq)
{
	for (size_t i = 0; i < clerk->n_seals; i++) {
		struct clerk_seal *seal = &clerk->seals[i];

		if (seal->seq <= seq && !seal->is_dropped)
			seal->is_released = true;
	}
}

static void drop_behind(struct clerk *clerk, uint64_t seq)
{
	for (size_t i = 0; i < clerk->n_seals; i++) {
		struct clerk_seal *seal = &clerk->seals[i];

		if (seal->seq > seq && !seal->is_released)
			seal->is_dropped = true;
	}
}

static void on_written(void *context, enum status status, uint64_t seq)
{
	struct clerk *clerk = context;

	if (status != STATUS_OK) {
		clerk->n_failures++;
		clerk->n_ready = 0;
		drop_behind(clerk, seq);
		return;
	}
	assert_true(seq >= clerk->written);
	clerk->written = seq;
	for (size_t i = 0; i < clerk->n_ready; i++) {
		assert_true(clerk->ready[i] <= seq);
		assert_true(clerk->n_given < CLERK_PROMISES);
		clerk->given[clerk->n_given++] = clerk->ready[i];
	}
	clerk->n_ready = 0;
	if (!audit_waits_for_sync(clerk->audit))
		release(clerk, seq);
}

static void on_durable(void *context, uint64_t seq)
{
	struct clerk *clerk = context;

	clerk->durable = seq;
	release(clerk, seq);
}

static void on_turn_end(void *context)
{
	struct clerk *clerk = context;

	clerk->n_turns++;
	audit_flush(clerk->audit);
	if (audit_has_lines(clerk->audit))
		audit_flush(clerk->audit);
}

void clerk_init(struct clerk *clerk)
{
	memset(clerk, 0, sizeof(*clerk));
	(void)snprintf(clerk->folder, sizeof(clerk->folder), "/tmp/record-XXXXXX");
	assert_non_null(mkdtemp(clerk->folder));
	clerk->spec = (struct record_spec){.directory = clerk->folder};
}

void clerk_deinit(struct clerk *clerk)
{
	clerk_close(clerk);
	ledger_remove(clerk->folder);
}

enum status clerk_try_open(struct clerk *clerk)
{
	const struct audit_events events = {
		.context = clerk, .on_written = on_written, .on_durable = on_durable};
	struct audit_setup setup = {.spec = &clerk->spec,
		.version = "test",
		.config_hash = {some_hash, sizeof(some_hash)}};
	enum status status;

	assert_null(clerk->loop);
	assert_int_equal(loop_new(&clerk->loop), STATUS_OK);
	setup.loop = clerk->loop;
	status = audit_open(&setup, &clerk->audit);
	if (status != STATUS_OK) {
		assert_null(clerk->audit);
		loop_freep(&clerk->loop);
		return status;
	}
	audit_set_events(clerk->audit, &events);
	clerk->written = audit_get_n_lines(clerk->audit);
	clerk->durable = clerk->written;
	clerk->n_ready = 0;
	/* What the last life had not released yet it never will. */
	drop_behind(clerk, 0);
	loop_set_turn_end(clerk->loop, on_turn_end, clerk);
	return STATUS_OK;
}

void clerk_open(struct clerk *clerk)
{
	assert_int_equal(clerk_try_open(clerk), STATUS_OK);
}

void clerk_close(struct clerk *clerk)
{
	audit_close(&clerk->audit);
	assert_null(clerk->audit);
	loop_freep(&clerk->loop);
}

uint64_t clerk_attempt(struct clerk *clerk)
{
	const struct audit_attempt attempt = {
		.who = {.client = "api", .uid = 1000, .pid = 42, .unit = "api.service"},
		.connection = 1,
		.request = 2,
		.number = 1,
		.rule = "login",
		.key = "seal",
		.profile = "dsgo-auth",
		.algorithm = "RS256",
		.digest = {some_hash, sizeof(some_hash)},
		.jti = "5a9d",
		.audience = "did:x",
		.certificate = {some_hash, sizeof(some_hash)},
		.token = "usb",
	};
	uint64_t seq = 0;
	const enum status status = audit_add_attempt(clerk->audit, &attempt, &seq);

	if (status != STATUS_OK) {
		assert_int_equal(status, STATUS_NO_RECORD);
		return 0;
	}
	assert_true(clerk->n_ready < CLERK_PROMISES);
	clerk->ready[clerk->n_ready++] = seq;
	return seq;
}

bool clerk_seal(struct clerk *clerk, uint64_t attempt)
{
	const struct audit_outcome outcome = {.attempt = attempt,
		.status = "OK",
		.seal = {some_hash, sizeof(some_hash)}};
	uint64_t seq;

	if (audit_add_outcome(clerk->audit, &outcome, &seq) != STATUS_OK)
		return false;
	assert_true(clerk->n_seals < CLERK_PROMISES);
	clerk->seals[clerk->n_seals++] =
		(struct clerk_seal){.attempt = attempt, .seq = seq};
	return true;
}

bool clerk_fail(struct clerk *clerk, uint64_t attempt)
{
	const struct audit_outcome outcome = {.attempt = attempt, .status = "LOST"};
	uint64_t seq;

	return audit_add_outcome(clerk->audit, &outcome, &seq) == STATUS_OK;
}

bool clerk_refuse(struct clerk *clerk, uid_t uid, enum status status)
{
	const struct audit_refusal refusal = {
		.who = {.client = "api", .uid = uid, .pid = 42, .unit = ""},
		.connection = 1,
		.request = 2,
		.rule = "audience",
		.nearest = "login",
		.key = "seal",
		.profile = "dsgo-auth",
		.audience = "did:y",
		.status = status,
	};

	clerk->n_refusals++;
	return audit_add_refusal(clerk->audit, &refusal);
}

enum status clerk_act(struct clerk *clerk)
{
	const struct audit_act act = {
		.act = "reload", .uid = 0, .pid = 1, .status = STATUS_OK};

	return audit_add_act(clerk->audit, &act);
}

/* While the loop runs. */
struct run {
	struct clerk *clerk;
	clerk_fn *until; /* NULL: for the time */
	int left_ms;
	bool is_late;
	struct loop_timer timer;
};

static void on_look(void *context)
{
	struct run *run = context;
	const bool is_done = run->until != NULL && run->until(run->clerk);

	run->left_ms -= LOOK_MS;
	run->is_late = run->until != NULL && !is_done && run->left_ms <= 0;
	if (is_done || run->left_ms <= 0) {
		loop_stop(run->clerk->loop);
		return;
	}
	/* Of real time: the clock of the loop is the test's. */
	(void)usleep(LOOK_MS * 1000);
	assert_int_equal(
		loop_timer_set(run->clerk->loop, &run->timer, clock_monotonic_ms() + 1),
		STATUS_OK);
}

static void run_for(struct clerk *clerk, clerk_fn *until, int ms)
{
	struct run run = {.clerk = clerk, .until = until, .left_ms = ms};

	run.timer = (struct loop_timer){.call = on_look, .context = &run};
	on_turn_end(clerk);
	assert_int_equal(loop_timer_set(clerk->loop, &run.timer, 1), STATUS_OK);
	assert_int_equal(loop_run(clerk->loop), STATUS_OK);
	loop_timer_remove(clerk->loop, &run.timer);
	if (run.is_late)
		fail_msg("it takes too long: trouble \"%s\"",
			audit_get_why(clerk->audit));
}

void clerk_run(struct clerk *clerk, clerk_fn *until)
{
	run_for(clerk, until, PATIENCE_MS);
}

size_t clerk_count(const struct clerk *clerk, const char *kind)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	ledger_read(&ledger, clerk->folder);
	return ledger_count(&ledger, kind);
}

void clerk_run_ms(struct clerk *clerk, int ms)
{
	run_for(clerk, NULL, ms);
}

bool clerk_is_sealing(const struct clerk *clerk)
{
	return audit_get_status(clerk->audit) == STATUS_OK;
}

bool clerk_is_refusing(const struct clerk *clerk)
{
	return audit_get_status(clerk->audit) == STATUS_NO_RECORD;
}

bool clerk_is_durable(const struct clerk *clerk)
{
	return clerk->n_ready == 0 && !audit_has_lines(clerk->audit) &&
	       clerk->durable == audit_get_n_lines(clerk->audit);
}

struct clerk *clerk_new_shared(void)
{
	struct clerk *clerk = mmap(NULL, sizeof(*clerk), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(clerk != MAP_FAILED);
	clerk_init(clerk);
	return clerk;
}

void clerk_free_shared(struct clerk *clerk)
{
	clerk_deinit(clerk);
	assert_int_equal(munmap(clerk, sizeof(*clerk)), 0);
}

int clerk_live(struct clerk *clerk, clerk_life_fn *live)
{
	const pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* An assertion ends the life, and does not go on with the next test. */
		(void)setenv("CMOCKA_TEST_ABORT", "1", 1);
		live(clerk);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Its memory is gone, and ours never knew it. */
	clerk->audit = NULL;
	clerk->loop = NULL;
	clerk->spec.directory = clerk->folder;
	return status;
}

static void judge_promises(const struct clerk *clerk, const struct ledger *ledger)
{
	assert_true(
		ledger->n == 0 || ledger->lines[ledger->n - 1].seq >= clerk->durable);
	for (size_t i = 0; i < clerk->n_given; i++) {
		const uint64_t seq = clerk->given[i];

		assert_true(seq >= 1 && seq <= ledger->n);
		assert_string_equal(ledger->lines[seq - 1].kind, "attempt");
	}
	for (size_t i = 0; i < clerk->n_seals; i++) {
		const struct clerk_seal *seal = &clerk->seals[i];
		const struct ledger_line *line;

		if (!seal->is_released)
			continue;
		line = ledger_find(ledger, "outcome", seal->attempt);
		if (line == NULL)
			fail_msg("the seal of attempt %llu was released without line "
				 "%llu",
				(unsigned long long)seal->attempt,
				(unsigned long long)seal->seq);
		assert_string_equal(line->status, "OK");
		assert_int_equal(line->seq, seal->seq);
	}
}

void clerk_check(const struct clerk *clerk)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	ledger_read(&ledger, clerk->folder);
	judge_promises(clerk, &ledger);
}

void clerk_judge(struct clerk *clerk)
{
	CLEANUP(ledger_deinit) struct ledger before = {.n = 0};
	CLEANUP(ledger_deinit) struct ledger after = {.n = 0};

	clerk_close(clerk);
	ledger_read(&before, clerk->folder);
	judge_promises(clerk, &before);
	clerk_open(clerk);
	clerk_close(clerk);
	ledger_read(&after, clerk->folder);
	judge_promises(clerk, &after);
	assert_int_equal(after.torn_len, 0);
	assert_int_equal(ledger_count_open(&after), 0);
	assert_true(after.n >= before.n + 2);
}

void clerk_assert_last(const struct clerk *clerk, size_t n, const char *kinds)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};
	char found[KINDS_LEN];

	ledger_read(&ledger, clerk->folder);
	ledger_tell_kinds(&ledger, n, sizeof(found), found);
	assert_string_equal(found, kinds);
}

const char *clerk_path(const struct clerk *clerk, const char *name)
{
	static char paths[2][PATH_LEN];
	static size_t at;

	at = (at + 1) % ARRAY_LEN(paths);
	(void)snprintf(paths[at], sizeof(paths[at]), "%s/%s", clerk->folder, name);
	return paths[at];
}
