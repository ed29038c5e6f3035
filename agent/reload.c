/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include <string.h>

#include "config/config_change.h"
#include "util/log.h"

static enum status record(const struct reload_target *target, struct reload_who who,
	enum status status, const struct config *next)
{
	const struct audit_act act = {
		.act = "reload",
		.uid = who.uid,
		.pid = who.pid,
		.status = status,
		.config_hash = next == NULL
				       ? (struct bytes){NULL, 0}
				       : (struct bytes){next->hash, sizeof(next->hash)},
	};

	return audit_add_act(target->audit, &act);
}

static enum status judge(
	const struct reload_target *target, struct buf *errors, struct config **out)
{
	TRY(config_load(target->path, errors, out));
	return config_change_judge(target->config, *out, errors);
}

static void apply(const struct reload_target *target, struct config *next)
{
	struct config *config = target->config;

	config_change_take(config, next);
	sealer_set_policy(target->sealer, config->policy,
		&(struct sealer_limits){
			.min_left_s = config->min_left_s,
			.line_max = config->line_max,
		});
	server_set_policy(target->server, config->policy);
	if (target->officer != NULL)
		officer_set_policy(target->officer, config->policy);
}

static void log_errors(
	const struct buf *errors, struct reload_who who, enum status status)
{
	struct bytes rest = buf_get(errors);

	log_event(LOG_ERR, "reload refused; nothing has changed",
		"uid=%u status=%s why=\"%s\"", (unsigned int)who.uid,
		status_name(status), status_text(status));
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		const size_t len = end == NULL ? rest.len : (size_t)(end - rest.p);

		log_event(LOG_ERR, "configuration", "why=\"%s\"",
			log_text((struct bytes){rest.p, len}).text);
		rest.p += len + (end == NULL ? 0 : 1);
		rest.len -= len + (end == NULL ? 0 : 1);
	}
}

enum status reload_config(const struct reload_target *target, struct reload_who who,
	struct officer_reload *out)
{
	CLEANUP(config_freep) struct config *next = NULL;
	enum status status = judge(target, &out->errors, &next);
	const enum status recorded = record(target, who, status, next);

	/* Rules that nobody could be shown later must not come into force. */
	if (status == STATUS_OK)
		status = recorded;
	if (status == STATUS_OK)
		apply(target, next);
	else
		log_errors(&out->errors, who, status);
	audit_reopen(target->audit);
	memcpy(out->config_hash, target->config->hash, sizeof(out->config_hash));
	if (status == STATUS_OK)
		log_event(LOG_NOTICE, "reloaded", "uid=%u clients=%zu",
			(unsigned int)who.uid,
			policy_get_n_clients(target->config->policy));
	return status;
}
