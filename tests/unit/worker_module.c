/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SoftHSM with one fault at will, since SoftHSM itself hides most of them. The fault is
 * read from the environment that the worker was told to set:
 *
 *   FAULT_CALL   the function it strikes          FAULT_RV    what it then answers (hex)
 *   FAULT_FROM   the call it begins with (1, …)   FAULT_COUNT how many it strikes
 *   FAULT_EVERY  or: every nth call
 *   FAULT_HOW    "hang", "crash", "short", "long", "corrupt": instead of an answer
 *   FAULT_FLAGS  added to the flags of every token (hex)
 *   FAULT_TALLY  a file with a line for every C_Login and C_Sign
 *   FAULT_DUMP   a file that gets the environment as the module sees it
 *   FAULT_ORDER  a file with a line for every C_Sign that begins: what it signs, in hex
 *   FAULT_GATE   a FIFO: each C_Sign waits until it has taken a byte out
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

struct state {
	CK_FUNCTION_LIST *real;
	CK_FUNCTION_LIST ours;
	atomic_ulong n_calls;
};

static struct state *get(void)
{
	static struct state state;

	return &state;
}

static unsigned long get_number(const char *name, int base)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtoul(text, NULL, base);
}

static int is_how(const char *how)
{
	const char *text = getenv("FAULT_HOW");

	return text != NULL && strcmp(text, how) == 0;
}

static int is_struck(const char *call)
{
	const char *chosen = getenv("FAULT_CALL");
	const unsigned long from = get_number("FAULT_FROM", 10);
	const unsigned long count = get_number("FAULT_COUNT", 10);
	const unsigned long every = get_number("FAULT_EVERY", 10);
	unsigned long n;

	if (chosen == NULL || strcmp(chosen, call) != 0)
		return 0;
	n = atomic_fetch_add(&get()->n_calls, 1) + 1;
	return every > 0 ? n % every == 0 : n >= from && n < from + count;
}

static CK_RV strike(void)
{
	while (is_how("hang"))
		(void)pause();
	if (is_how("crash"))
		abort();
	return get_number("FAULT_RV", 16);
}

static void append(const char *variable, const char *line)
{
	const char *path = getenv(variable);
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", line) < 0)
		abort();
	(void)close(fd);
}

static CK_RV initialize(void *arguments)
{
	const CK_C_INITIALIZE_ARGS *given = arguments;

	/* Without it a module may take it that there is one thread. */
	if (given == NULL || (given->flags & CKF_OS_LOCKING_OK) == 0)
		return CKR_CANT_LOCK;
	return is_struck("C_Initialize") ? strike()
					 : get()->real->C_Initialize(arguments);
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const CK_RV rv = get()->real->C_GetTokenInfo(slot, info);

	info->flags |= get_number("FAULT_FLAGS", 16);
	return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
	CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	/* Signing needs no session that may write. */
	if ((flags & CKF_RW_SESSION) != 0)
		return CKR_TOKEN_WRITE_PROTECTED;
	return is_struck("C_OpenSession") ? strike()
					  : get()->real->C_OpenSession(slot, flags,
						    application, notify, session);
}

static CK_RV login(
	CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	append("FAULT_TALLY", "C_Login");
	return is_struck("C_Login") ? strike()
				    : get()->real->C_Login(session, user, pin, len);
}

static void note_order(const unsigned char *data, CK_ULONG len)
{
	char line[2 * 1024 + 1] = "";

	for (CK_ULONG i = 0; i < len && i < sizeof(line) / 2; i++)
		(void)snprintf(line + 2 * i, 3, "%02x", data[i]);
	append("FAULT_ORDER", line);
}

static void pass_gate(void)
{
	const char *path = getenv("FAULT_GATE");
	char byte;
	int fd;

	if (path == NULL)
		return;
	/* For both ways: then it has no end, and opening it does not wait. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || read(fd, &byte, 1) != 1)
		abort();
	(void)close(fd);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len,
	unsigned char *signature, CK_ULONG *signature_len)
{
	CK_RV rv;

	append("FAULT_TALLY", "C_Sign");
	note_order(data, len);
	pass_gate();
	if (!is_struck("C_Sign"))
		return get()->real->C_Sign(
			session, data, len, signature, signature_len);
	rv = get()->real->C_Sign(session, data, len, signature, signature_len);
	if (is_how("short"))
		*signature_len -= 1;
	if (is_how("long"))
		*signature_len = 1UL << 40;
	if (is_how("corrupt"))
		signature[0] ^= 1;
	return is_how("short") || is_how("long") || is_how("corrupt") ? rv : strike();
}

static CK_RV finalize(void *reserved)
{
	(void)reserved;
	/* Nobody may call it: it hangs in modules of the field. */
	abort();
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	struct state *state = get();
	void *library = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList real = NULL;
	void *symbol = library == NULL ? NULL : dlsym(library, "C_GetFunctionList");

	for (char **variable = environ; *variable != NULL; variable++)
		append("FAULT_DUMP", *variable);
	/* What a module says on standard output must reach nobody. */
	(void)puts("a module chats");
	(void)fflush(stdout);
	memcpy(&real, &symbol, sizeof(real));
	if (real == NULL || real(&state->real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	state->ours = *state->real;
	state->ours.C_Initialize = initialize;
	state->ours.C_Finalize = finalize;
	state->ours.C_GetTokenInfo = token_info;
	state->ours.C_OpenSession = open_session;
	state->ours.C_Login = login;
	state->ours.C_Sign = sign;
	state->ours.C_GetFunctionList = C_GetFunctionList;
	*list = &state->ours;
	return CKR_OK;
}
