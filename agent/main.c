/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegeld, the broker: reads argv and the configuration, opens the floors bottom-up, runs
 * the loop, closes the floors top-down. It never loads a PKCS#11 module, opens a network
 * socket or touches a device.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "inherit.h"
#include "policy/audit.h"
#include "reload.h"
#include "seal/seal.h"
#include "server/server.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/program.h"

#define CONFIG_PATH "/etc/zegel/zegel.conf"

enum {
	ERRORS_MAX = 64 * 1024,
	STOP_MS = 5000, /* for the jobs that are out when we are told to end */
	STOP_LOOK_MS = 20,
};

struct options {
	const char *config;
	bool is_foreground;
	bool is_check;
	bool is_help;
};

/* Everything that is open, bottom-up. */
struct agent {
	struct config *config;          /* owns */
	struct loop *loop;              /* owns */
	struct audit *audit;            /* owns */
	struct sealer *sealer;          /* owns */
	struct server *server;          /* owns */
	struct officer_server *officer; /* owns */
	const char *config_path;        /* borrows from argv */
	int signals;                    /* owns */
	struct loop_source source;
	struct loop_timer stop;
	uint64_t stop_by_ms;
	bool is_stopping;
};

static const char usage[] =
	"usage: zegeld [--config FILE] [--foreground] [--check-config]\n"
	"  --config FILE   the configuration; " CONFIG_PATH " when absent\n"
	"  --foreground    make the sockets and spawn the workers ourselves; without "
	"it\n"
	"                  both come from systemd\n"
	"  --check-config  say what is wrong with the configuration, and end\n";

static enum status read_options(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"foreground", no_argument, NULL, 'f'},
		{"check-config", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*out = (struct options){.config = CONFIG_PATH};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 'f':
			out->is_foreground = true;
			break;
		case 'k':
			out->is_check = true;
			break;
		case 'h':
		case 'v':
			out->is_help = true;
			(void)fputs(
				option == 'h' ? usage : "zegeld " ZEGEL_VERSION "\n",
				stdout);
			return STATUS_OK;
		default:
			return STATUS_USAGE;
		}
	}
	return optind == argc ? STATUS_OK : STATUS_USAGE;
}

static enum status read_config(const char *path, struct config **out)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const enum status status = config_load(path, &errors, out);

	if (status != STATUS_OK)
		(void)fwrite(errors.p, 1, errors.len, stderr);
	return status;
}

static void stop(struct agent *agent)
{
	if (agent->is_stopping)
		return;
	log_event(LOG_NOTICE, "stopping", "out=%u",
		(unsigned int)sealer_get_counts(agent->sealer).n_out);
	agent->is_stopping = true;
	agent->stop_by_ms = clock_monotonic_ms() + STOP_MS;
	server_stop(agent->server);
	sealer_stop(agent->sealer);
	must(loop_timer_set(agent->loop, &agent->stop, clock_monotonic_ms()) ==
		STATUS_OK);
}

/* Jobs that were given may finish: their answers are waited for. */
static void on_stop_timer(void *context)
{
	struct agent *agent = context;
	const uint64_t now = clock_monotonic_ms();

	const struct sealer_counts counts = sealer_get_counts(agent->sealer);

	/* What is signed and not yet durable is answered too, if the disk lets us. */
	if ((counts.n_out == 0 && counts.n_recording == 0) ||
		now >= agent->stop_by_ms) {
		loop_stop(agent->loop);
		return;
	}
	must(loop_timer_set(agent->loop, &agent->stop, now + STOP_LOOK_MS) ==
		STATUS_OK);
}

