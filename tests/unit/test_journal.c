/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd.h"
#include "util/journal.h"

enum {
	QUEUE_MAX =
		100000, /* datagrams: more than any kernel holds back for a reader */
};

/* A journal of the test's own: a datagram socket in a folder. */
struct desk {
	char folder[32];
	char path[64];
	int fd;
};

static int open_desk(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (desk == NULL)
		return -1;
	*state = desk;
	(void)strcpy(desk->folder, "/tmp/zegel-journal-XXXXXX");
	if (mkdtemp(desk->folder) == NULL)
		return -1;
	(void)snprintf(desk->path, sizeof(desk->path), "%s/socket", desk->folder);
	(void)strcpy(address.sun_path, desk->path);
	desk->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(desk->fd, (const struct sockaddr *)&address, sizeof(address));
}

static int close_desk(void **state)
{
	struct desk *desk = *state;

	fd_closep(&desk->fd);
	(void)unlink(desk->path);
	(void)rmdir(desk->folder);
	free(desk);
	return 0;
}

static struct bytes view(const char *bytes, size_t len)
{
	return (struct bytes){(const uint8_t *)bytes, len};
}

static void assert_bytes(const struct journal_entry *entry, struct bytes expected)
{
	assert_int_equal(entry->len, expected.len);
	assert_memory_equal(entry->bytes, expected.p, expected.len);
}

static void journal_writes_values_in_one_of_two_forms(void **state)
{
	static const struct {
		struct bytes value, written;
	} rows[] = {
#define ROW(value, written)                                                            \
	{                                                                              \
		{(const uint8_t *)(value), sizeof(value) - 1},                         \
		{                                                                      \
			(const uint8_t *)(written), sizeof(written) - 1                \
		}                                                                      \
	}
		ROW("", "MESSAGE=m\nZEGEL_KEY=\n"),
		ROW("usb", "MESSAGE=m\nZEGEL_KEY=usb\n"),
		ROW("a=b c", "MESSAGE=m\nZEGEL_KEY=a=b c\n"),
		ROW("\0\r\xff\x85", "MESSAGE=m\nZEGEL_KEY=\0\r\xff\x85\n"),
		ROW("\n", "MESSAGE=m\nZEGEL_KEY\n\1\0\0\0\0\0\0\0\n\n"),
		ROW("a\nPRIORITY=0\n",
			"MESSAGE=m\nZEGEL_KEY\n\15\0\0\0\0\0\0\0a\nPRIORITY=0\n\n"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct journal_entry entry;

		journal_init(&entry, bytes_from_text("m"));
		journal_append(&entry, "ZEGEL_KEY", rows[i].value);
		assert_bytes(&entry, rows[i].written);
	}
}

static void journal_writes_a_length_of_more_than_a_byte(void **state)
{
	char value[0x0203];
	struct journal_entry entry;

	(void)state;
	memset(value, '\n', sizeof(value));
	journal_init(&entry, bytes_from_text(""));
	journal_append(&entry, "A", view(value, sizeof(value)));
	assert_int_equal(entry.len, 9 + 2 + 8 + sizeof(value) + 1);
	assert_memory_equal(entry.bytes, "MESSAGE=\nA\n\x03\x02\0\0\0\0\0\0\n", 20);
}

static void journal_takes_only_names_that_a_field_can_have(void **state)
{
#define LONGEST "A234567890123456789012345678901234567890123456789012345678901234"
	static const char *const good[] = {"A", "ZEGEL_KEY", "A_", "A1", LONGEST};
	static const char *const bad[] = {"", "_PID", "1A", "zegel", "ZEGEL key",
		"ZEGEL-KEY", "ZEGEL=KEY", "ZEGEL\nKEY", "%s", "Z\xc3\x89", LONGEST "5"};
	struct journal_entry entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char expected[128];

		(void)snprintf(expected, sizeof(expected), "MESSAGE=\n%s=v\n", good[i]);
		journal_init(&entry, bytes_from_text(""));
		journal_append(&entry, good[i], bytes_from_text("v"));
		assert_bytes(&entry, bytes_from_text(expected));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		journal_init(&entry, bytes_from_text(""));
		journal_append(&entry, bad[i], bytes_from_text("v"));
		assert_bytes(&entry, bytes_from_text("MESSAGE=\n"));
	}
}

