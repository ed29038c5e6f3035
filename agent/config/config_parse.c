/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse with our grammar. Every word is a value of our own kind (CFGT_PTR): the text
 * as it stands and its line, which libconfuse would forget, and no conversion of its own
 * (its numbers know octal, and read a stale errno). That is also where repeats are
 * caught: it lets the last win.
 *
 * Nothing here knows what a word means.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Ours, in the flags of an option: it had a value. libconfuse ends at 1 << 13. */
	FLAG_SEEN = 1 << 24,
	SECTION = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES,
};

/* Words that somebody may look for and that are not there, with what to do instead. */
struct refused_word {
	const char *section; /* "root" for the top */
	const char *word;
	const char *why;
};

static const struct refused_word refused_words[] = {
	{"root", "include", "does not exist: use files in conf.d"},
	{"client", "hours", "does not exist here: give it to each allow"},
};

/*
 * libconfuse hands an error function no context, and a section does not know its root.
 * The one pointer that it hands down to each section is the search path for included
 * files; there is no include, nothing reads it, so it carries the report.
 */
static void put_report(cfg_t *root, struct config_report *report)
{
	root->path = (cfg_searchpath_t *)(void *)report;
}

static struct config_report *get_report(const cfg_t *cfg)
{
	return (struct config_report *)(void *)cfg->path;
}

static const char *find_refusal(const cfg_t *cfg, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(refused_words); i++) {
		if (strcmp(refused_words[i].section, cfg->name) == 0 &&
			strcmp(refused_words[i].word, word) == 0)
			return refused_words[i].why;
	}
	return "unknown word";
}

FORMAT_PRINTF(2, 0)
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	const struct config_point point = {cfg->filename, cfg->line};
	const struct log_text title =
		log_text(bytes_from_text(cfg->title == NULL ? "" : cfg->title));
	char label[CONFIG_LABEL_MAX] = "";
	CLEANUP(freep) char *text = NULL;

	if (cfg->title != NULL)
		(void)snprintf(
			label, sizeof(label), "%s \"%s\": ", cfg->name, title.text);
	if (strcmp(format, "no such option '%s'") == 0) {
		const char *word = va_arg(arguments, const char *);

		config_report_add(get_report(cfg), point, "%s%s: %s", label,
			log_text(bytes_from_text(word)).text, find_refusal(cfg, word));
		return;
	}
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	config_report_add(get_report(cfg), point, "%s%s", label,
		log_text(bytes_from_text(text == NULL ? format : text)).text);
}

/* A list that is given anew begins at its first value; any other value stands alone. */
static bool is_repeated(const cfg_opt_t *opt)
{
	if ((opt->flags & FLAG_SEEN) == 0)
		return false;
	return (opt->flags & CFGF_LIST) == 0 || opt->nvalues == 1;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	const size_t text_len = strlen(text) + 1;
	const size_t file_len = strlen(cfg->filename) + 1;
	struct config_value *value;

	if (is_repeated(opt)) {
		cfg_error(cfg, "%s: given twice", opt->name);
		return CFG_FAIL;
	}
	opt->flags |= FLAG_SEEN;
	value = malloc(sizeof(*value) + text_len + file_len);
	if (value == NULL)
		return CFG_FAIL;
	memcpy(value->bytes, text, text_len);
	memcpy(value->bytes + text_len, cfg->filename, file_len);
	value->text = value->bytes;
	value->point = (struct config_point){value->bytes + text_len, cfg->line};
	*(void **)result = value;
	return CFG_SUCCESS;
}

#define WORD(name)             CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, on_value, free)
#define WORDS(name)            CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value, free)
#define BEGIN(text)            CFG_PTR_CB(CONFIG_WORD_BEGIN, text, CFGF_NONE, on_value, free)
#define INNER(name, its_words) CFG_SEC(name, its_words, SECTION)

/*
 * The grammar. libconfuse copies it, so it may live here. A default is parsed when its
 * section begins: that gives BEGIN its line. Nobody can write its name, because the scan
 * lets no parenthesis pass.
 */
static cfg_t *new_root(void)
{
	char begin[] = "section";
	cfg_opt_t listen[] = {
		BEGIN(begin), WORD("path"), WORD("mode"), WORD("group"), CFG_END()};
	cfg_opt_t token[] = {BEGIN(begin), WORD("module"), WORD("uri"),
		WORDS("environment"), WORD("pin"), WORD("sessions"), WORD("deadline"),
		CFG_END()};
	cfg_opt_t on[] = {BEGIN(begin), WORD("uri"), WORD("certificate"), CFG_END()};
	cfg_opt_t key[] = {BEGIN(begin), INNER("on", on), WORD("identifier"),
		WORD("x5c-root"), CFG_END()};
	cfg_opt_t claim[] = {BEGIN(begin), WORD("must-be"), WORDS("may-be"),
		WORD("absent"), WORD("matches"), CFG_END()};
	cfg_opt_t allow[] = {BEGIN(begin), WORD("key"), WORD("profile"),
		WORDS("audience"), WORD("audience-file"), WORD("claims"),
		INNER("claim", claim), WORD("max-size"), WORDS("target"), WORD("rate"),
		WORD("burst"), WORD("concurrent"), WORDS("hours"), CFG_END()};
	cfg_opt_t client[] = {BEGIN(begin), WORD("user"), WORD("group"), WORD("unit"),
		WORD("exe"), WORD("label"), WORD("listen"), WORD("weight"),
		INNER("allow", allow), CFG_END()};
	cfg_opt_t root[] = {WORD("state-directory"), WORD("min-left"), WORD("line-max"),
		WORD("audit-directory"), WORD("audit-sync"), WORD("audit-rotate-mib"),
		WORD("audit-rotate-daily"), WORD("checkpoint-key"),
		WORD("checkpoint-lines"), WORD("checkpoint-minutes"),
		WORD("officer-socket"), WORD("officer-group"), INNER("listen", listen),
		INNER("token", token), INNER("key", key), INNER("client", client),
		CFG_END()};

	return cfg_init(root, CFGF_NONE);
}

void config_parse_freep(cfg_t **root)
{
	if (*root == NULL)
		return;
	/* It would free what it takes for a search path. */
	(*root)->path = NULL;
	(void)cfg_free(*root);
	*root = NULL;
}

static void file_closep(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
	*file = NULL;
}

static enum status parse_text(cfg_t *root, const char *name, const struct buf *text)
{
	CLEANUP(file_closep) FILE *file = NULL;

	free(root->filename);
	root->filename = strdup(name);
	if (root->filename == NULL)
		return STATUS_NO_MEMORY;
	if (text->len == 0)
		return STATUS_OK;
	file = fmemopen(text->p, text->len, "r");
	if (file == NULL)
		return STATUS_NO_MEMORY;
	if (cfg_parse_fp(root, file) == CFG_SUCCESS)
		return STATUS_OK;
	/* The only error that it does not report. */
	return get_report(root)->n_errors == 0 ? STATUS_NO_MEMORY : STATUS_BAD_CONFIG;
}

enum status config_parse(const struct config_source *sources, size_t n_sources,
	struct config_report *report, cfg_t **out)
{
	CLEANUP(config_parse_freep) cfg_t *root = new_root();
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX);

	if (root == NULL)
		return STATUS_NO_MEMORY;
	put_report(root, report);
	(void)cfg_set_error_function(root, on_error);
	for (size_t i = 0; i < n_sources; i++) {
		TRY(config_text_scan(&sources[i], report, &text));
		TRY(parse_text(root, sources[i].name, &text));
	}
	*out = TAKE(root);
	return STATUS_OK;
}
