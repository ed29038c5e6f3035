/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libzegel: ask the local sealing agent for a finished seal.
 *
 * The library holds no key and no PIN, starts no thread, touches no signal and keeps no
 * global state. A handle may be used from several threads at once; each call uses a
 * connection of its own for its time, and up to 16 idle ones are kept for the next calls.
 * After fork() a child may go on with the handle: it makes connections of its own.
 *
 * Every call takes at most its timeout. An idle connection that the agent closed is made
 * anew; the request is then repeated, once, when not one byte of an answer had come.
 *
 * Before anything is sent, the kernel is asked who listens at the socket. If that is not
 * root, the user zegel or our own, the call is UNAVAILABLE and nothing was sent.
 *
 * Texts given out are UTF-8 and end in a NUL. Lengths are in bytes, times in seconds
 * since the epoch unless the name says _ms.
 */
#ifndef ZEGEL_H
#define ZEGEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZEGEL_API __attribute__((visibility("default")))

/* How a call ended: the nine words of the wire (proto/README.md). */
enum zegel_status {
	ZEGEL_OK = 0,
	ZEGEL_INVALID = 1, /* the request is not what it must be; do not repeat it */
	ZEGEL_DENIED = 2,  /* not allowed (to connect, too), or no such key */
	ZEGEL_LOCKED = 3,  /* the token waits for a security officer */
	ZEGEL_BUSY = 4,    /* try again after retry_after_ms */
	ZEGEL_TIMEOUT = 5, /* try again */
	ZEGEL_UNAVAILABLE = 6, /* no agent, or no token now; try again */
	ZEGEL_UNSUPPORTED = 7, /* this agent, key or profile cannot do that */
	ZEGEL_INTERNAL = 8,    /* the agent or this library failed */
};

/* "DENIED"; never NULL, a constant. A number that is none of the nine reads as INTERNAL. */
ZEGEL_API const char *zegel_status_name(enum zegel_status status);
/* Whether the same request may be sent again: BUSY, TIMEOUT and UNAVAILABLE. */
ZEGEL_API bool zegel_status_can_retry(enum zegel_status status);

/* Why a call failed, filled when a call does not return ZEGEL_OK. */
struct zegel_error {
	enum zegel_status status;
	uint32_t retry_after_ms; /* 0 when the agent gave no hint */
	char text[256];          /* what was expected, or what the system said */
};

/* A handle on one agent. */
struct zegel;

/*
 * Opens a handle. Nothing is sent yet: an agent that is not there shows at the first call.
 *   socket_path  NULL: $ZEGEL_SOCKET, else /run/zegel/zegel.sock
 *   timeout_ms   for each call, 1 to 60000; 0: 10000
 *   out          the handle, to be closed with zegel_close()
 *   error        may be NULL
 * INVALID: the path is longer than a Unix socket's can be (107 bytes), or the timeout is.
 */
ZEGEL_API enum zegel_status zegel_open(const char *socket_path, uint32_t timeout_ms,
	struct zegel **out, struct zegel_error *error);
/* Closes the handle, which no thread may be using; NULL is fine. */
ZEGEL_API void zegel_close(struct zegel *zegel);

/*
 * What to seal. Set .size = sizeof(struct zegel_seal_request) and zero the rest (a
 * designated initialiser does), so that members added later read as absent. A member
 * that this library does not know yet must be zero: INVALID. So is one that is not for
 * the profile.
 */
struct zegel_seal_request {
	size_t size;
	const char *key; /* name of the key in the agent's configuration; required */
	const char *profile;   /* "dsgo-auth", "digest" or "jws"; required */
	const char *algorithm; /* RFC 7518 name; NULL: the profile's default */

	/* dsgo-auth: */
	const char *audience; /* aud, the receiver's identifier; required */
	const char *claims;   /* further claims, one JSON object, or NULL */
	bool not_before;      /* also set nbf = iat */

	/* digest: */
	const uint8_t *digest; /* digest_len bytes, as long as the algorithm's hash */
	size_t digest_len;

	/*
	 * jws: DENIED when the whole could pass as a DSGO token: when typ is absent or one
	 * of a JWT, and the payload names a claim of a token or is neither strict JSON nor
	 * plain text (proto/README.md). A typ that says what it is avoids that.
	 */
	const uint8_t *payload; /* payload_len bytes, at most 32768; required */
	size_t payload_len;     /* may be 0 */
	const char
		*typ; /* typ of the header, a media type as RFC 7515 4.1.9; or NULL */
	const char *cty; /* cty of the header (RFC 7515 4.1.10), or NULL */
	bool x5c;        /* the header also carries the certificate chain */
};

