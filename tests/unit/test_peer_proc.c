/* SPDX-License-Identifier: Apache-2.0 */
/* Which unit a cgroup means, and that nobody can take on another's by a name below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/peer_proc.h"
#include "util/fd.h"

#define LONG_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define LONG_240                                                                       \
	LONG_50 LONG_50 LONG_50 LONG_50 "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"

struct row {
	const char *text;
	const char *unit;
};

static const struct row rows[] = {
	/* as systemd makes them */
	{"0::/system.slice/planning-api.service\n", "planning-api.service"},
	{"0::/system.slice/system-getty.slice/getty@tty1.service\n",
		"getty@tty1.service"},
	{"0::/init.scope\n", "init.scope"},
	{"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
	{"0::/system.slice/a\\x2db.service\n", "a\\x2db.service"},
	{"0::/system.slice/docker-0123abc.scope\n", "docker-0123abc.scope"},
	/* a name that the kernel could misread has a mark */
	{"0::/_cpu.service\n", "cpu.service"},
	{"0::/system.slice/_cpu.slice/__a.service\n", "_a.service"},
	/* below a unit others choose the names */
	{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
	 "planning-api.service\n",
		"user@1000.service"},
	{"0::/machine.slice/libpod-1.scope/container/planning-api.service\n",
		"libpod-1.scope"},
	/* no unit */
	{"", ""},
	{"\n", ""},
	{"0::/\n", ""},
	{"0::\n", ""},
	{"0::\n0::/a.service\n", ""},
	{"0::/system.slice\n", ""},
	{"0::/system.slice/\n", ""},
	{"0::/.slice/a.service\n", ""},
	{"0::/.service\n", ""},
	{"0::/_.service\n", ""},
	{"0::/kubepods/burstable/pod1/a.service\n", ""},
	{"0::/../a.service\n", ""},
	{"0::/system.slice/../a.service\n", ""},
	{"0::a.service\n", ""},
	{"0::/system.slice//a.service\n", ""},
	{"0::/a.service (deleted)\n", ""},
	{"0::/a.mount\n", ""},
	/* foreign bytes */
	{"0::/a b.service\n", ""},
	{"0::/a\033[31m.service\n", ""},
	{"0::/a\xc3\xa9.service\n", ""},
	{"0::/a\".service\n", ""},
	{"0::/" LONG_240 "01234567.service\n", ""},
	{"0::/" LONG_240 "0123456.service\n", LONG_240 "0123456.service"},
	/* hierarchies of old: systemd has one of its own, the unified one goes before */
	{"4:memory:/x\n1:name=systemd:/system.slice/a.service\n", "a.service"},
	{"1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n",
		"b.service"},
	{"1:name=systemd:/system.slice/a.service\n0::/\n", ""},
	{"4:memory:/system.slice/a.service\n", ""},
	{"10::/a.service\n", ""},
	{"0:name=:/a.service\n", ""},
	{"0:x:/a.service\n", ""},
	/* without the last newline */
	{"0::/system.slice/a.service", "a.service"},
	{"0", ""},
	{"0:", ""},
	{":::", ""},
};

static void a_unit_is_what_the_systems_manager_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char unit[PEER_PROC_UNIT_MAX + 1] = "before";

		peer_proc_unit_from_cgroup(bytes_from_text(rows[i].text), unit);
		if (strcmp(unit, rows[i].unit) != 0)
			fail_msg("%s: found \"%s\"", rows[i].text, unit);
	}
}

static void a_process_that_is_none_has_no_facts(void **state)
{
	struct peer_proc facts = {.unit = "u", .exe = "e"};
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(peer_proc_read(child, FD_NONE, &facts), STATUS_NOT_FOUND);
	assert_int_equal(
		peer_proc_read_by_number(child, getuid(), &facts), STATUS_NOT_FOUND);
	assert_string_equal(facts.unit, "u");
	assert_true(peer_proc_can_see_others());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_is_what_the_systems_manager_made),
		cmocka_unit_test(a_process_that_is_none_has_no_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
