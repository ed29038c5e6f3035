/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload may change: clients, rules and limits. Tokens, keys, sockets and the place
 * of the record live as long as the process: when they differ, the whole reload is
 * refused, because half a configuration is nobody's.
 *
 * Thread: main
 */
#ifndef ZEGEL_CONFIG_CONFIG_CHANGE_H
#define ZEGEL_CONFIG_CONFIG_CHANGE_H

#include "config.h"

/*
 * BAD_CONFIG when next differs from now in what needs a restart; then errors holds a line
 * for each section that does. Sections are compared by name, not by their order. What is in
 * the files that they name (modules, PINs, certificates) is not looked at.
 */
MUST_CHECK enum status config_change_judge(
	const struct config *now, const struct config *next, struct buf *errors);

/*
 * Takes over from next what a reload may change: the policy, the limits and the hash.
 * What next is left with is only fit to be freed.
 */
void config_change_take(struct config *now, struct config *next);

#endif
