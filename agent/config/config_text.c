/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first door of a configuration: bytes. Whatever libconfuse 3.3 would take for
 * something else than a reader does is refused here, before it sees it:
 *
 *   - a section, string or comment that the end of the file closes: a half-written file
 *     would be read as a whole one, and the scanner would stay inside the string for the
 *     next file
 *   - ${NAME}: it puts the environment into strings
 *   - characters that it skips without a word, such as a lone + or *
 *   - `word = { }`: cannot be told from no word at all, and an empty list of audiences
 *     would read as any
 *   - escapes, other quotes, strings over several lines: no value of ours needs them
 *
 * Comments are blanked, line for line: its scanner writes one byte past its buffer while
 * it trims them.
 */
#include "internal.h"

enum token {
	TOKEN_NONE,
	TOKEN_WORD, /* or a string */
	TOKEN_EQUALS,
	TOKEN_OPEN,
	TOKEN_LIST, /* the brace after = */
	TOKEN_CLOSE,
	TOKEN_COMMA,
};

struct scan {
	const struct config_source *source;
	struct config_report *report;
	uint8_t *p; /* borrows: the copy, in which comments are blanked */
	size_t len;
	size_t at;
	int line;
	enum token before;
	size_t depth;
	int opened[CONFIG_DEPTH_MAX]; /* lines of the braces that are open */
};

static enum status refuse(const struct scan *scan, const char *why)
{
	config_report_add(scan->report,
		(struct config_point){scan->source->name, scan->line}, "%s", why);
	return STATUS_BAD_CONFIG;
}

static enum status refuse_byte(const struct scan *scan, const char *expected)
{
	config_report_add(scan->report,
		(struct config_point){scan->source->name, scan->line},
		"expected %s, found the byte 0x%02x", expected, scan->p[scan->at]);
	return STATUS_BAD_CONFIG;
}

static bool is_control(uint8_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

static bool is_word_character(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool is_expansion(const struct scan *scan)
{
	return scan->p[scan->at] == '$' && scan->at + 1 < scan->len &&
	       scan->p[scan->at + 1] == '{';
}

static enum status blank_comment(struct scan *scan)
{
	for (; scan->at < scan->len && scan->p[scan->at] != '\n'; scan->at++) {
		if (is_control(scan->p[scan->at]))
			return refuse_byte(scan, "text");
		scan->p[scan->at] = ' ';
	}
	return STATUS_OK;
}

static enum status skip_string(struct scan *scan)
{
	for (scan->at++; scan->at < scan->len; scan->at++) {
		const uint8_t c = scan->p[scan->at];

		if (c == '"') {
			scan->at++;
			return STATUS_OK;
		}
		if (c == '\n')
			break;
		if (is_expansion(scan))
			return refuse(scan, "nothing is expanded here: remove the ${");
		if (c == '\\')
			return refuse(scan, "a string cannot hold a backslash");
		if (c < 0x20 || c > 0x7e)
			return refuse_byte(scan, "printable ASCII in a string");
	}
	return refuse(scan, "expected \" at the end of the string, on the same line");
}

static enum status open_brace(struct scan *scan)
{
	const bool is_list = scan->before == TOKEN_EQUALS;

	if (scan->depth == CONFIG_DEPTH_MAX)
		return refuse(scan, "braces within braces, deeper than any section");
	if (!is_list && ++scan->report->n_sections > CONFIG_SECTIONS_MAX)
		return refuse(scan, "more than 65536 sections");
	scan->opened[scan->depth++] = scan->line;
	scan->before = is_list ? TOKEN_LIST : TOKEN_OPEN;
	return STATUS_OK;
}

static enum status close_brace(struct scan *scan)
{
	if (scan->depth == 0)
		return refuse(scan, "} without a { before it");
	if (scan->before == TOKEN_LIST)
		return refuse(scan, "an empty list: leave the word out, or fill it");
	scan->depth--;
	scan->before = TOKEN_CLOSE;
	return STATUS_OK;
}

/* What is neither blank, comment, word nor string. */
static enum status scan_mark(struct scan *scan)
{
	switch (scan->p[scan->at]) {
	case '{':
		return open_brace(scan);
	case '}':
		return close_brace(scan);
	case '=':
		scan->before = TOKEN_EQUALS;
		return STATUS_OK;
	case ',':
		scan->before = TOKEN_COMMA;
		return STATUS_OK;
	case '+':
		return refuse(scan, "a list is given once and whole: there is no +=");
	case '\'':
		return refuse(scan, "expected \" around a string, found '");
	default:
		break;
	}
	if (is_expansion(scan))
		return refuse(scan, "nothing is expanded here: remove the ${");
	return refuse_byte(scan, "a word, \"text\", =, {, } or a # comment");
}

static enum status scan_token(struct scan *scan)
{
	const uint8_t c = scan->p[scan->at];

	if (c == '#')
		return blank_comment(scan);
	if (c == '"') {
		scan->before = TOKEN_WORD;
		return skip_string(scan);
	}
	if (is_word_character(c)) {
		scan->before = TOKEN_WORD;
		while (scan->at < scan->len && is_word_character(scan->p[scan->at]))
			scan->at++;
		return STATUS_OK;
	}
	if (c == '\n')
		scan->line++;
	else if (c != ' ' && c != '\t')
		TRY(scan_mark(scan));
	scan->at++;
	return STATUS_OK;
}

enum status config_text_scan(const struct config_source *source,
	struct config_report *report, struct buf *out)
{
	struct scan scan = {.source = source, .report = report, .line = 1};

	buf_clear(out);
	TRY(buf_append(out, source->text));
	scan.p = out->p;
	scan.len = out->len;
	while (scan.at < scan.len)
		TRY(scan_token(&scan));
	if (scan.depth == 0)
		return STATUS_OK;
	scan.line = scan.opened[scan.depth - 1];
	return refuse(
		&scan, "expected } for the { on this line, found the end of the file");
}
