/* SPDX-License-Identifier: Apache-2.0 */
#include "enrol_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "util/buf.h"
#include "util/fd.h"

enum {
	SKIPPED = 77,
	MODULE_SIZE_MAX = 16 * 1024 * 1024,
	ARGS_MAX = 32,
	SLOTS_SEEN_MAX = 64,
	FOUND_MAX = 16,
	FD_MIN = 10,
};

static void write_config(const struct enrol *enrol)
{
	char path[ENROL_PATH_MAX + 32], text[2 * ENROL_PATH_MAX];
	const int n = snprintf(text, sizeof(text),
		"directories.tokendir = %s/tokens\nobjectstore.backend = file\n"
		"log.level = ERROR\nslots.removable = false\n",
		enrol->dir);

	(void)snprintf(path, sizeof(path), "%s/tokens", enrol->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", enrol->dir);
	assert_int_equal(fd_write_file(path, 0600,
				 (struct bytes){(const uint8_t *)text, (size_t)n}),
		STATUS_OK);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
}

int enrol_set_up(void **state)
{
	struct enrol *enrol = calloc(1, sizeof(*enrol));
	CLEANUP(buf_deinit) struct buf module = BUF_INIT(MODULE_SIZE_MAX);

	assert_non_null(enrol);
	if (access(ENROL_SOFTHSM, R_OK) != 0) {
		(void)fprintf(stderr, "skipped: %s is missing\n", ENROL_SOFTHSM);
		exit(SKIPPED);
	}
	(void)snprintf(enrol->dir, sizeof(enrol->dir), "/tmp/zegel-enrol-XXXXXX");
	assert_non_null(mkdtemp(enrol->dir));
	write_config(enrol);
	(void)snprintf(
		enrol->module, sizeof(enrol->module), "%s/module.so", enrol->dir);
	(void)snprintf(enrol->count, sizeof(enrol->count), "%s/count", enrol->dir);
	assert_int_equal(setenv("ENROL_COUNT", enrol->count, 1), 0);
	/* A build tree may stand where others can write, and is then no place for one. */
	assert_int_equal(fd_read_file(ENROL_MODULE, &module), STATUS_OK);
	assert_int_equal(
		fd_write_file(enrol->module, 0700, buf_get(&module)), STATUS_OK);
	*state = enrol;
	return 0;
}

static int remove_one(
	const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)facts;
	(void)kind;
	(void)where;
	return remove(path);
}

