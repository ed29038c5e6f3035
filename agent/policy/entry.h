/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the record, as bytes. What it means is audit's business; what is here is
 * what makes it a link of a chain, for those who write it and those who check it:
 *
 *   {"seq":7,"time":"2026-11-24T08:05:03.123456Z","open":5,"prev":"<64>","kind":"attempt",
 *    … ,"hash":"<64>"}
 *
 * on one line, printable ASCII only, without any space between members. hash is the
 * SHA-256 of all that stands before `,"hash":"`, prev the hash of the line before (64
 * zeros in the first line of all), both in lower-case hexadecimal. So any changed bit of
 * a line shows in its own hash, and any line taken out, put in or moved in the next one's
 * prev. seq counts by one through all files. open is the seq of the oldest attempt that
 * has no outcome yet, or the line's own where there is none: nobody need read further
 * back to know which attempts are open. (The line that closes an attempt may still name
 * it.) A line about an attempt names that first: `,"attempt":5` right behind the kind.
 *
 * Thread: any (a hasher belongs to one)
 */
#ifndef ZEGEL_POLICY_ENTRY_H
#define ZEGEL_POLICY_ENTRY_H

#include <openssl/evp.h>

#include "util/buf.h"
#include "util/defs.h"

enum {
	ENTRY_HASH_LEN = 32,
	ENTRY_MAX = 16384, /* bytes of a line with its newline */
	ENTRY_KIND_MAX = 24,
	ENTRY_TIME_LEN = 27,
};

/* Less than 2^53: every reader of JSON can hold it, JavaScript's too. */
#define ENTRY_SEQ_MAX UINT64_C(999999999999999)

/* SHA-256, fetched once. */
struct entry_hasher {
	EVP_MD *md;      /* owns */
	EVP_MD_CTX *ctx; /* owns */
};

#define ENTRY_HASHER_INIT ((struct entry_hasher){.md = NULL})

MUST_CHECK enum status entry_hasher_init(struct entry_hasher *hasher);
void entry_hasher_deinit(struct entry_hasher *hasher);

/* The end of a chain: what the next line builds on. */
struct entry_head {
	uint64_t seq; /* 0: there is no line yet; then hash is zeros */
	uint8_t hash[ENTRY_HASH_LEN];
};

/* What every line says before its own members. */
struct entry_front {
	int64_t time_us;  /* since the epoch, UTC */
	uint64_t open;    /* 0: the line's own seq */
	const char *kind; /* a constant of a-z and '-' */
};

/*
 * Appends to out the line that follows head, and moves head to it. members is what stands
 * between kind and hash: `,"name":value` for each, already JSON of printable ASCII.
 * NO_MEMORY when it does not fit, or seq is at its end; then neither out nor head is
 * changed. Bytes that could forge a line are a fault, whoever let them through.
 */
MUST_CHECK enum status entry_append(struct buf *out, struct entry_hasher *hasher,
	struct entry_head *head, const struct entry_front *front, struct bytes members);

/* A line that was read. Borrows from its bytes. */
struct entry {
	uint64_t seq;
	uint64_t open;
	uint8_t prev[ENTRY_HASH_LEN];
	uint8_t hash[ENTRY_HASH_LEN];
	struct bytes time;    /* ENTRY_TIME_LEN: 2026-11-24T08:05:03.123456Z */
	struct bytes kind;    /* a-z and '-' */
	struct bytes members; /* as entry_append() took them */
};

/*
 * Reads one line without its newline: the form above to the byte, and its own hash. It
 * parses no JSON: what is hashed was written by us. BAD_FILE and in *why a constant
 * sentence when it is no such line; CRYPTO.
 */
MUST_CHECK enum status entry_read(struct entry_hasher *hasher, struct bytes line,
	struct entry *out, const char **why);
/*
 * Whether entry may follow head: BAD_FILE and *why when not. A head with seq 0 takes any
 * entry: line 1, which says that there is none before it, or one in the middle of a
 * record, of which nothing before it is known. On OK head moves to the entry.
 */
MUST_CHECK enum status entry_follow(
	struct entry_head *head, const struct entry *entry, const char **why);
/*
 * The attempt that the line is about, and the members behind it. False when its first
 * member is not that.
 */
bool entry_get_attempt(
	const struct entry *entry, struct bytes *rest, uint64_t *out_attempt);

/* Appends 2 * bytes.len lower-case digits. */
MUST_CHECK enum status entry_append_hex(struct buf *out, struct bytes bytes);

#endif
