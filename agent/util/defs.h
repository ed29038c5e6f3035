/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that every room speaks: a view of bytes, the marks for what must be
 * checked and cleaned up, and the one macro that returns.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_DEFS_H
#define ZEGEL_UTIL_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define MUST_CHECK            __attribute__((warn_unused_result))
#define CLEANUP(function)     __attribute__((cleanup(function)))
#define FORMAT_PRINTF(at, of) __attribute__((format(printf, at, of)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

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
		const enum status try_status_ = (call);                                \
		if (try_status_ != STATUS_OK)                                          \
			return try_status_;                                            \
	} while (0)

/* A broken invariant stops the process, in release builds too. */
#define must(condition)                                                                \
	((condition) ? (void)0 : must_fail(#condition, __FILE__, __LINE__))

/* A borrowed view. p may be NULL when len is 0. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

/* A view of a C string without its NUL; the string literal or heap string stays the owner's. */
struct bytes bytes_from_text(const char *text);
bool bytes_is_equal(struct bytes a, struct bytes b);

_Noreturn void must_fail(const char *condition, const char *file, int line);

/* CLEANUP(freep) for what malloc gave: frees and sets NULL. */
void freep(void *pointer_to_pointer);

#endif
