/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of both ends: each kind of message is a row, with its length and its own
 * judge. Nothing is read that did not arrive: the length is judged before the fields.
 */
#include "job.h"

#include <string.h>

enum {
	DEADLINE_MAX_MS = 3600 * 1000, /* one operation; an hour is a slip of the pen */
};

static bool is_text(const char *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

static bool is_filled_text(const char *text, size_t room)
{
	return text[0] != '\0' && is_text(text, room);
}

static bool is_flag(uint32_t value)
{
	return value <= 1;
}

static bool is_outcome(uint32_t outcome)
{
	return outcome <= JOB_SKIPPED;
}

static bool is_variable(const char *variable)
{
	return is_text(variable, JOB_VARIABLE_MAX) && variable[0] != '=' &&
	       strchr(variable, '=') != NULL;
}

static bool is_open(const union job_message *message)
{
	const struct token_open *open = &message->open;

	if (open->n_sessions == 0 || open->n_sessions > JOB_SESSIONS_MAX ||
		open->n_keys > JOB_KEYS_MAX || open->deadline_ms == 0 ||
		open->deadline_ms > DEADLINE_MAX_MS ||
		open->n_environment > JOB_ENVIRONMENT_MAX || !is_flag(open->has_pin) ||
		open->reserved != 0)
		return false;
	for (size_t i = 0; i < JOB_ENVIRONMENT_MAX; i++) {
		const char *variable = open->environment[i];

		if (i < open->n_environment ? !is_variable(variable)
					    : variable[0] != '\0')
			return false;
	}
	return is_filled_text(open->module, sizeof(open->module)) &&
	       is_filled_text(open->uri, sizeof(open->uri));
}

static bool is_key(const union job_message *message)
{
	const struct token_key *key = &message->key;

	return key->key_id < JOB_KEYS_MAX && key->reserved == 0 &&
	       is_filled_text(key->uri, sizeof(key->uri));
}

static bool is_login(const union job_message *message)
{
	return is_flag(message->login.may_login) && message->login.reserved == 0;
}

/* A digest is as long as its hash; ECDSA takes any of the three. */
static bool is_data_len(uint32_t operation, uint32_t len)
{
	switch ((enum job_operation)operation) {
	case JOB_RSA_PKCS1_SHA256:
	case JOB_RSA_PSS_SHA256:
		return len == 32;
	case JOB_RSA_PKCS1_SHA384:
	case JOB_RSA_PSS_SHA384:
		return len == 48;
	case JOB_RSA_PKCS1_SHA512:
	case JOB_RSA_PSS_SHA512:
		return len == 64;
	case JOB_ECDSA:
		return len == 32 || len == 48 || len == 64;
	}
	return false;
}

static bool is_sign(const union job_message *message)
{
	const struct token_job *job = &message->job;

	return job->key_id < JOB_KEYS_MAX && job->reserved == 0 &&
	       is_data_len(job->operation, job->data_len);
}

static bool is_found(const union job_message *message)
{
	const struct token_found *found = &message->found;

	return is_text(found->label, sizeof(found->label)) &&
	       is_text(found->serial, sizeof(found->serial)) &&
	       is_text(found->model, sizeof(found->model)) &&
	       is_text(found->manufacturer, sizeof(found->manufacturer)) &&
	       is_flag(found->has_login_required) && is_flag(found->is_pin_count_low) &&
	       is_flag(found->is_pin_final_try) && is_flag(found->is_pin_locked);
}

static bool is_may_login(const union job_message *message)
{
	(void)message;
	return true;
}

static bool is_logged_in(const union job_message *message)
{
	return is_outcome(message->logged_in.outcome) &&
	       message->logged_in.reserved == 0;
}

static bool is_key_is(const union job_message *message)
{
	const struct token_key_is *key = &message->key_is;

	/* A key of no known type cannot be usable. */
	if (key->state == JOB_KEY_USABLE && key->type == JOB_KEY_UNKNOWN)
		return false;
	return key->key_id < JOB_KEYS_MAX && key->state <= JOB_KEY_ERROR &&
	       key->type <= JOB_KEY_EC &&
	       is_text(key->attribute, sizeof(key->attribute));
}

static bool is_session_up(const union job_message *message)
{
	return message->session_up.session_id < JOB_SESSIONS_MAX &&
	       is_outcome(message->session_up.outcome);
}

static bool is_signed(const union job_message *message)
{
	const struct token_result *result = &message->result;

	/* Bytes come with JOB_DONE and with nothing else. */
	return result->session_id < JOB_SESSIONS_MAX && is_outcome(result->outcome) &&
	       result->reserved == 0 &&
	       (result->outcome == JOB_DONE) == (result->signature_len > 0);
}

static bool is_failed(const union job_message *message)
{
	const struct token_failed *failed = &message->failed;

	return is_outcome(failed->outcome) && failed->outcome != JOB_DONE &&
	       failed->reserved == 0 && is_text(failed->call, sizeof(failed->call)) &&
	       is_text(failed->text, sizeof(failed->text));
}

/* len: of the whole struct, or up to its tail; tail_at: where the tail's length is. */
struct shape {
	enum job_kind kind;
	size_t len;
	size_t tail_at;
	size_t tail_max; /* 0: no tail */
	bool (*is_good)(const union job_message *message);
};

#define NO_TAIL 0, 0

static const struct shape shapes[] = {
	{JOB_OPEN, sizeof(struct token_open), NO_TAIL, is_open},
	{JOB_KEY, sizeof(struct token_key), NO_TAIL, is_key},
	{JOB_LOGIN, sizeof(struct token_login), NO_TAIL, is_login},
	{JOB_SIGN, offsetof(struct token_job, data),
		offsetof(struct token_job, data_len), JOB_DATA_MAX, is_sign},
	{JOB_FOUND, sizeof(struct token_found), NO_TAIL, is_found},
	{JOB_MAY_LOGIN, sizeof(struct token_may_login), NO_TAIL, is_may_login},
	{JOB_LOGGED_IN, sizeof(struct token_logged_in), NO_TAIL, is_logged_in},
	{JOB_KEY_IS, offsetof(struct token_key_is, public_key),
		offsetof(struct token_key_is, public_len), JOB_PUBLIC_MAX, is_key_is},
	{JOB_SESSION_UP, sizeof(struct token_session_up), NO_TAIL, is_session_up},
	{JOB_SIGNED, offsetof(struct token_result, signature),
		offsetof(struct token_result, signature_len), JOB_SIGNATURE_MAX,
		is_signed},
	{JOB_FAILED, sizeof(struct token_failed), NO_TAIL, is_failed},
};

static const struct shape *find_shape(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		if (shapes[i].kind == kind)
			return &shapes[i];
	}
	return NULL;
}

static size_t get_tail_len(const struct shape *shape, const union job_message *message)
{
	uint32_t len = 0;

	if (shape->tail_max > 0)
		memcpy(&len, (const uint8_t *)message + shape->tail_at, sizeof(len));
	return len;
}

size_t job_length(const union job_message *message)
{
	const struct shape *shape = find_shape(message->head.kind);
	size_t tail_len;

	must(shape != NULL);
	tail_len = get_tail_len(shape, message);
	must(tail_len <= shape->tail_max);
	return shape->len + tail_len;
}

bool job_is_whole(const union job_message *message, size_t len)
{
	const struct shape *shape;
	size_t tail_len;

	if (len < sizeof(message->head) || message->head.layout != JOB_LAYOUT)
		return false;
	shape = find_shape(message->head.kind);
	if (shape == NULL || len < shape->len)
		return false;
	tail_len = get_tail_len(shape, message);
	return tail_len <= shape->tail_max && len == shape->len + tail_len &&
	       shape->is_good(message);
}
