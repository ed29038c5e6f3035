/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says of a key: the section `key "name" { … }`.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_SPEC_H
#define ZEGEL_SEAL_SPEC_H

#include "util/defs.h"

/* One section `on "token" { … }`: where the private key lives, and its certificate. */
struct key_on_spec {
	char *token;       /* owns; the name of a token section */
	char *uri;         /* owns; RFC 7512, with object (label) or id */
	char *certificate; /* owns; absolute path of a PEM file, leaf first */
};

struct key_spec {
	char *name;             /* owns */
	struct key_on_spec *on; /* owns n_on, at least one */
	size_t n_on;
	char *identifier; /* owns; iss and sub instead of what the certificate says, or NULL */
	bool has_root; /* x5c carries the self-signed root (spec 1.7) */
};

#endif
