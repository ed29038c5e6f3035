/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of libzegel share. The library stands alone: it knows proto/ and
 * zegel.h, never the agent's code.
 *
 * A function that can fail gives the status that it has written into the call's error;
 * its result goes to the last parameter and is untouched on failure.
 *
 * Thread: any, unless a function says otherwise
 */
#ifndef ZEGEL_CLIENT_INTERNAL_H
#define ZEGEL_CLIENT_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "zegel.h"

#include "proto/frame.h"
#include "zegel.pb-c.h"

#define MUST_CHECK            __attribute__((warn_unused_result))
#define CLEANUP(function)     __attribute__((cleanup(function)))
#define FORMAT_PRINTF(at, of) __attribute__((format(printf, at, of)))

/* Moves a pointer out of a guarded local: *out = TAKE(local). */
#define TAKE(pointer)                                                                  \
	__extension__({                                                                \
		__typeof__(pointer) taken_ = (pointer);                                \
		(pointer) = NULL;                                                      \
		taken_;                                                                \
	})

/* Passes a status on unchanged. The only macro that returns. */
#define TRY(call)                                                                      \
	do {                                                                           \
		const enum zegel_status try_status_ = (call);                          \
		if (try_status_ != ZEGEL_OK)                                           \
			return try_status_;                                            \
	} while (0)

enum {
	FD_NONE = -1,
	TIMEOUT_DEFAULT_MS = 10000,
	TIMEOUT_MAX_MS = 60000,
	CLAIMS_MAX = 16384, /* as zegel.proto says */
	PAYLOAD_MAX = 32768,
	MEDIA_TYPE_MAX = 127,
	SHA256_LEN = 32,
	POOL_MAX = 16,   /* idle connections of a handle */
	PAGES_MAX = 100, /* answers of one zegel_list_keys() or zegel_whoami() */
};

/*
 * Idle connections: each slot holds one, with the process that made it, or nothing.
 * A slot is taken and filled by one atomic exchange. There is no lock, so a fork()
 * beside a running call cannot leave one locked in the child.
 */
struct pool {
	_Atomic uint64_t slots[POOL_MAX]; /* owns; 0: empty (pool.c) */
};

struct zegel {
	struct sockaddr_un address; /* fixed after open, as all but the last two */
	uint32_t timeout_ms;
	bool has_agent_uid; /* whether there is a user called zegel */
	uid_t agent_uid;
	_Atomic uint64_t last_id;
	struct pool pool;
};

/* One call of the application: it may go over several connections and requests. */
struct call {
	struct zegel *zegel;       /* borrows */
	struct zegel_error *error; /* borrows; may be NULL */
	uint64_t deadline_ms;      /* of the monotonic clock */
	bool was_closed; /* the connection ended before any byte of an answer */
	bool is_in_step; /* the connection may serve another request */
};

/* error.c: says why and gives status; error may be NULL. */
enum zegel_status error_set(struct zegel_error *error, enum zegel_status status,
	const char *format, ...) FORMAT_PRINTF(3, 4);
/* As the agent said it: an unknown word is INTERNAL, only a retry carries a hint. */
enum zegel_status error_set_answer(
	struct zegel_error *error, const Zegel__V1__Error *answer);
enum zegel_status error_set_memory(struct zegel_error *error);
/* status with the system's words for errno, behind what was tried. */
enum zegel_status error_set_errno(
	struct zegel_error *error, enum zegel_status status, const char *what);

/* text.c: bytes of the wire as C strings, many in one allocation. */
bool text_is_clean(ProtobufCBinaryData bytes); /* at least one byte, and no NUL */
/* A view for a request; the text is only read. */
ProtobufCBinaryData text_to_bytes(const char *text);

/*
 * Things laid behind each other in one allocation. The same code runs twice: first with
 * p NULL it only counts, then it fills what the count asked for.
 */
struct block {
	uint8_t *p; /* borrows; NULL: only counting */
	size_t used;
};
/* Room for n things of size; NULL while counting. */
void *block_take(struct block *block, size_t n, size_t size);
/* A copy of the bytes with a NUL behind them; NULL while counting. */
char *block_take_text(struct block *block, ProtobufCBinaryData bytes);

/* deadline.c */
uint64_t deadline_in(uint32_t ms);
/* 0 when it has passed. */
uint32_t deadline_left_ms(uint64_t deadline_ms);
/* Waits for poll()'s events; TIMEOUT at the call's deadline. */
MUST_CHECK enum zegel_status deadline_wait(
	const struct call *call, int fd, short events);

/* connect.c: a new connection to a server that may be trusted; nothing is sent yet. */
MUST_CHECK enum zegel_status connect_open(struct call *call, int *out);
/* The user that the agent runs as; to be asked once, for it may read files. */
bool connect_find_agent_uid(uid_t *out);
void connect_closep(int *fd);

/* pool.c: a live idle connection of this process, or FD_NONE. gives */
int pool_take(struct pool *pool);
/* Keeps *fd, and sets it to FD_NONE; leaves it when the pool is full. */
void pool_put(struct pool *pool, int *fd);
void pool_deinit(struct pool *pool);

/* wire.c: whole frames. Both set call->was_closed. */
MUST_CHECK enum zegel_status wire_send(
	struct call *call, int fd, const uint8_t *bytes, size_t len);
/* The next answer, to be freed with wire_answer_freep(). gives */
MUST_CHECK enum zegel_status wire_receive(
	struct call *call, int fd, Zegel__V1__Response **out);
void wire_answer_freep(Zegel__V1__Response **answer);

/* call.c: begins a call; INVALID when there is no handle. */
MUST_CHECK enum zegel_status call_init(
	struct call *call, struct zegel *zegel, struct zegel_error *error);
/*
 * Asks, and gives the answer, which is of the wanted kind; the id, and the time that a
 * seal may take, are filled in here. gives
 */
MUST_CHECK enum zegel_status call_ask(struct call *call, Zegel__V1__Request *request,
	Zegel__V1__Response__WhatCase wanted, Zegel__V1__Response **out);

/* pages.c: the answers that one list was made of; CLEANUP(pages_deinit) */
struct pages {
	Zegel__V1__Response *p[PAGES_MAX]; /* owns */
	size_t n;
	size_t n_items; /* of the list, in all of them */
};
void pages_deinit(struct pages *pages);
/* Takes the answer, which has n_items of the list; to be called once by an ask_page_fn. */
void pages_add(struct pages *pages, Zegel__V1__Response **answer, size_t n_items);
/* Asks for the page behind those that are there, and adds it when it is sound. */
typedef enum zegel_status ask_page_fn(
	struct call *call, struct pages *pages, bool *has_more);
/* Asks until there is no more; what: of which list, for the error. INTERNAL: no end. */
MUST_CHECK enum zegel_status pages_ask(
	struct pages *pages, struct call *call, ask_page_fn *ask, const char *what);

/* For CLEANUP: frees what malloc gave and sets NULL. */
void freep(void *pointer_to_pointer);

#endif
