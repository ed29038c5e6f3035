/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of this floor share. The way of a configuration:
 *
 *   config.c         reads the files, each once
 *   config_text.c    refuses what libconfuse would misread, blanks comments
 *   config_parse.c   libconfuse with our grammar: words, sections, repeats
 *   config_build.c   meaning: each section by its room (listen, token, key, record,
 *                    client; rule with audience, claim and hours);
 *                    config_hash.c says which configuration it was
 *   config_report.c  collects what is wrong
 *
 * Meaning is judged to the end, so that one run shows all errors: a room that refuses a
 * value reports it and goes on, and returns anything but OK only when memory is out.
 * Whether a configuration is good is asked once, of the report.
 */
#ifndef ZEGEL_CONFIG_INTERNAL_H
#define ZEGEL_CONFIG_INTERNAL_H

#include <confuse.h>
#include <openssl/evp.h>

#include "config.h"
#include "policy/policy_profile.h"
#include "token/job.h"
#include "util/log.h"

enum {
	CONFIG_FILE_MAX = 1 << 20, /* bytes of one file */
	CONFIG_FILES_MAX = 64,     /* files in conf.d */
	CONFIG_SECTIONS_MAX = 65536,
	CONFIG_DEPTH_MAX = 4, /* braces within braces; the grammar needs them all */
	CONFIG_ERRORS_MAX = 50,
	CONFIG_LISTENS_MAX = 16,
	CONFIG_TOKENS_MAX = 64,
	CONFIG_KEYS_MAX = 1024,
	CONFIG_CLIENTS_MAX = 10000,
	CONFIG_ON_MAX = 16,         /* tokens of one key */
	CONFIG_RULES_MAX = 1024,    /* rules of one client */
	CONFIG_AUDIENCES_MAX = 256, /* audiences of one rule, in the file itself */
	CONFIG_LIST_MAX = 1 << 25,  /* bytes of a file of audiences */
	CONFIG_LIST_LINES_MAX = 100000,
	CONFIG_AUDIENCES_ALL_MAX = 1000000, /* of all rules together */
	CONFIG_CLAIMS_MAX = 64,             /* claim sections of one rule */
	CONFIG_VALUES_MAX = 64,             /* values of one claim */
	CONFIG_TARGETS_MAX = 64,            /* targets of one rule */
	CONFIG_HOURS_MAX = 32,              /* stretches of one rule */
	CONFIG_PATH_MAX = JOB_PATH_MAX,
	CONFIG_LABEL_MAX = 3 * LOG_TEXT_MAX,
	CONFIG_WHY_MAX = 2 * LOG_TEXT_MAX,
};

/* ---- config_report.c ---- */

struct config_report {
	struct buf *errors; /* borrows; may be full, then the rest is only counted */
	size_t n_errors;
	size_t n_sections;  /* of all texts so far */
	size_t n_audiences; /* of all rules so far */
};

struct config_point {
	const char *file; /* borrows; foreign, escaped when it is shown */
	int line;         /* 0: the file as a whole */
};

void config_report_add(struct config_report *report, struct config_point point,
	const char *format, ...) FORMAT_PRINTF(3, 4);
/* Says how many errors were not shown. */
void config_report_finish(struct config_report *report);

/* ---- config_text.c ---- */

/* One file; borrows both. */
struct config_source {
	const char *name;
	struct bytes text;
};

/*
 * Whether libconfuse will read in source what a reader sees there; out (emptied first)
 * then holds the same lines without comments. Reports the first thing that is wrong.
 */
MUST_CHECK enum status config_text_scan(const struct config_source *source,
	struct config_report *report, struct buf *out);

/* ---- config_hash.c ---- */

/* To be ended with config_hash_deinit(). */
struct config_hash {
	EVP_MD_CTX *ctx; /* owns */
};

MUST_CHECK enum status config_hash_init(struct config_hash *hash);
void config_hash_deinit(struct config_hash *hash);
MUST_CHECK enum status config_hash_put(
	struct config_hash *hash, const struct config_source *source);
/* Nothing can be put in afterwards. */
MUST_CHECK enum status config_hash_finish(
	struct config_hash *hash, uint8_t out[CONFIG_HASH_LEN]);

/* ---- config_parse.c ---- */

/* Hidden in each section: a value whose line is where the section begins. */
#define CONFIG_WORD_BEGIN "(begin)"

/* What libconfuse keeps for each word: the text as it stands, and where. */
struct config_value {
	const char *text;
	struct config_point point;
	char bytes[]; /* text, then the name of the file */
};

/* BAD_CONFIG with one error in the report, or all sections of all sources. gives */
MUST_CHECK enum status config_parse(const struct config_source *sources,
	size_t n_sources, struct config_report *report, cfg_t **out);
void config_parse_freep(cfg_t **root);

/* ---- config_section.c ---- */

/* A section while it is judged; borrows all. */
struct config_section {
	struct config_report *report;
	cfg_t *cfg;
	const char *title;            /* "" for the root */
	char label[CONFIG_LABEL_MAX]; /* `key "x": on "usb": `, escaped */
};

/* What a number may be. */
struct config_range {
	uint32_t min;
	uint32_t max;
	uint32_t otherwise; /* when the word is not there */
};

