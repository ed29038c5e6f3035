/* SPDX-License-Identifier: Apache-2.0 */
/* A record in a folder of its own, for tests that seal. */
#ifndef ZEGEL_TESTS_AUDIT_FIXTURE_H
#define ZEGEL_TESTS_AUDIT_FIXTURE_H

#include "policy/audit.h"

struct archive {
	char folder[32];
	struct record_spec spec;
	struct audit *audit;
};

void open_archive(struct archive *archive, struct loop *loop);
/* Before the loop is freed. */
void close_archive(struct archive *archive);

#endif