static void reap_workers(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static enum status reload(
	struct agent *agent, struct reload_who who, struct officer_reload *out)
{
	/* What is under way now was decided by the rules there are. */
	if (agent->is_stopping)
		return STATUS_STOPPING;
	const struct reload_target target = {
		.path = agent->config_path,
		.config = agent->config,
		.audit = agent->audit,
		.sealer = agent->sealer,
		.server = agent->server,
		.officer = agent->officer,
	};

	return reload_config(&target, who, out);
}

static enum status on_reload(
	void *context, uid_t uid, pid_t pid, struct officer_reload *out)
{
	return reload(context, (struct reload_who){uid, pid}, out);
}

/* Whoever sent it hears nothing: the log says how it went. */
static void reload_by_signal(struct agent *agent, const struct signalfd_siginfo *what)
{
	const struct reload_who who = {what->ssi_uid, (pid_t)what->ssi_pid};
	CLEANUP(officer_reload_deinit)
	struct officer_reload result = {.errors = BUF_INIT(ERRORS_MAX)};

	if (reload(agent, who, &result) == STATUS_STOPPING)
		log_event(LOG_NOTICE, "no reload while stopping", "uid=%u",
			(unsigned int)who.uid);
}

static void on_signal(void *context, uint32_t events)
{
	struct agent *agent = context;
	struct signalfd_siginfo what;

	(void)events;
	while (read(agent->signals, &what, sizeof(what)) == (ssize_t)sizeof(what)) {
		switch (what.ssi_signo) {
		case SIGCHLD:
			reap_workers();
			break;
		case SIGHUP:
			reload_by_signal(agent, &what);
			break;
		default:
			stop(agent);
			break;
		}
	}
}

/* Signals become events: no handler ever runs. */
static enum status open_signals(struct agent *agent)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return STATUS_IO;
	agent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->signals < 0)
		return STATUS_IO;
	agent->source = (struct loop_source){.call = on_signal, .context = agent};
	agent->stop = (struct loop_timer){.call = on_stop_timer, .context = agent};
	return loop_source_add(agent->loop, &agent->source, agent->signals, EPOLLIN);
}

static enum status open_sealer(struct agent *agent, bool is_foreground)
{
	const struct config *config = agent->config;
	const struct sealer_setup setup = {
		.loop = agent->loop,
		.mode = is_foreground ? LINK_SPAWN : LINK_CONNECT,
		.policy = config->policy,
		.audit = agent->audit,
		.record = &config->record,
		.tokens = config->tokens,
		.n_tokens = config->n_tokens,
		.keys = config->keys,
		.n_keys = config->n_keys,
		.min_left_s = config->min_left_s,
		.line_max = config->line_max,
	};

	return sealer_new(&setup, &agent->sealer);
}

static enum status open_audit(struct agent *agent)
{
	const struct audit_setup setup = {
		.loop = agent->loop,
		.spec = &agent->config->record,
		.version = ZEGEL_VERSION,
		.config_hash = {agent->config->hash, sizeof(agent->config->hash)},
	};

	return audit_open(&setup, &agent->audit);
}

/* Who is no client is refused before any rule is asked. */
static const char *name_refusal(const struct server_refusal *what)
{
	if (what->client[0] != '\0' || what->status != STATUS_DENIED)
		return "";
	return strcmp(what->kind, POLICY_REFUSED_UNCLEAR) == 0
		       ? POLICY_REFUSED_UNCLEAR
		       : POLICY_REFUSED_STRANGER;
}

/* What the clients' side refuses belongs in the record; the two do not know each other. */
static void on_refusal(void *context, const struct server_refusal *what)
{
	const struct agent *agent = context;
	const struct audit_who who = {
		.client = what->client,
		.uid = what->uid,
		.pid = what->pid,
		.unit = what->unit,
	};
	const struct audit_refusal refusal = {
		.who = who,
		.rule = name_refusal(what),
		.nearest = "",
		.key = what->key,
		.profile = what->profile,
		.audience = "",
		.status = what->status,
	};
	const struct audit_peer_event event = {
		.event = what->kind,
		.who = who,
		.has_other = what->writer_uid != what->uid,
		.other = what->writer_uid,
		.status = what->status,
	};

	if (strcmp(what->kind, "peer-changed") == 0)
		audit_add_peer_event(agent->audit, &event);
	else
		(void)audit_add_refusal(agent->audit, &refusal);
}

static enum status open_server(struct agent *agent, int *inherited)
{
	const struct config *config = agent->config;
	const struct server_setup setup = {
		.loop = agent->loop,
		.sealer = agent->sealer,
		.policy = config->policy,
		.listens = config->listens,
		.n_listens = config->n_listens,
		.inherited = inherited,
		.events = {.context = agent, .on_refusal = on_refusal},
	};

	return server_new(&setup, &agent->server);
}

static enum status open_officer(struct agent *agent, int inherited_fd)
{
	const struct officer_setup setup = {
		.loop = agent->loop,
		.audit = agent->audit,
		.sealer = agent->sealer,
		.policy = agent->config->policy,
		.spec = &agent->config->officer,
		.inherited_fd = inherited_fd,
		.on_reload = on_reload,
		.context = agent,
	};

