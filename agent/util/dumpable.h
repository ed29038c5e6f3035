/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether others of our user may trace us and read our memory. A room of its own because
 * LeakSanitizer traces its own process: sanitizer builds take dumpable_sanitizer.c.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_DUMPABLE_H
#define ZEGEL_UTIL_DUMPABLE_H

/* 0, or -1 with errno. */
int dumpable_forbid(void);

#endif
