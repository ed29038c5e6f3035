/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `zegel verify` found: one result for each check of spec 1.8, in a fixed order.
 * A check that could not be done because an earlier one failed is skipped and says so;
 * a token is valid when every check passed.
 *
 * The names of the checks are part of the command line's contract: programs read them
 * in --json.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_REPORT_H
#define ZEGEL_CLI_REPORT_H

#include <jansson.h>

#include "util/buf.h"
#include "util/defs.h"

enum report_check {
	REPORT_PARTS,       /* three parts of strict base64url */
	REPORT_HEADER_JSON, /* the header is one JSON object without duplicates */
	REPORT_HEADER,      /* its members are exactly alg, typ and x5c */
	REPORT_ALG,
	REPORT_TYP,
	REPORT_X5C,       /* an array of certificates */
	REPORT_ORDER,     /* leaf first, each issued by the next */
	REPORT_CHAIN,     /* leads to the trust that the caller gave */
	REPORT_DATES,     /* every certificate is valid now */
	REPORT_LEAF,      /* the first certificate is not a CA */
	REPORT_KEY_USAGE, /* it may seal, and may not issue */
	REPORT_KEY_SIZE,
	REPORT_SIGNATURE,
	REPORT_PAYLOAD_JSON, /* the claims are one JSON object without duplicates */
	REPORT_SUBJECT,      /* iss equals sub */
	REPORT_IDENTITY,     /* iss is whom the certificate names */
	REPORT_AUD,
	REPORT_JTI,
	REPORT_IAT,
	REPORT_EXP,
	REPORT_LIFETIME,  /* exp - iat is 30 */
	REPORT_NOT_EARLY, /* iat is not in the future */
	REPORT_NOT_LATE,  /* exp is not in the past */
	REPORT_NBF,
	REPORT_N_CHECKS, /* how many there are; not a check */
};

enum report_result {
	REPORT_OPEN, /* not done yet */
	REPORT_PASS,
	REPORT_FAIL,
	REPORT_SKIP,
};

enum {
	REPORT_DETAIL_MAX = 320, /* bytes with the NUL; longer details are cut */
};

struct report_line {
	enum report_result result;
	char detail[REPORT_DETAIL_MAX];
};

struct report {
	struct report_line lines[REPORT_N_CHECKS];
};

/* "alg"; a constant. */
const char *report_check_name(enum report_check check);

/* Foreign bytes go through log_text() first: the detail is printed as it is. */
void report_pass(struct report *report, enum report_check check, const char *detail,
	...) FORMAT_PRINTF(3, 4);
void report_fail(struct report *report, enum report_check check, const char *detail,
	...) FORMAT_PRINTF(3, 4);
/* Skips every check from first to last that is still open. */
void report_skip(struct report *report, enum report_check first, enum report_check last,
	enum report_check because);
bool report_has_passed(const struct report *report, enum report_check check);
/* Whether all checks passed. */
bool report_is_valid(const struct report *report);

/* A line for each check and one verdict. */
MUST_CHECK enum status report_to_text(const struct report *report, struct buf *out);
/* {"valid": …, "checks": [{"check", "result", "detail"}]}; NULL without memory. gives */
json_t *report_to_json(const struct report *report);

#endif
