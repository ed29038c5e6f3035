/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-enrol certificate: a certificate beside its key.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_CERTIFICATE_H
#define ZEGEL_ENROL_CERTIFICATE_H

#include "deadline.h"
#include "options.h"

/*
 * BAD_FILE when the file holds no certificate, or the one of another key, or when another
 * certificate has this id. The same one twice is fine. NOT_FOUND without a key.
 */
MUST_CHECK enum status certificate_run(
	const struct options *options, struct deadline *deadline);

#endif
