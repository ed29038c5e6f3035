/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel whoami: how the agent sees us and what it lets us do. Exits 0 also when that is
 * nothing: the answer is what was asked for.
 */
#include <inttypes.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "output.h"
#include "say.h"

enum {
	COLUMN = 20,
};

static const char name[] = "whoami";

/* NULL when there is no memory; json_pack() then gives NULL too. */
static json_t *new_groups(const struct zegel_identity *who)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < who->n_groups; i++) {
		if (json_array_append_new(groups, json_integer(who->groups[i])) != 0) {
			json_decref(groups);
			return NULL;
		}
	}
	return groups;
}

static json_t *new_rules(const struct zegel_identity *who)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < who->n_rules; i++) {
		const struct zegel_rule *rule = who->rules[i];
		json_t *one = json_pack("{s:s, s:s, s:s, s:b}", "name", rule->name,
			"key", rule->key, "profile", rule->profile, "is_master",
			(int)rule->is_master);

		if (json_array_append_new(rules, one) != 0) {
			json_decref(rules);
			return NULL;
		}
	}
	return rules;
}

/* What is not known, or not there, is null. */
static json_t *new_json(const struct zegel_identity *who)
{
	const char *client = who->client[0] == '\0' ? NULL : who->client;

	return json_pack("{s:s?, s:I, s:I, s:I, s:o, s:b, s:s?, s:s?, s:s?, s:s, s:o}",
		"client", client, "uid", (json_int_t)who->uid, "gid",
		(json_int_t)who->gid, "pid", (json_int_t)who->pid, "groups",
		new_groups(who), "is_unclear", (int)who->is_unclear, "unit", who->unit,
		"exe", who->exe, "label", who->label, "listen", who->listen, "rules",
		new_rules(who));
}

static void print_fact(const char *what, const char *text)
{
	output_format("%-8s  ", what);
	output_foreign(text == NULL ? "-" : text);
	output_format("\n");
}

static void print_padded(const char *text)
{
	output_foreign(text);
	for (size_t n = strlen(text); n < COLUMN; n++)
		output_format(" ");
	output_format("  ");
}

static void print_text(const struct zegel_identity *who)
{
	print_fact("client", who->client[0] == '\0' ? NULL : who->client);
	output_format("uid       %" PRIu32 "\ngid       %" PRIu32 "\ngroups    ",
		who->uid, who->gid);
	for (size_t i = 0; i < who->n_groups; i++)
		output_format("%s%" PRIu32, i == 0 ? "" : " ", who->groups[i]);
	output_format(
		"%s\npid       %" PRIu32 "\n", who->n_groups == 0 ? "-" : "", who->pid);
	print_fact("unit",
		who->is_unclear ? "? (the process could not be asked)" : who->unit);
	print_fact("exe", who->is_unclear ? "?" : who->exe);
	print_fact("label", who->label);
	print_fact("listen", who->listen);
	if (who->n_rules == 0)
		return;
	output_format("\n%-20s  %-20s  %s\n", "RULE", "KEY", "PROFILE");
	for (size_t i = 0; i < who->n_rules; i++) {
		print_padded(who->rules[i]->name);
		print_padded(who->rules[i]->key);
		output_foreign(who->rules[i]->profile);
		output_format("%s\n", who->rules[i]->is_master
					      ? "  (contains every kind of seal)"
					      : "");
	}
}

static int run(int argc, char **argv)
{
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	CLEANUP(ask_identity_freep) struct zegel_identity *who = NULL;
	struct zegel_error error = {.status = ZEGEL_INTERNAL};
	bool is_json = false;
	int code;

	code = ask_read_options(name, argc, argv, &is_json);
	if (code != EXIT_CODE_OK)
		return code;
	if (zegel_open(NULL, 0, &zegel, &error) != ZEGEL_OK ||
		zegel_whoami(zegel, &who, &error) != ZEGEL_OK)
		return ask_fail(name, &error);
	if (is_json)
		return output_finish_json(name, new_json(who), EXIT_CODE_OK);
	print_text(who);
	if (who->client[0] == '\0')
		say_hint(name, "no client section of the agent fits; ask the officer");
	return output_finish(name, EXIT_CODE_OK);
}

static const char help[] =
	"Usage: zegel whoami [--json]\n"
	"Say how the agent sees you, and which rules it has for you: user, groups,\n"
	"unit, program, label and socket as the kernel told it when you connected.\n"
	"Exits 0 when the agent answers, also when you may do nothing.\n";

const struct command whoami_command = {
	.name = name,
	.summary = "say how the agent sees you",
	.help = help,
	.run = run,
};