static void journal_cuts_a_message_that_is_too_long(void **state)
{
	static const char newlines[2 * JOURNAL_MESSAGE_MAX] = {'\n'};
	char message[2 * JOURNAL_MESSAGE_MAX];
	struct journal_entry entry;

	(void)state;
	memset(message, 'x', sizeof(message));
	journal_init(&entry, view(message, sizeof(message)));
	assert_int_equal(entry.len, strlen("MESSAGE=\n") + JOURNAL_MESSAGE_MAX);
	assert_int_equal(entry.bytes[entry.len - 1], '\n');
	journal_init(&entry, view(newlines, sizeof(newlines)));
	assert_int_equal(entry.len, strlen("MESSAGE=\n") + 8 + JOURNAL_MESSAGE_MAX);
	assert_memory_equal(entry.bytes, "MESSAGE\n\x00\x0a\0\0\0\0\0\0\n", 17);
}

/* Half a value would match a filter that the whole does not. */
static void journal_takes_a_field_whole_or_not_at_all(void **state)
{
	char value[JOURNAL_ENTRY_MAX];
	struct journal_entry entry;
	size_t room;

	(void)state;
	memset(value, 'x', sizeof(value));
	journal_init(&entry, bytes_from_text("m"));
	room = JOURNAL_ENTRY_MAX - entry.len - strlen("A=\n");
	journal_append(&entry, "A", view(value, room + 1));
	assert_bytes(&entry, bytes_from_text("MESSAGE=m\n"));
	journal_append(&entry, "A", view(value, room));
	assert_int_equal(entry.len, JOURNAL_ENTRY_MAX);
	journal_append(&entry, "B", bytes_from_text(""));
	assert_int_equal(entry.len, JOURNAL_ENTRY_MAX);

	journal_init(&entry, bytes_from_text("m"));
	value[0] = '\n';
	journal_append(&entry, "A", view(value, room - 7));
	assert_bytes(&entry, bytes_from_text("MESSAGE=m\n"));
	journal_append(&entry, "A", view(value, room - 8));
	assert_int_equal(entry.len, JOURNAL_ENTRY_MAX);
	/* What is left still takes what fits. */
	journal_init(&entry, bytes_from_text("m"));
	journal_append(&entry, "A", view(value, sizeof(value)));
	journal_append(&entry, "B", bytes_from_text("v"));
	assert_bytes(&entry, bytes_from_text("MESSAGE=m\nB=v\n"));
}

/* So EMSGSIZE, which the longer datagram shows, never meets an entry. */
static void journal_entry_fits_the_smallest_send_buffer(void **state)
{
	static const uint8_t datagram[2 * JOURNAL_ENTRY_MAX];
	const int smallest = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)),
		0);
	assert_int_equal(send(pair[0], datagram, JOURNAL_ENTRY_MAX, MSG_DONTWAIT),
		JOURNAL_ENTRY_MAX);
	assert_int_equal(send(pair[0], datagram, sizeof(datagram), MSG_DONTWAIT), -1);
	fd_closep(&pair[0]);
	fd_closep(&pair[1]);
}

static void journal_gets_the_entry_as_one_datagram(void **state)
{
	const struct desk *desk = *state;
	struct journal_entry entry;
	char heard[JOURNAL_ENTRY_MAX];
	ssize_t n;

	journal_init(&entry, bytes_from_text("token up"));
	journal_append(&entry, "PRIORITY", bytes_from_text("5"));
	assert_int_equal(journal_send(&entry, desk->path), STATUS_OK);
	n = recv(desk->fd, heard, sizeof(heard), MSG_TRUNC);
	assert_int_equal(n, entry.len);
	assert_memory_equal(heard, "MESSAGE=token up\nPRIORITY=5\n", entry.len);
	assert_int_equal(recv(desk->fd, heard, sizeof(heard), 0), -1);
}

