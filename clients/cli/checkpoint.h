/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes that somebody kept, as marks for inspect, and whether those signed them who
 * should have.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_CHECKPOINT_H
#define ZEGEL_CLI_CHECKPOINT_H

#include <openssl/evp.h>

#include "inspect.h"
#include "note.h"

enum {
	CHECKPOINTS_MAX = 64,
	CHECKPOINT_KEYS_MAX = 16,
};

enum checkpoint_signature {
	CHECKPOINT_UNCHECKED, /* no certificate was given */
	CHECKPOINT_SIGNED,
	CHECKPOINT_UNSIGNED, /* not by any certificate given */
	CHECKPOINT_FORGED,   /* by one of them, it says, and it is not so */
};

struct checkpoint {
	const char *path; /* borrows */
	struct buf file;  /* owns */
	struct note note;
	enum checkpoint_signature signature;
	const char *algorithm; /* of the signature; NULL unless SIGNED */
};

struct checkpoints {
	struct checkpoint list[CHECKPOINTS_MAX];
	struct inspect_mark marks[CHECKPOINTS_MAX]; /* one for each */
	size_t n;
	EVP_PKEY *keys[CHECKPOINT_KEYS_MAX]; /* owns */
	size_t n_keys;
};

void checkpoints_deinit(struct checkpoints *checkpoints);

/* They give the exit code; what went wrong is said. */
int checkpoints_add(
	struct checkpoints *checkpoints, const char *command, const char *path);
int checkpoints_add_certificates(
	struct checkpoints *checkpoints, const char *command, const char *path);
/* Once all were added. */
int checkpoints_check(struct checkpoints *checkpoints, const char *command);

/* Whether the record holds it, and the signature is not a wrong one. */
bool checkpoint_is_good(const struct checkpoints *checkpoints, size_t at);

#endif
