/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says of a token: the section `token "name" { … }`.
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_SPEC_H
#define ZEGEL_TOKEN_SPEC_H

#include "util/defs.h"

/* Who opens the descriptor that the worker reads the PIN from (design 4.7). */
enum token_pin {
	TOKEN_PIN_OFFICER, /* nobody until an officer comes: the token starts LOCKED */
	TOKEN_PIN_FILE,    /* the broker, from pin_path */
};

struct token_spec {
	char *name;   /* owns */
	char *module; /* owns; absolute */
	char *uri;    /* owns; RFC 7512, with serial or token (label), never a slot */
	char **environment; /* owns n_environment strings NAME=VALUE */
	size_t n_environment;
	enum token_pin pin;
	char *pin_path; /* owns; only with TOKEN_PIN_FILE */
	uint32_t n_sessions;
	uint32_t deadline_ms;
};

#endif
