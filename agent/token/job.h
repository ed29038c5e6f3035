/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crosses between the broker and a worker (zegel-token): whole messages over one
 * SOCK_SEQPACKET socket, of fixed layout, without pointers, in the byte order of the
 * machine (both ends are one build on one machine; job_hello.layout says so).
 *
 *   broker                                   worker
 *   JOB_OPEN (+ the PIN's descriptor)   ──►  loads the module, finds the token
 *   JOB_KEY, one for each key           ──►
 *                                       ◄──  JOB_FOUND   the token, by serial and label
 *                                       ◄──  JOB_MAY_LOGIN   only when it has a PIN to try
 *   JOB_LOGIN  go or no                 ──►
 *                                       ◄──  JOB_LOGGED_IN   how the try ended
 *                                       ◄──  JOB_KEY_IS      one for each key
 *                                       ◄──  JOB_SESSION_UP  one for each session
 *   JOB_SIGN                            ──►
 *                                       ◄──  JOB_SIGNED  one for each JOB_SIGN, any order
 *                                       ◄──  JOB_FAILED  the last word before _exit
 *
 * Before JOB_SESSION_UP the worker's threads read in turn; after it every signing thread
 * receives its own JOB_SIGN: the kernel is the queue. End-of-file is the only order to
 * end, and the only sign of death.
 *
 * A variable tail (bytes behind a fixed head) is sent only as far as it is filled;
 * job_is_whole() says whether a message is exactly as long as its head claims.
 *
 * Thread: any
 */
#ifndef ZEGEL_TOKEN_JOB_H
#define ZEGEL_TOKEN_JOB_H

#include "util/defs.h"

enum {
	JOB_LAYOUT = 1,           /* raised by every change of this file */
	JOB_PATH_MAX = 512,       /* with the NUL */
	JOB_URI_MAX = 512,        /* with the NUL */
	JOB_ENVIRONMENT_MAX = 16, /* variables */
	JOB_VARIABLE_MAX = 256,   /* NAME=VALUE with the NUL */
	JOB_KEYS_MAX = 1024,      /* keys on one token */
	JOB_SESSIONS_MAX = 64,    /* sessions, and threads, of one worker */
	JOB_DATA_MAX = 16384,     /* a digest, or for EdDSA the message */
	JOB_SIGNATURE_MAX = 1024, /* RSA-8192 */
	JOB_PUBLIC_MAX = 1024,    /* RSA modulus of 8192 bits */
	JOB_TOKEN_TEXT_MAX =
		33, /* PKCS#11 fields of 16 and 32 bytes, trimmed, with the NUL */
	JOB_CALL_MAX = 32, /* the name of a PKCS#11 function, with the NUL */
	JOB_FD = 3,        /* where a spawned worker finds its socket */
};

enum job_kind {
	JOB_OPEN = 1,
	JOB_KEY = 2,
	JOB_LOGIN = 3,
	JOB_SIGN = 4,
	JOB_FOUND = 65,
	JOB_MAY_LOGIN = 66,
	JOB_LOGGED_IN = 67,
	JOB_KEY_IS = 68,
	JOB_SESSION_UP = 69,
	JOB_SIGNED = 70,
	JOB_FAILED = 71,
};

/* The head of every message. */
struct job_head {
	uint32_t kind;   /* enum job_kind */
	uint32_t layout; /* JOB_LAYOUT */
};

/* broker to worker; carries the PIN's descriptor as SCM_RIGHTS when has_pin is 1 */
struct token_open {
	struct job_head head;
	uint32_t n_sessions;
	uint32_t n_keys; /* so many JOB_KEY follow */
	uint32_t deadline_ms;
	uint32_t n_environment;
	uint32_t has_pin;
	uint32_t reserved; /* 0 */
	char module[JOB_PATH_MAX];
	char uri[JOB_URI_MAX];
	char environment[JOB_ENVIRONMENT_MAX][JOB_VARIABLE_MAX];
};

/* broker to worker; key ids are 0 to n_keys - 1, in order */
struct token_key {
	struct job_head head;
	uint32_t key_id;
	uint32_t reserved;
	char uri[JOB_URI_MAX];
};

/* broker to worker, the answer to JOB_MAY_LOGIN */
struct token_login {
	struct job_head head;
	uint32_t may_login; /* 1: C_Login once with the PIN; 0: no try is made */
	uint32_t reserved;
};

/* The operations a worker knows. The broker has checked key type against operation. */
enum job_operation {
	JOB_RSA_PKCS1_SHA256 = 1, /* data: 32 bytes of SHA-256 */
	JOB_RSA_PKCS1_SHA384 = 2,
	JOB_RSA_PKCS1_SHA512 = 3,
	JOB_RSA_PSS_SHA256 = 4, /* MGF1 with the same hash, salt as long as the hash */
	JOB_RSA_PSS_SHA384 = 5,
	JOB_RSA_PSS_SHA512 = 6,
	JOB_ECDSA =
		7, /* data: the digest; signature: r and s, each as long as the field */
};

struct token_job {
	struct job_head head;
	uint64_t job_id;
	uint32_t key_id;
	uint32_t operation; /* enum job_operation */
	uint32_t data_len;
	uint32_t reserved;
	uint8_t data[JOB_DATA_MAX];
};

/* What became of a step. */
enum job_outcome {
	JOB_DONE = 0,
	JOB_REFUSED = 1, /* the token said no: as a login, never to be tried again */
	JOB_GONE = 2,    /* the token or its session is gone */
	JOB_BROKEN = 3,  /* any other error of the module */
	JOB_SKIPPED = 4, /* not tried: final try shown, locked, or the broker said no */
};

/* worker to broker. Texts are trimmed and end in a NUL, else foreign bytes. */
struct token_found {
	struct job_head head;
	char label[JOB_TOKEN_TEXT_MAX];
	char serial[JOB_TOKEN_TEXT_MAX];
	char model[JOB_TOKEN_TEXT_MAX];
	char manufacturer[JOB_TOKEN_TEXT_MAX];
	uint32_t has_login_required;
	uint32_t is_pin_count_low;
	uint32_t is_pin_final_try;
	uint32_t is_pin_locked;
};

struct token_may_login {
	struct job_head head;
};

struct token_logged_in {
	struct job_head head;
	uint32_t outcome; /* enum job_outcome */
	uint32_t reserved;
	uint64_t rv; /* CK_RV, for the log only */
};

enum job_key_type {
	JOB_KEY_UNKNOWN = 0,
	JOB_KEY_RSA = 1,
	JOB_KEY_EC = 2,
};

/* Why a key is not used; fixed texts live in worker/key.c. */
enum job_key_state {
	JOB_KEY_USABLE = 0,
	JOB_KEY_NOT_FOUND = 1,
	JOB_KEY_NOT_UNIQUE = 2,    /* the URI fits two private keys */
	JOB_KEY_BAD_ATTRIBUTE = 3, /* attribute says which is not as it must be */
	JOB_KEY_ERROR = 4,         /* the module failed while it was looked for */
};

struct token_key_is {
	struct job_head head;
	uint32_t key_id;
	uint32_t state;               /* enum job_key_state */
	uint32_t type;                /* enum job_key_type */
	uint32_t public_len;          /* 0: the token does not show it */
	uint64_t rv;                  /* CK_RV, for the log only */
	char attribute[JOB_CALL_MAX]; /* "CKA_EXTRACTABLE" */
	uint8_t public_key
		[JOB_PUBLIC_MAX]; /* RSA: modulus, big endian; EC: 04 || x || y */
};

struct token_session_up {
	struct job_head head;
	uint32_t session_id;
	uint32_t outcome; /* JOB_DONE, or why there are fewer sessions than asked for */
	uint64_t rv;
};

struct token_result {
	struct job_head head;
	uint64_t job_id;
	uint32_t session_id;
	uint32_t outcome;       /* enum job_outcome */
	uint64_t rv;            /* CK_RV, for the log only */
	uint32_t signature_len; /* 0 unless outcome is JOB_DONE */
	uint32_t reserved;
	uint8_t signature[JOB_SIGNATURE_MAX];
};

/* Which step a worker could not take, before it ends. */
struct token_failed {
	struct job_head head;
	uint32_t outcome; /* enum job_outcome */
	uint32_t reserved;
	uint64_t rv; /* CK_RV, or 0 when no PKCS#11 function was called */
	char call
		[JOB_CALL_MAX]; /* "C_Initialize", "dlopen", "find token", "deadline" */
	char text[256];         /* more, as foreign text: the loader's words */
};

/* Any message, for receiving. */
union job_message {
	struct job_head head;
	struct token_open open;
	struct token_key key;
	struct token_login login;
	struct token_job job;
	struct token_found found;
	struct token_may_login may_login;
	struct token_logged_in logged_in;
	struct token_key_is key_is;
	struct token_session_up session_up;
	struct token_result result;
	struct token_failed failed;
};

/*
 * How many bytes of message are to be sent: the whole struct of its kind, without the
 * unused tail of data, public_key or signature.
 */
size_t job_length(const union job_message *message);

/*
 * Whether len received bytes are one whole message: known kind, our layout, lengths and
 * enums within their tables, texts ended by a NUL, the length as job_length() says.
 */
bool job_is_whole(const union job_message *message, size_t len);

#endif
