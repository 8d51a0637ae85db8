# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the two scripts about central share.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# add_up NAME: central's last statistics are consistent
add_up() {
	is "$1: enqueued = local + queued + overflowed" \
		"$(stat enqueued)" $(($(stat local) + $(stat queued) + $(stat overflowed)))
	is "$1: queued = taken + dequeued + waiting" \
		"$(stat queued)" $(($(stat taken) + $(stat dequeued) + $(stat waiting)))
	is "$1: taken = placed + set_aside" "$(stat taken)" $(($(stat placed) + $(stat set_aside)))
	num "$1: not more left the fallback than came into it" "$(stat fallback)" -le \
		$(($(stat overflowed) + $(stat set_aside) + $(stat rescued)))
}
