/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A section as the rooms of meaning see it: words and their values, each with its line,
 * and the one form in which an error is said.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

struct config_section config_section_root(cfg_t *root, struct config_report *report)
{
	return (struct config_section){.report = report, .cfg = root, .title = ""};
}

size_t config_section_count(const struct config_section *section, const char *word)
{
	return cfg_size(section->cfg, word);
}

struct config_section config_section_at(
	const struct config_section *section, const char *word, size_t index)
{
	cfg_t *cfg = cfg_getnsec(section->cfg, word, (unsigned int)index);
	struct config_section inner = {
		.report = section->report, .cfg = cfg, .title = cfg_title(cfg)};

	(void)snprintf(inner.label, sizeof(inner.label),
		"%.256s%s \"%s\": ", section->label, word,
		log_text(bytes_from_text(inner.title)).text);
	return inner;
}

struct config_section config_section_inner(
	const struct config_section *section, const char *word, size_t index)
{
	const struct config_section inner = config_section_at(section, word, index);

	if (!text_is_name(bytes_from_text(inner.title)))
		config_section_say(&inner, NULL,
			"expected a name: 1 to 64 characters of A-Z a-z 0-9 . _ -");
	return inner;
}

size_t config_section_size(const struct config_section *section, const char *word)
{
	return cfg_size(section->cfg, word);
}

static const struct config_value *get_value(
	const struct config_section *section, const char *word, size_t index)
{
	return cfg_getnptr(section->cfg, word, (unsigned int)index);
}

const char *config_section_get(
	const struct config_section *section, const char *word, size_t index)
{
	const struct config_value *value = get_value(section, word, index);

	return value == NULL ? NULL : value->text;
}

/* The line of the value; of the beginning of the section where there is none. */
static struct config_point find_point(
	const struct config_section *section, const char *word, size_t index)
{
	const struct config_value *value =
		word == NULL ? NULL : get_value(section, word, index);

	if (value == NULL && cfg_title(section->cfg) != NULL)
		value = get_value(section, CONFIG_WORD_BEGIN, 0);
	if (value == NULL)
		return (struct config_point){section->cfg->filename, 0};
	return value->point;
}

void config_section_refuse(const struct config_section *section, const char *word,
	size_t index, const char *expected)
{
	const struct config_point point = find_point(section, word, index);
	const char *found = config_section_get(section, word, index);

	if (found == NULL)
		config_report_add(section->report, point,
			"%s%s: expected %s, found nothing", section->label, word,
			expected);
	else
		config_report_add(section->report, point,
			"%s%s: expected %s, found \"%s\"", section->label, word,
			expected, log_text(bytes_from_text(found)).text);
}

void config_section_say(
	const struct config_section *section, const char *word, const char *format, ...)
{
	const struct config_point point = find_point(section, word, 0);
	CLEANUP(freep) char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0)
		text = NULL;
	config_report_add(section->report, point, "%s%s%s%s", section->label,
		word == NULL ? "" : word, word == NULL ? "" : ": ",
		text == NULL ? status_text(STATUS_NO_MEMORY) : text);
}

bool config_section_is_few(
	const struct config_section *section, const char *word, size_t max)
{
	const size_t n = config_section_count(section, word);

	if (n <= max)
		return true;
	config_report_add(section->report, find_point(section, NULL, 0),
		"%s%s: expected at most %zu, found %zu", section->label, word, max, n);
	return false;
}

const char *config_section_require(
	const struct config_section *section, const char *word, const char *expected)
{
	const char *text = config_section_get(section, word, 0);

	if (text == NULL)
		config_section_refuse(section, word, 0, expected);
	return text;
}

uint32_t config_section_number(const struct config_section *section, const char *word,
	struct config_range range)
{
	const char *text = config_section_get(section, word, 0);
	char expected[64];
	uint64_t number;

	if (text == NULL)
		return range.otherwise;
	if (text_to_number(text, range.max, &number) && number >= range.min)
		return (uint32_t)number;
	(void)snprintf(expected, sizeof(expected), "a whole number from %u to %u",
		range.min, range.max);
	config_section_refuse(section, word, 0, expected);
	return range.otherwise;
}

bool config_section_flag(
	const struct config_section *section, const char *word, bool otherwise)
{
	const char *text = config_section_get(section, word, 0);

	if (text == NULL)
		return otherwise;
	if (strcmp(text, "false") == 0)
		return false;
	if (strcmp(text, "true") == 0)
		return true;
	config_section_refuse(section, word, 0, "true or false");
	return false;
}
