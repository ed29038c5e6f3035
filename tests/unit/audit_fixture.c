/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_fixture.h"

void open_archive(struct archive *archive, struct loop *loop)
{
	const struct audit_setup setup = {.loop = loop,
		.spec = &archive->spec,
		.version = "test",
		.config_hash = {NULL, 0}};

	(void)snprintf(archive->folder, sizeof(archive->folder), "/tmp/record-XXXXXX");
	assert_non_null(mkdtemp(archive->folder));
	archive->spec = (struct record_spec){.directory = archive->folder};
	assert_int_equal(audit_open(&setup, &archive->audit), STATUS_OK);
}

void close_archive(struct archive *archive)
{
	char path[sizeof(archive->folder) + sizeof("/audit.jsonl")];

	audit_close(&archive->audit);
	(void)snprintf(path, sizeof(path), "%s/audit.jsonl", archive->folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(archive->folder), 0);
}
