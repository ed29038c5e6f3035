/* SPDX-License-Identifier: Apache-2.0 */
#include "moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/text.h"

enum {
	DAY_S = 86400,
	AGO_MAX = 1000000000,
	ZONE_MAX_S = DAY_S,
	US_DIGITS = 6,
};

/* The end of the year 9999. */
static const int64_t last_s = INT64_C(253402300799);

/* Takes n digits. */
static bool take_digits(const char **at, int n, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (**at - '0');
		(*at)++;
	}
	*out = value;
	return true;
}

static bool take_character(const char **at, const char *either)
{
	if (**at == '\0' || strchr(either, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, struct tm *out)
{
	return take_digits(at, 4, &out->tm_year) && take_character(at, "-") &&
	       take_digits(at, 2, &out->tm_mon) && take_character(at, "-") &&
	       take_digits(at, 2, &out->tm_mday);
}

static bool take_time(const char **at, struct tm *out)
{
	return take_digits(at, 2, &out->tm_hour) && take_character(at, ":") &&
	       take_digits(at, 2, &out->tm_min) && take_character(at, ":") &&
	       take_digits(at, 2, &out->tm_sec) && out->tm_hour < 24 &&
	       out->tm_min < 60 && out->tm_sec < 60;
}

/* .25 as 250000; none as 0. Digits past the sixth are dropped. */
static bool take_fraction(const char **at, int *out_us)
{
	int us = 0, n = 0, digit;

	if (!take_character(at, ".")) {
		*out_us = 0;
		return true;
	}
	while (take_digits(at, 1, &digit)) {
		us = n < US_DIGITS ? us * 10 + digit : us;
		n++;
	}
	for (int i = n; i < US_DIGITS; i++)
		us *= 10;
	*out_us = us;
	return n > 0;
}

static bool take_zone(const char **at, int *out_s)
{
	const int sign = **at == '-' ? -1 : 1;
	int hours, minutes;

	*out_s = 0;
	if (take_character(at, "Zz"))
		return true;
	if (!take_character(at, "+-") || !take_digits(at, 2, &hours) ||
		!take_character(at, ":") || !take_digits(at, 2, &minutes) ||
		hours > 23 || minutes > 59)
		return false;
	*out_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* False when there is no such day. */
static bool to_seconds(struct tm tm, int64_t *out)
{
	struct tm again;
	time_t seconds;

	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	seconds = timegm(&again);
	*out = seconds;
	return again.tm_mday == tm.tm_mday && again.tm_mon == tm.tm_mon &&
	       again.tm_year == tm.tm_year;
}

static bool read_ago(const char *text, int64_t now_s, int64_t *out)
{
	static const char units[] = "smhd";
	static const int64_t lengths[] = {1, 60, 3600, DAY_S};
	const size_t len = strlen(text);
	const char *unit = len < 3 ? NULL : strchr(units, text[len - 1]);
	char digits[16] = "";
	uint64_t n;

	if (text[0] != '-' || unit == NULL || len - 2 >= sizeof(digits))
		return false;
	memcpy(digits, text + 1, len - 2);
	if (!text_to_number(digits, AGO_MAX, &n))
		return false;
	*out = now_s - (int64_t)n * lengths[unit - units];
	return true;
}

static bool read_date(const char *text, bool is_end, int64_t *out_s, int *out_us)
{
	const char *at = text;
	struct tm tm = {.tm_mday = 0};
	int zone_s;

	*out_us = 0;
	if (!take_date(&at, &tm))
		return false;
	if (*at == '\0') {
		if (!to_seconds(tm, out_s))
			return false;
		*out_s += is_end ? DAY_S : 0;
		return true;
	}
	if (!take_character(&at, "Tt ") || !take_time(&at, &tm) ||
		!take_fraction(&at, out_us) || !take_zone(&at, &zone_s) ||
		*at != '\0' || !to_seconds(tm, out_s))
		return false;
	*out_s -= zone_s;
	return true;
}

bool moment_read(
	const char *text, int64_t now_s, bool is_end, char out[static MOMENT_LEN + 1])
{
	int64_t seconds = 0;
	time_t clamped;
	struct tm tm;
	int us = 0;
	char shown[64];

	if (!read_ago(text, now_s, &seconds) && !read_date(text, is_end, &seconds, &us))
		return false;
	/* The record has no time before 1970, and none behind 9999. */
	clamped = seconds < 0 ? 0 : seconds > last_s ? last_s : seconds;
	(void)gmtime_r(&clamped, &tm);
	(void)snprintf(shown, sizeof(shown), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		tm.tm_sec, us);
	must(strlen(shown) == MOMENT_LEN);
	memcpy(out, shown, MOMENT_LEN + 1);
	return true;
}
