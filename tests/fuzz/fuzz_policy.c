/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule and one question against a second telling of what the words mean: claims are
 * found by writing out each pointer that there is, patterns are matched by a table. The
 * input is lines, a line "---", and the claims as JSON. Fields of a line stand behind tabs:
 *
 *   a AUD   allowed audience        l, n, y  claims listed, none, any
 *   t M PAT allowed target          s        at most as many bytes as the line has
 *   = PTR V    | PTR V V…    ! PTR    ~ PTR PAT       a rule about a claim
 *   A AUD   M METHOD  U TARGET  Z   the question; Z: it is like a token
 */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_claim.h"
#include "policy/policy_explain.h"
#include "policy/policy_pattern.h"
#include "util/text.h"

enum {
	LINES_MAX = 32,
	FIELDS_MAX = 6,
	CLAIMS_MAX = 4096,
	TEXT_MAX = 8192,
	OUT_MAX = 1 << 20,
};

/* All of one input. */
struct scene {
	char text[TEXT_MAX + 1]; /* the lines, cut into C strings */
	const char *audiences[LINES_MAX];
	const char *targets[LINES_MAX];
	const char *values[LINES_MAX][FIELDS_MAX];
	struct policy_claim_spec claims[LINES_MAX];
	struct policy_rule_spec rule;
	struct policy_question question;
};

static size_t cut(char *line, const char *fields[FIELDS_MAX])
{
	char *rest = line;
	size_t n = 0;

	while (n < FIELDS_MAX && rest != NULL)
		fields[n++] = strsep(&rest, "\t");
	return n;
}

static void take_claim(struct scene *scene, enum policy_claim_kind kind, char *line)
{
	const size_t at = scene->rule.n_claim_specs;
	const char *fields[FIELDS_MAX];
	const size_t n = cut(line, fields);

	for (size_t i = 1; i < n; i++)
		scene->values[at][i - 1] = fields[i];
	scene->claims[at] = (struct policy_claim_spec){
		.pointer = fields[0],
		.kind = kind,
		.values = scene->values[at],
		.n_values = n - 1,
	};
	scene->rule.n_claim_specs++;
}

static void take_line(struct scene *scene, char *line)
{
	struct policy_rule_spec *rule = &scene->rule;
	char *text = line[0] == '\0' ? line : line + 1;

	switch (line[0]) {
	case 'a':
		scene->audiences[rule->n_audiences++] = text;
		break;
	case 't':
		scene->targets[rule->n_targets++] = text;
		break;
	case 'l':
		rule->claims = POLICY_CLAIMS_LISTED;
		break;
	case 'n':
		rule->claims = POLICY_CLAIMS_NONE;
		break;
	case 'y':
		rule->claims = POLICY_CLAIMS_ANY;
		break;
	case 's':
		rule->max_size = strlen(line);
		break;
	case '=':
		take_claim(scene, POLICY_CLAIM_MUST_BE, text);
		break;
	case '|':
		take_claim(scene, POLICY_CLAIM_MAY_BE, text);
		break;
	case '!':
		take_claim(scene, POLICY_CLAIM_ABSENT, text);
		break;
	case '~':
		take_claim(scene, POLICY_CLAIM_MATCHES, text);
		break;
	case 'A':
		scene->question.audience = text;
		break;
	case 'M':
		scene->question.method = text;
		break;
	case 'U':
		scene->question.target = text;
		break;
	case 'Z':
		scene->question.is_token_like = true;
		break;
	default:
		break;
	}
}

/* What a configuration can hold: printable ASCII. */
static bool is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.p[i];

		if (c != '\n' && c != '\t' && (c < ' ' || c > '~'))
			return false;
	}
	return text.len <= TEXT_MAX;
}

static void take_lines(struct scene *scene, struct bytes lines)
{
	char *rest = scene->text;

	memcpy(scene->text, lines.p, lines.len);
	scene->text[lines.len] = '\0';
	for (size_t i = 0; i < LINES_MAX && rest != NULL; i++)
		take_line(scene, strsep(&rest, "\n"));
	scene->rule.name = "r";
	scene->rule.key = scene->question.key = "k";
	/* Not one of ours: then every word is good. */
	scene->rule.profile = scene->question.profile = "all";
	scene->rule.audiences = scene->audiences;
	scene->rule.targets = scene->targets;
	scene->rule.claim_specs = scene->claims;
}

