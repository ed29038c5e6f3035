/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket to the broker: whole messages of job.h and nothing else. Any thread may
 * receive and send: the kernel keeps messages whole and is the queue.
 *
 * Thread: any, after channel_open()
 */
#ifndef ZEGEL_WORKER_CHANNEL_H
#define ZEGEL_WORKER_CHANNEL_H

#include "token/job.h"

/*
 * JOB_FD, connected by whoever spawned us, or listening (then by systemd): takes one
 * connection. Spawned, we die with the thread that spawned us. gives out
 */
MUST_CHECK enum status channel_open(int *out);

/*
 * Waits for one message. pin_fd: where a descriptor that came along goes, or NULL when
 * none is wanted; others are closed. NO_AGENT at the end, BAD_MESSAGE when what came is
 * no message.
 */
MUST_CHECK enum status channel_receive(int fd, union job_message *out, int *pin_fd);

/* Waits while the broker does not read. A broker that is gone is seen by the watch. */
void channel_send(int fd, const union job_message *message);
/* Does not wait: for the last word before the end. */
void channel_send_now(int fd, const union job_message *message);

#endif