/* A finished seal. */
struct zegel_seal {
	const char *text; /* compact JWS (RFC 7515 3.1); NULL for "digest" */
	/*
	 * data_len bytes: the text without its NUL, or the raw signature (RSA: as long as
	 * the modulus; ECDSA: r and s, as RFC 7518 3.4).
	 */
	const uint8_t *data;
	size_t data_len;
	const char *jti;                /* NULL where the seal has none */
	int64_t issued_at;              /* iat, 0 where the seal has none */
	int64_t expires_at;             /* exp, 0 where the seal has none */
	const char *algorithm;          /* "RS256" */
	uint8_t certificate_sha256[32]; /* of the DER that it verifies with */
};

/*
 * Asks for a seal.
 *   out    a new seal, to be freed with zegel_seal_free(); untouched on failure
 *   error  may be NULL
 */
ZEGEL_API enum zegel_status zegel_seal(struct zegel *zegel,
	const struct zegel_seal_request *request, struct zegel_seal **out,
	struct zegel_error *error);
/* NULL is fine. */
ZEGEL_API void zegel_seal_free(struct zegel_seal *seal);

enum zegel_key_state {
	ZEGEL_KEY_READY = 0,
	ZEGEL_KEY_LOCKED = 1,      /* the token waits for a security officer */
	ZEGEL_KEY_UNAVAILABLE = 2, /* no token has it now */
	ZEGEL_KEY_NOT_VALID = 3,   /* the certificate is not valid now */
};

struct zegel_key {
	const char *name;
	enum zegel_key_state state;
	const char *const *profiles; /* n_profiles that this client may ask for */
	size_t n_profiles;
	const char *const *algorithms; /* n_algorithms that the key can do */
	size_t n_algorithms;
	const char *identifier; /* iss of its seals, or NULL */
	int64_t not_before;     /* of the certificate */
	int64_t not_after;
	uint8_t certificate_sha256[32]; /* of the leaf's DER */
};

struct zegel_keys {
	const struct zegel_key *keys; /* n_keys in the order of their names */
	size_t n_keys;
};

/* The keys that this client may use; free with zegel_keys_free(). */
ZEGEL_API enum zegel_status zegel_list_keys(
	struct zegel *zegel, struct zegel_keys **out, struct zegel_error *error);
/* NULL is fine. */
ZEGEL_API void zegel_keys_free(struct zegel_keys *keys);

struct zegel_certificate {
	const uint8_t *der;
	size_t der_len;
};

/* A key with its certificates, leaf first, root last. */
struct zegel_description {
	struct zegel_key key;
	const struct zegel_certificate *chain; /* n_chain of them, at least one */
	size_t n_chain;
};

/* Describes one key; free with zegel_description_free(). */
ZEGEL_API enum zegel_status zegel_describe_key(struct zegel *zegel, const char *key,
	struct zegel_description **out, struct zegel_error *error);
/* NULL is fine. */
ZEGEL_API void zegel_description_free(struct zegel_description *description);

struct zegel_health {
	char agent[64]; /* "zegel 0.1.0" */
	uint64_t uptime_s;
	uint32_t waiting;   /* requests in all lines */
	uint32_t in_flight; /* jobs that tokens are working on */
	uint64_t sealed;    /* seals released since the start */
	uint32_t keys_ready;
	uint32_t keys; /* that this client may use */
	/*
	 * Why nothing can be sealed, whatever the keys' states: the record cannot be
	 * written. "" when all is well.
	 */
	char trouble[128];
};

/* How the agent is. */
ZEGEL_API enum zegel_status zegel_health(
	struct zegel *zegel, struct zegel_health *out, struct zegel_error *error);

/* One of the rules that the agent has for us. */
struct zegel_rule {
	const char *name;
	const char *key;
	const char *profile;
	bool is_master; /* it contains every other kind of seal with that key */
};

/*
 * How the agent sees us. The library makes it, and points to each of its rules, so that
 * members which later versions add at the end of either are no matter to older programs.
 */
struct zegel_identity {
	const char *client; /* name of our section; "": none fits, we may do nothing */
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;           /* of whoever made the connection */
	const uint32_t *groups; /* n_groups supplementary ones */
	size_t n_groups;
	bool is_unclear; /* the process could not be asked: unit and exe are not known */
	const char *unit;   /* of systemd; NULL here and below: none, or not known */
	const char *exe;    /* path of the program */
	const char *label;  /* of SELinux or AppArmor */
	const char *listen; /* name of the socket's section */
	const struct zegel_rule *const *rules; /* n_rules by key, then profile */
	size_t n_rules;
};

/* How the agent sees us, also when we may do nothing; free with zegel_identity_free(). */
ZEGEL_API enum zegel_status zegel_whoami(
	struct zegel *zegel, struct zegel_identity **out, struct zegel_error *error);
/* NULL is fine. */
ZEGEL_API void zegel_identity_free(struct zegel_identity *identity);

#ifdef __cplusplus
}
#endif

#endif