int enrol_tear_down(void **state)
{
	struct enrol *enrol = *state;
	const int code = nftw(enrol->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(enrol);
	return code;
}

static int memory_with(const char *text)
{
	CLEANUP(fd_closep) int low = memfd_create("enrol", MFD_CLOEXEC);
	/* Away from 3 and 4, on which they are put in the child. */
	const int fd = fcntl(low, F_DUPFD_CLOEXEC, FD_MIN);

	assert_true(fd >= FD_MIN);
	assert_int_equal(
		fd_write_all(fd, bytes_from_text(text == NULL ? "" : text)), STATUS_OK);
	return fd;
}

static void read_back(int fd, char text[static ENROL_TEXT_MAX])
{
	const ssize_t n = pread(fd, text, ENROL_TEXT_MAX - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
}

_Noreturn static void become(
	const int fds[static 5], const char *fault, const char *const *args)
{
	union {
		const char *const *borrowed;
		char *const *given;
	} argv = {.borrowed = args};

	for (int i = 1; i < 5; i++) {
		if (dup2(fds[i], i) != i)
			_exit(126);
	}
	if (fault != NULL && setenv("ENROL_FAULT", fault, 1) != 0)
		_exit(126);
	(void)execv(ZEGEL_ENROL, argv.given);
	_exit(127);
}

struct run enrol_run(struct enrol *enrol, const char *fault, const char *pin,
	const char *const *args)
{
	const char *argv[ARGS_MAX] = {"zegel-enrol"};
	CLEANUP(fd_closep) int so_pin = memory_with(ENROL_SO_PIN "\n");
	CLEANUP(fd_closep) int user_pin = memory_with(pin);
	CLEANUP(fd_closep) int out = memory_with("");
	CLEANUP(fd_closep) int err = memory_with("");
	const int fds[5] = {FD_NONE, out, err, so_pin, user_pin};
	struct run run = {.code = -1};
	int status = 0;
	pid_t pid;

	(void)unlink(enrol->count);
	for (size_t i = 0; args[i] != NULL; i++) {
		assert_true(i < ARGS_MAX - 2);
		argv[i + 1] = args[i];
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become(fds, fault, argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	run.code = WEXITSTATUS(status);
	read_back(out, run.out);
	read_back(err, run.err);
	/* Nobody ever says a PIN. */
	assert_null(strstr(run.out, ENROL_PIN));
	assert_null(strstr(run.err, ENROL_PIN));
	assert_null(strstr(run.err, ENROL_SO_PIN));
	return run;
}

void enrol_init(struct enrol *enrol, const char *label)
{
	const char *const args[] = {"init", "--module", enrol->module, "--label", label,
		"--so-pin-fd", "3", "--pin-fd", "4", NULL};
	const struct run run = enrol_run(enrol, NULL, ENROL_PIN, args);

	assert_string_equal(run.err, "");
	assert_int_equal(run.code, 0);
	assert_true(strlen(run.out) < sizeof(enrol->uri));
	(void)snprintf(enrol->uri, sizeof(enrol->uri), "%.*s",
		(int)strcspn(run.out, "\n"), run.out);
}

struct run enrol_keygen(
	struct enrol *enrol, const char *type, const char *label, const char *id)
{
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", type, "--label", label,
		id == NULL ? NULL : "--id", id, NULL};

	return enrol_run(enrol, NULL, ENROL_PIN, args);
}

size_t enrol_count_logins(const struct enrol *enrol)
{
	struct stat facts;

	return stat(enrol->count, &facts) == 0 ? (size_t)facts.st_size : 0;
}

void enrol_key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

EVP_PKEY *enrol_key_from_pem(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);

	BIO_free_all(bio);
	return key;
}

void enrol_write_certificate(const char *public_pem, const char *path)
{
	CLEANUP(enrol_key_freep) EVP_PKEY *authority = EVP_EC_gen("P-256");
	CLEANUP(enrol_key_freep) EVP_PKEY *key = enrol_key_from_pem(public_pem);
	X509 *certificate = X509_new();
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_non_null(key);
	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
	assert_int_equal(
		X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
			MBSTRING_ASC, (const unsigned char *)"a seal", -1, -1, 0),
		1);
	assert_int_equal(
		X509_set_issuer_name(certificate, X509_get_subject_name(certificate)),
		1);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	assert_true(X509_sign(certificate, authority, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	assert_int_equal(fclose(file), 0);
	X509_free(certificate);
}

/* The module in this process, logged in: closed before the next run changes the token. */
struct view {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
};

static void view_close(struct view *view)
{
	(void)p11_kit_module_finalize(view->module);
	p11_kit_module_release(view->module);
}

static void view_open(const struct enrol *enrol, struct view *view)
{
	P11KitUri *uri = p11_kit_uri_new();
	unsigned char pin[] = ENROL_PIN;
	CK_SLOT_ID ids[SLOTS_SEEN_MAX];
	CK_ULONG n = SLOTS_SEEN_MAX, n_found = 0;
	CK_SLOT_ID id = 0;

	assert_int_equal(p11_kit_uri_parse(enrol->uri, P11_KIT_URI_FOR_TOKEN, uri), 0);
	view->module = p11_kit_module_load(ENROL_SOFTHSM, P11_KIT_MODULE_UNMANAGED);
	assert_non_null(view->module);
	assert_int_equal(p11_kit_module_initialize(view->module), CKR_OK);
	assert_int_equal(view->module->C_GetSlotList(CK_TRUE, ids, &n), CKR_OK);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		assert_int_equal(view->module->C_GetTokenInfo(ids[i], &info), CKR_OK);
		if (p11_kit_uri_match_token_info(uri, &info) != 1)
			continue;
		assert_true((info.flags & CKF_USER_PIN_INITIALIZED) != 0);
		id = ids[i];
		n_found++;
	}
	p11_kit_uri_free(uri);
	assert_int_equal(n_found, 1);
	assert_int_equal(view->module->C_OpenSession(
				 id, CKF_SERIAL_SESSION, NULL, NULL, &view->session),
		CKR_OK);
	assert_int_equal(
		view->module->C_Login(view->session, CKU_USER, pin, sizeof(pin) - 1),
		CKR_OK);
}

static size_t find(const struct view *view, CK_OBJECT_CLASS class, const char *id,
	CK_OBJECT_HANDLE out[static FOUND_MAX])
{
	uint8_t bytes[64] = {0};
	CK_ATTRIBUTE wanted[] = {
		{CKA_CLASS, &class, sizeof(class)}, {CKA_ID, bytes, 0}};
	CK_ULONG n = 0;

	for (; id != NULL && id[2 * wanted[1].ulValueLen] != '\0';
		wanted[1].ulValueLen++) {
		unsigned value = 0;

		assert_int_equal(
			sscanf(id + 2 * wanted[1].ulValueLen, "%2x", &value), 1);
		bytes[wanted[1].ulValueLen] = (uint8_t)value;
	}
	assert_int_equal(view->module->C_FindObjectsInit(
				 view->session, wanted, id == NULL ? 1 : 2),
		CKR_OK);
	assert_int_equal(
		view->module->C_FindObjects(view->session, out, FOUND_MAX, &n), CKR_OK);
	assert_int_equal(view->module->C_FindObjectsFinal(view->session), CKR_OK);
	return n;
}

size_t enrol_count(const struct enrol *enrol, CK_OBJECT_CLASS class, const char *id)
{
	CLEANUP(view_close) struct view view = {.module = NULL};
	CK_OBJECT_HANDLE found[FOUND_MAX];

	view_open(enrol, &view);
	return find(&view, class, id, found);
}

size_t enrol_read(const struct enrol *enrol, CK_OBJECT_CLASS class,
	CK_ATTRIBUTE_TYPE type, uint8_t *value, size_t room)
{
	CLEANUP(view_close) struct view view = {.module = NULL};
	CK_OBJECT_HANDLE found[FOUND_MAX];
	CK_ATTRIBUTE attribute = {type, value, room};

	view_open(enrol, &view);
	assert_int_equal(find(&view, class, NULL, found), 1);
	assert_int_equal(
		view.module->C_GetAttributeValue(view.session, found[0], &attribute, 1),
		CKR_OK);
	return attribute.ulValueLen;
}
