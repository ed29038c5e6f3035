/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For whom a rule is: the words `audience` and `audience-file`, together one list. A file
 * has one identifier a line; blank lines and those that begin with # are skipped. It is
 * read when the configuration is, and judged as its files are.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define WORD      "audience"
#define WORD_FILE "audience-file"
#define EXPECTED  "1 to 256 printable ASCII characters without space"

static bool is_earlier(const struct policy_rule_spec *rule, const char *audience)
{
	for (size_t i = 0; i < rule->n_audiences; i++) {
		if (strcmp(rule->audiences[i], audience) == 0)
			return true;
	}
	return false;
}

static void add_words(const struct config_section *section, struct config_rule *rule)
{
	const size_t n = config_section_size(section, WORD);

	for (size_t i = 0; i < n; i++) {
		const char *audience = config_section_get(section, WORD, i);

		if (!text_is_identifier(bytes_from_text(audience), AUDIENCE_MAX_LEN))
			config_section_refuse(section, WORD, i, EXPECTED);
		if (is_earlier(&rule->spec, audience))
			config_section_refuse(section, WORD, i, "each audience once");
		rule->audiences[rule->spec.n_audiences++] = audience;
	}
}

/* A line without the blanks around it. */
static struct bytes trim(struct bytes line)
{
	while (line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
		line.p++;
		line.len--;
	}
	while (line.len > 0 &&
		(line.p[line.len - 1] == ' ' || line.p[line.len - 1] == '\t'))
		line.len--;
	return line;
}

/* The text of a file while it is cut into lines. */
struct cut {
	const char *path;
	struct config_report *report;
	struct buf *text;
	size_t at;
	int line;
};

/* The next line, its end taken off; false behind the last. */
static bool take_line(struct cut *cut, struct bytes *out)
{
	const size_t left = cut->text->len - cut->at;
	const uint8_t *begin, *end;
	size_t len;

	if (left == 0)
		return false;
	begin = cut->text->p + cut->at;
	end = memchr(begin, '\n', left);
	len = end == NULL ? left : (size_t)(end - begin);
	*out = trim((struct bytes){begin, len});
	cut->at += len + (end == NULL ? 0 : 1);
	cut->line++;
	return true;
}

/* Each line becomes a C string where it stands: a NUL comes behind it. */
static void add_lines(struct cut *cut, struct config_rule *rule)
{
	struct bytes line;

	while (take_line(cut, &line)) {
		const struct config_point point = {cut->path, cut->line};

		if (cut->line > CONFIG_LIST_LINES_MAX) {
			config_report_add(
				cut->report, point, "expected at most 100000 lines");
			return;
		}
		if (line.len == 0 || line.p[0] == '#')
			continue;
		if (!text_is_identifier(line, AUDIENCE_MAX_LEN)) {
			config_report_add(cut->report, point,
				"expected an audience: " EXPECTED ", found \"%s\"",
				log_text(line).text);
			continue;
		}
		cut->text->p[line.p + line.len - cut->text->p] = '\0';
		rule->audiences[rule->spec.n_audiences++] = (const char *)line.p;
	}
}

static size_t count_lines(struct bytes text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n' ? 1 : 0;
	return n;
}

/* The file into rule->list; leaves it empty and says why when it cannot be. */
static enum status read_list(const struct config_build *build,
	const struct config_section *section, struct config_rule *rule)
{
	const char *path = config_section_get(section, WORD_FILE, 0);
	const char *unused;
	struct config_why why;

	if (path == NULL)
		return STATUS_OK;
	if (path[0] != '/' || strlen(path) >= CONFIG_PATH_MAX) {
		config_section_refuse(
			section, WORD_FILE, 0, "an absolute path of at most 511 bytes");
		return STATUS_OK;
	}
	if (!build->world->read_list(path, &rule->list, &why)) {
		buf_clear(&rule->list);
		config_section_say(section, WORD_FILE, "%s", why.text);
		return STATUS_OK;
	}
	TRY(config_hash_put(
		build->hash, &(struct config_source){path, buf_get(&rule->list)}));
	/* Room for the NUL behind a last line that has no end of its own. */
	return buf_get_text(&rule->list, &unused);
}

enum status config_audience_build(const struct config_build *build,
	const struct config_section *section, struct config_rule *rule)
{
	const size_t n = config_section_size(section, WORD);
	struct cut cut = {.path = config_section_get(section, WORD_FILE, 0),
		.report = build->report,
		.text = &rule->list};

	rule->spec.has_audiences = n > 0 || cut.path != NULL;
	if (!config_section_is_few(section, WORD, CONFIG_AUDIENCES_MAX))
		return STATUS_OK;
	TRY(read_list(build, section, rule));
	rule->audiences = calloc(
		n + count_lines(buf_get(&rule->list)), sizeof(rule->audiences[0]));
	if (rule->audiences == NULL)
		return STATUS_NO_MEMORY;
	rule->spec.audiences = rule->audiences;
	add_words(section, rule);
	add_lines(&cut, rule);
	build->report->n_audiences += rule->spec.n_audiences;
	if (build->report->n_audiences > CONFIG_AUDIENCES_ALL_MAX)
		config_section_say(section, NULL,
			"expected at most 1000000 audiences in all rules together");
	return STATUS_OK;
}