	return officer_new(&setup, &agent->officer);
}

static void close_agent(struct agent *agent)
{
	officer_freep(&agent->officer);
	server_freep(&agent->server);
	sealer_freep(&agent->sealer);
	audit_close(&agent->audit);
	if (agent->loop != NULL)
		loop_source_remove(agent->loop, &agent->source);
	fd_closep(&agent->signals);
	loop_freep(&agent->loop);
	config_freep(&agent->config);
}

/*
 * The sockets that systemd made, for each listen section and behind them the officer's;
 * NULL when we make them ourselves. gives
 */
static enum status take_inherited(const struct config *config, int **out)
{
	CLEANUP(freep)
	struct listen_spec *specs = calloc(config->n_listens + 1, sizeof(*specs));
	CLEANUP(freep) int *fds = calloc(config->n_listens + 1, sizeof(*fds));

	if (specs == NULL || fds == NULL)
		return STATUS_NO_MEMORY;
	memcpy(specs, config->listens, config->n_listens * sizeof(*specs));
	specs[config->n_listens] = config->officer;
	TRY(inherit_take(specs, config->n_listens + 1, config->n_listens, fds));
	if (fds[config->n_listens] == FD_NONE)
		log_event(LOG_WARN, "systemd gave no officer's socket; there is none",
			"path=\"%s\"",
			log_text(bytes_from_text(config->officer.path)).text);
	*out = TAKE(fds);
	return STATUS_OK;
}

static enum status open_sockets(struct agent *agent, bool is_foreground)
{
	CLEANUP(freep) int *inherited = NULL;
	int officer = FD_NONE;

	if (is_foreground) {
		TRY(open_server(agent, NULL));
		return open_officer(agent, FD_NONE);
	}
	TRY(take_inherited(agent->config, &inherited));
	officer = inherited[agent->config->n_listens];
	TRY(open_server(agent, inherited));
	return officer == FD_NONE ? STATUS_OK : open_officer(agent, officer);
}

static enum status run(struct agent *agent, const struct options *options)
{
	TRY(loop_new(&agent->loop));
	TRY(open_signals(agent));
	TRY(open_audit(agent));
	TRY(open_sealer(agent, options->is_foreground));
	TRY(open_sockets(agent, options->is_foreground));
	sealer_start(agent->sealer);
	log_event(LOG_NOTICE, "started", "version=%s keys=%zu tokens=%zu",
		ZEGEL_VERSION, agent->config->n_keys, agent->config->n_tokens);
	return loop_run(agent->loop);
}

/* Whoever asks for a reload before the loop runs gets it then, and does not end us. */
static enum status hold_reloads(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? STATUS_OK : STATUS_IO;
}

/* As many connections as the system lets us have. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Certificates are read too: all that a start would refuse, but for the tokens. */
static enum status check(struct agent *agent, const struct options *options)
{
	TRY(loop_new(&agent->loop));
	TRY(open_sealer(agent, options->is_foreground));
	(void)printf("%s: good: %zu tokens, %zu keys\n", options->config,
		agent->config->n_tokens, agent->config->n_keys);
	return STATUS_OK;
}

static enum status start(struct agent *agent, const struct options *options)
{
	agent->config_path = options->config;
	TRY(program_harden());
	TRY(hold_reloads());
	TRY(read_config(options->config, &agent->config));
	if (options->is_check)
		return check(agent, options);
	if (!options->is_foreground && !inherit_is_offered()) {
		(void)fputs(
			"zegeld: systemd gave no sockets; to make them ourselves, use "
			"--foreground\n",
			stderr);
		return STATUS_USAGE;
	}
	raise_limit();
	return run(agent, options);
}

int main(int argc, char **argv)
{
	struct agent agent = {.signals = FD_NONE};
	struct options options;
	enum status status;

	log_init("zegeld", LOG_INFO);
	if (read_options(argc, argv, &options) != STATUS_OK) {
		(void)fputs(usage, stderr);
		return status_exit(STATUS_USAGE);
	}
	if (options.is_help)
		return 0;
	status = start(&agent, &options);
	if (status != STATUS_OK && status != STATUS_USAGE)
		log_event(LOG_ERR, "cannot run", "status=%s why=\"%s\"",
			status_name(status), status_text(status));
	close_agent(&agent);
	return status_exit(status);
}