struct config_section config_section_root(cfg_t *root, struct config_report *report);
size_t config_section_count(const struct config_section *section, const char *word);
/* The index-th section of that kind; refuses a title that is no name. */
struct config_section config_section_inner(
	const struct config_section *section, const char *word, size_t index);

/* The same with a title of any kind. */
struct config_section config_section_at(
	const struct config_section *section, const char *word, size_t index);

size_t config_section_size(const struct config_section *section, const char *word);
/* The index-th value of a word, or NULL. Borrows from the section. */
const char *config_section_get(
	const struct config_section *section, const char *word, size_t index);
/* The value, or NULL and an error saying what was expected. */
const char *config_section_require(
	const struct config_section *section, const char *word, const char *expected);
uint32_t config_section_number(const struct config_section *section, const char *word,
	struct config_range range);
bool config_section_flag(
	const struct config_section *section, const char *word, bool otherwise);

/* `file:line: key "x": word: expected …, found "…"` for the index-th value. */
void config_section_refuse(const struct config_section *section, const char *word,
	size_t index, const char *expected);
/* The same place, other words. word may be NULL: the section itself. */
void config_section_say(const struct config_section *section, const char *word,
	const char *format, ...) FORMAT_PRINTF(3, 4);
/* Says so when there are more sections of a kind than may be. */
bool config_section_is_few(
	const struct config_section *section, const char *word, size_t max);

/* ---- config_place.c: what is asked of the machine ---- */

struct config_why {
	char text[CONFIG_WHY_MAX]; /* what is wrong, escaped */
};

typedef bool config_world_user_fn(const char *name, uid_t *out);
typedef bool config_world_group_fn(const char *name, gid_t *out);
typedef bool config_world_file_fn(const char *path, struct config_why *why);
/* Judges the file as one of the configuration, and reads it into out, which is empty. */
typedef bool config_world_list_fn(
	const char *path, struct buf *out, struct config_why *why);

/* Users, groups and files: the machine's, or those of a test. */
struct config_world {
	config_world_user_fn *has_user;
	config_world_group_fn *has_group;
	config_world_file_fn *is_module;
	config_world_file_fn *is_pin_file;
	config_world_file_fn *is_certificate;
	config_world_list_fn *read_list;
};

/* The machine itself; borrowed for ever. */
const struct config_world *config_place_world(void);

/*
 * Whether path is a regular file that only root and we can change, or replace by way of
 * any folder or symbolic link on the path. resolved (CONFIG_PATH_MAX bytes, or NULL)
 * then is the same file without symbolic links.
 */
bool config_place_is_safe(const char *path, char *resolved, struct config_why *why);

/* ---- config_uri.c ---- */

/* NULL when text is good, else what is wrong with it; borrowed for ever. */
const char *config_uri_judge_token(const char *text);
const char *config_uri_judge_key(const char *text);

/* ---- config_build.c and one room a kind of section ---- */

/* What is known so far, for those who refer to it. */
struct config_build {
	struct config *config; /* borrows */
	const struct config_world *world;
	struct config_report *report;
	struct config_hash *hash; /* of all texts so far */
};

/* All of it but the files: also what the fuzzer and the tests call. gives */
MUST_CHECK enum status config_build_texts(const struct config_source *sources,
	size_t n_sources, const struct config_world *world, struct buf *errors,
	struct config **out);

MUST_CHECK enum status config_listen_build(
	const struct config_build *build, const struct config_section *root);
MUST_CHECK enum status config_token_build(
	const struct config_build *build, const struct config_section *root);
MUST_CHECK enum status config_key_build(
	const struct config_build *build, const struct config_section *root);
MUST_CHECK enum status config_record_build(
	const struct config_build *build, const struct config_section *root);
MUST_CHECK enum status config_client_build(
	const struct config_build *build, const struct config_section *root);

/* ---- config_rule.c and the rooms for parts of it ---- */

/* An allow section while it becomes a spec. */
struct config_rule {
	struct policy_rule_spec spec;         /* borrows from all that follows */
	const struct policy_profile *profile; /* NULL when there is none such */
	const char **audiences;               /* owns */
	struct buf list;                      /* the audience-file, cut into lines */
	struct policy_claim_spec *claims;     /* owns */
	const char **values;                  /* owns n_values, of all claims */
	size_t n_values;
	const char **targets;       /* owns */
	struct policy_hours *hours; /* owns */
};

/* client: NULL when the policy does not know the client; then it is only judged. */
MUST_CHECK enum status config_rule_build(const struct config_build *build,
	const struct config_section *section, const char *client);
MUST_CHECK enum status config_audience_build(const struct config_build *build,
	const struct config_section *section, struct config_rule *rule);
MUST_CHECK enum status config_claim_build(
	const struct config_section *section, struct config_rule *rule);
MUST_CHECK enum status config_hours_build(
	const struct config_section *section, struct config_rule *rule);

void config_listen_deinit(struct listen_spec *listen);
void config_token_deinit(struct token_spec *token);
void config_key_deinit(struct key_spec *key);
void config_record_deinit(struct record_spec *record);

/* Whether there is a key section of this name. */
bool config_key_is_known(const struct config *config, const char *name);

#endif