/* The first character of text as bytes. */
static struct bytes first_of(struct bytes text)
{
	size_t len = 1;

	while (len < text.len && (text.p[len] & 0xc0) == 0x80)
		len++;
	return (struct bytes){text.p, len};
}

/* row[i]: the first i characters of the pattern match the text so far. */
static bool matches_plainly(const char *pattern, struct bytes text)
{
	bool row[TEXT_MAX + 1] = {true};
	const size_t len = strlen(pattern);

	for (size_t i = 0; i < len; i++)
		row[i + 1] = row[i] && pattern[i] == '*';
	while (text.len > 0) {
		const struct bytes one = first_of(text);

		for (size_t i = len; i > 0; i--) {
			const bool is_same =
				pattern[i - 1] == '?' ||
				(one.len == 1 && (uint8_t)pattern[i - 1] == one.p[0]);

			row[i] = pattern[i - 1] == '*' ? row[i] : row[i - 1] && is_same;
		}
		row[0] = false;
		/* A star takes nothing, or this character too. */
		for (size_t i = 0; i < len; i++)
			row[i + 1] = row[i + 1] || (pattern[i] == '*' && row[i]);
		text.p += one.len;
		text.len -= one.len;
	}
	return row[len];
}

static enum status append_step(struct buf *pointer, const char *name)
{
	TRY(buf_append_text(pointer, "/"));
	for (; *name != '\0'; name++) {
		const char one[] = {*name, '\0'};
		const char *as = *name == '~' ? "~0" : *name == '/' ? "~1" : one;

		TRY(buf_append_text(pointer, as));
	}
	return STATUS_OK;
}

static json_t *find_plainly(json_t *value, struct buf *here, const char *wanted);

/* In what stands below value under this name. */
static json_t *find_below(
	json_t *inner, const char *name, struct buf *here, const char *wanted)
{
	const size_t len = here->len;
	json_t *found = NULL;

	/* A pointer that is too long is that of no rule. */
	if (append_step(here, name) == STATUS_OK)
		found = find_plainly(inner, here, wanted);
	here->len = len;
	return found;
}

/* By writing out the pointer of everything that there is. */
static json_t *find_plainly(json_t *value, struct buf *here, const char *wanted)
{
	json_t *found = NULL;
	json_t *inner;
	const char *name;
	char index[24];
	size_t i;

	if (bytes_is_equal(buf_get(here), bytes_from_text(wanted)))
		return value;
	json_object_foreach(value, name, inner)
	{
		if (found == NULL)
			found = find_below(inner, name, here, wanted);
	}
	json_array_foreach(value, i, inner)
	{
		(void)snprintf(index, sizeof(index), "%zu", i);
		if (found == NULL)
			found = find_below(inner, index, here, wanted);
	}
	return found;
}

static bool equals_plainly(const json_t *found, const char *wanted)
{
	json_t *value = NULL;
	bool is_equal;

	if (strncmp(wanted, "json:", 5) == 0)
		value = json_loads(wanted + 5, JSON_DECODE_ANY, NULL);
	else
		value = json_string(wanted);
	is_equal = found != NULL && json_equal(found, value);
	json_decref(value);
	return is_equal;
}

static bool holds_plainly(const struct policy_claim_spec *claim, json_t *claims)
{
	CLEANUP(buf_deinit) struct buf here = BUF_INIT(POLICY_POINTER_MAX);
	json_t *found = find_plainly(claims, &here, claim->pointer);
	bool is_one = false;

	for (size_t i = 0; i < claim->n_values; i++)
		is_one = is_one || equals_plainly(found, claim->values[i]);
	switch (claim->kind) {
	case POLICY_CLAIM_MUST_BE:
		return is_one;
	case POLICY_CLAIM_MAY_BE:
		return found == NULL || is_one;
	case POLICY_CLAIM_MATCHES:
		return json_is_string(found) &&
		       matches_plainly(claim->values[0],
			       bytes_from_text(json_string_value(found)));
	case POLICY_CLAIM_ABSENT:
		break;
	}
	return found == NULL;
}

static bool is_audience_fine(const struct scene *scene)
{
	bool is_fine = scene->rule.n_audiences == 0;

	for (size_t i = 0; i < scene->rule.n_audiences; i++)
		is_fine = is_fine || (scene->question.audience != NULL &&
					     strcmp(scene->audiences[i],
						     scene->question.audience) == 0);
	return is_fine;
}