static void journal_says_when_it_cannot_be_reached(void **state)
{
	struct desk *desk = *state;
	struct journal_entry entry;
	char too_long[200];

	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	journal_init(&entry, bytes_from_text("m"));
	assert_int_equal(journal_send(&entry, too_long), STATUS_IO);
	assert_int_equal(journal_send(&entry, "/nonexistent/socket"), STATUS_IO);
	/* The file is there, and nobody behind it. */
	fd_closep(&desk->fd);
	assert_int_equal(journal_send(&entry, desk->path), STATUS_IO);
}

static void journal_that_does_not_read_is_not_waited_for(void **state)
{
	const struct desk *desk = *state;
	struct journal_entry entry;
	int n = 0;

	journal_init(&entry, bytes_from_text("m"));
	while (n < QUEUE_MAX && journal_send(&entry, desk->path) == STATUS_OK)
		n++;
	assert_in_range(n, 1, QUEUE_MAX - 1);
}

static void journal_keeps_no_descriptor(void **state)
{
	const struct desk *desk = *state;
	struct journal_entry entry;
	const int before = dup(desk->fd);
	int after;

	journal_init(&entry, bytes_from_text("m"));
	assert_int_equal(journal_send(&entry, desk->path), STATUS_OK);
	assert_int_equal(journal_send(&entry, "/nonexistent/socket"), STATUS_IO);
	after = dup(desk->fd);
	assert_int_equal(after, before + 1);
	(void)close(before);
	(void)close(after);
}

static void journal_stream_is_known_by_device_and_inode(void **state)
{
	const int fd = memfd_create("stderr", MFD_CLOEXEC);
	const int other = memfd_create("other", MFD_CLOEXEC);
	char right[64], longer[80];
	struct stat facts;

	(void)state;
	assert_int_equal(fstat(fd, &facts), 0);
	(void)snprintf(right, sizeof(right), "%ju:%ju", (uintmax_t)facts.st_dev,
		(uintmax_t)facts.st_ino);
	(void)snprintf(longer, sizeof(longer), "%s0", right);
	assert_true(journal_is_stream(fd, right));
	assert_false(journal_is_stream(other, right));
	assert_false(journal_is_stream(fd, longer));
	assert_false(journal_is_stream(fd, right + 1));
	assert_false(journal_is_stream(fd, ""));
	assert_false(journal_is_stream(fd, ":"));
	assert_false(journal_is_stream(fd, NULL));
	assert_false(journal_is_stream(FD_NONE, right));
	(void)close(fd);
	(void)close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_writes_values_in_one_of_two_forms),
		cmocka_unit_test(journal_writes_a_length_of_more_than_a_byte),
		cmocka_unit_test(journal_takes_only_names_that_a_field_can_have),
		cmocka_unit_test(journal_cuts_a_message_that_is_too_long),
		cmocka_unit_test(journal_takes_a_field_whole_or_not_at_all),
		cmocka_unit_test(journal_entry_fits_the_smallest_send_buffer),
		cmocka_unit_test_setup_teardown(
			journal_gets_the_entry_as_one_datagram, open_desk, close_desk),
		cmocka_unit_test_setup_teardown(
			journal_says_when_it_cannot_be_reached, open_desk, close_desk),
		cmocka_unit_test_setup_teardown(
			journal_that_does_not_read_is_not_waited_for, open_desk,
			close_desk),
		cmocka_unit_test_setup_teardown(
			journal_keeps_no_descriptor, open_desk, close_desk),
		cmocka_unit_test(journal_stream_is_known_by_device_and_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
