/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/event.h"

const char *event_type_name(enum event_type t)
{
	switch (t) {
	case EV_MSG_SENT:
		return "sent";
	case EV_MSG_RCVD:
		return "received";
	case EV_STATE:
		return "state";
	case EV_SESSION_UP:
		return "session-up";
	case EV_HANDOVER:
		return "handover";
	case EV_SESSION_DOWN:
		return "session-down";
	case EV_ATTACH:
		return "attach";
	case EV_DETACH:
		return "detach";
	case EV_REFUSED:
		return "refused";
	case EV_PEER_DOWN:
		return "peer-down";
	case EV_PEER_UP:
		return "peer-up";
	case EV_PEER_RESTARTED:
		return "peer-restarted";
	case EV_BUFFER_KEEPING:
		return "buffer-keeping";
	case EV_BUFFER_DROPPING:
		return "buffer-dropping";
	case EV_BUFFER_DRAINING:
		return "buffer-draining";
	case EV_BUFFER_EMPTY:
		return "buffer-empty";
	case EV_HANDOVER_OVER:
		return "handover-over";
	}
	return "unknown";
}