static bool is_target_fine(const struct scene *scene)
{
	const struct policy_question *question = &scene->question;
	bool is_fine = scene->rule.n_targets == 0;

	if (question->method == NULL || question->target == NULL)
		return is_fine;
	for (size_t i = 0; i < scene->rule.n_targets; i++) {
		const char *method = scene->targets[i];
		const char *pattern = strchr(method, ' ') + 1;
		const size_t len = (size_t)(pattern - method) - 1;
		const bool is_method =
			strncmp(method, "* ", 2) == 0 ||
			(strlen(question->method) == len &&
				strncmp(method, question->method, len) == 0);

		is_fine = is_fine ||
			  (is_method && matches_plainly(pattern,
						bytes_from_text(question->target)));
	}
	return is_fine;
}

static bool are_others_fine(const struct scene *scene, json_t *claims)
{
	bool is_fine = true;
	json_t *value;
	const char *name;

	json_object_foreach(claims, name, value)
	{
		CLEANUP(buf_deinit) struct buf step = BUF_INIT(POLICY_POINTER_MAX);
		bool is_named = false;
		const char *text = "";

		if (append_step(&step, name) != STATUS_OK ||
			buf_get_text(&step, &text) != STATUS_OK)
			text = "";
		for (size_t i = 0; i < scene->rule.n_claim_specs; i++) {
			const char *pointer = scene->claims[i].pointer;

			is_named = is_named ||
				   (text[0] != '\0' &&
					   strncmp(pointer, text, step.len) == 0 &&
					   strchr("/", pointer[step.len]) != NULL);
		}
		is_fine = is_fine && is_named;
	}
	return is_fine || scene->rule.claims == POLICY_CLAIMS_FREE ||
	       scene->rule.claims == POLICY_CLAIMS_ANY;
}

static const char *decide_plainly(const struct scene *scene, json_t *claims)
{
	bool holds = true;

	for (size_t i = 0; i < scene->rule.n_claim_specs; i++)
		holds = holds && holds_plainly(&scene->claims[i], claims);
	if (!is_audience_fine(scene))
		return "audience";
	if (!is_target_fine(scene))
		return "target";
	if (!holds)
		return "claim";
	if (!are_others_fine(scene, claims))
		return "claims";
	if (scene->question.is_token_like && scene->rule.claims != POLICY_CLAIMS_ANY)
		return "token-like";
	if (scene->rule.max_size > 0 && scene->question.size > scene->rule.max_size)
		return "size";
	return "r";
}

static void check(
	const struct policy *policy, const struct scene *scene, json_t *claims)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
	const struct policy_client *client = policy_get_client(policy, "c");
	const struct policy_verdict verdict = policy_decide(client, &scene->question);
	const char *wanted = decide_plainly(scene, claims);

	must(strcmp(verdict.rule, wanted) == 0);
	must((verdict.status == STATUS_OK) == (strcmp(wanted, "r") == 0));
	must(policy_explain(client, &scene->question, &out) == STATUS_OK);
	for (size_t i = 0; i < out.len; i++)
		must(out.p[i] == '\n' || (out.p[i] >= ' ' && out.p[i] <= '~'));
}

static enum status build(struct policy **out, const struct policy_rule_spec *rule)
{
	const struct policy_client_spec client = {.name = "c", .has_user = true};
	CLEANUP(policy_freep) struct policy *policy = NULL;
	const char *rival = NULL;

	TRY(policy_new(&policy));
	TRY(policy_add_client(policy, &client, &rival));
	TRY(policy_add_rule(policy, "c", rule));
	*out = TAKE(policy);
	return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char line[] = "\n---\n";
	const uint8_t *at = len == 0 ? NULL : memmem(data, len, line, sizeof(line) - 1);
	const size_t lines_len = at == NULL ? 0 : (size_t)(at - data);
	const size_t skipped = lines_len + sizeof(line) - 1;
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct scene scene = {.question = {.week_minute = 0}};
	json_t *claims;

	if (at == NULL || !is_plain((struct bytes){data, lines_len}) ||
		len - skipped > CLAIMS_MAX)
		return 0;
	claims = json_loadb((const char *)data + skipped, len - skipped,
		JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(claims)) {
		take_lines(&scene, (struct bytes){data, lines_len});
		scene.question.claims = claims;
		scene.question.size = len - skipped;
		if (build(&policy, &scene.rule) == STATUS_OK)
			check(policy, &scene, claims);
	}
	json_decref(claims);
	return 0;
}
