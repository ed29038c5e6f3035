/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hours = { "mo-fr 08:00-18:00", "sa 10:00-14:00" }`: minutes of the week. A stretch
 * begins and ends on one day, so that no reader wonders which night was meant; a night is
 * two of them.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	DAYS = 7,
	DAY_NAME_LEN = 2,
	TIME_LEN = 5, /* 08:00 */
	DAY_MINUTES = 24 * 60,
};

static const char *const days[DAYS] = {"mo", "tu", "we", "th", "fr", "sa", "su"};

/* The same minutes on some days in a row, over Sunday to Monday too. */
struct stretch {
	uint32_t first_day;
	uint32_t last_day;
	uint32_t from;
	uint32_t to;
};

static bool take_day(const char **at, uint32_t *out)
{
	for (uint32_t i = 0; i < DAYS; i++) {
		if (strncmp(*at, days[i], DAY_NAME_LEN) != 0)
			continue;
		*at += DAY_NAME_LEN;
		*out = i;
		return true;
	}
	return false;
}

static bool take_character(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint32_t value_of(const char *digits)
{
	return (uint32_t)(digits[0] - '0') * 10 + (uint32_t)(digits[1] - '0');
}

/* 00:00 to 24:00 */
static bool take_time(const char **at, uint32_t *out)
{
	const char *text = *at;

	if (strlen(text) < TIME_LEN || !is_digit(text[0]) || !is_digit(text[1]) ||
		text[2] != ':' || !is_digit(text[3]) || !is_digit(text[4]))
		return false;
	*out = value_of(text) * 60 + value_of(text + 3);
	*at += TIME_LEN;
	return value_of(text + 3) < 60 && *out <= DAY_MINUTES;
}

static bool stretch_from_text(const char *text, struct stretch *out)
{
	const char *at = text;

	if (!take_day(&at, &out->first_day))
		return false;
	out->last_day = out->first_day;
	/* "mo-mo" could be one day or eight. */
	if (take_character(&at, '-') &&
		(!take_day(&at, &out->last_day) || out->last_day == out->first_day))
		return false;
	return take_character(&at, ' ') && take_time(&at, &out->from) &&
	       take_character(&at, '-') && take_time(&at, &out->to) && *at == '\0' &&
	       out->from < out->to;
}

static void add_stretch(struct config_rule *rule, const struct stretch *stretch)
{
	const uint32_t n = (stretch->last_day + DAYS - stretch->first_day) % DAYS + 1;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t begin = (stretch->first_day + i) % DAYS * DAY_MINUTES;

		rule->hours[rule->spec.n_hours++] = (struct policy_hours){
			begin + stretch->from, begin + stretch->to};
	}
}

enum status config_hours_build(
	const struct config_section *section, struct config_rule *rule)
{
	const size_t n = config_section_size(section, "hours");
	struct stretch stretch;

	if (n == 0 || !config_section_is_few(section, "hours", CONFIG_HOURS_MAX))
		return STATUS_OK;
	rule->hours = calloc(n * DAYS, sizeof(rule->hours[0]));
	if (rule->hours == NULL)
		return STATUS_NO_MEMORY;
	rule->spec.hours = rule->hours;
	for (size_t i = 0; i < n; i++) {
		if (stretch_from_text(
			    config_section_get(section, "hours", i), &stretch))
			add_stretch(rule, &stretch);
		else
			config_section_refuse(section, "hours", i,
				"days and times such as mo-fr 08:00-18:00 (mo tu we "
				"th fr sa su, 00:00 to 24:00)");
	}
	return STATUS_OK;
}
