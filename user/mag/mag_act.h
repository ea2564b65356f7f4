/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The actions of the rule table in mag_fsm.c. `obj` is the struct mag_session, `arg` the
 * struct mag_ctx of the step.
 */
#pragma once

#include "mag/mag_int.h"

/* The data plane cannot do what was decided: the session steps by that. */
void mag_act_dp_failed(struct mag_session *s, struct mag_ctx *c, int err);

void mag_act_register(void *obj, void *arg);
void mag_act_refresh(void *obj, void *arg);
void mag_act_resend(void *obj, void *arg);
void mag_act_repeat(void *obj, void *arg);
void mag_act_accept(void *obj, void *arg);
void mag_act_upload(void *obj, void *arg);
void mag_act_advertise(void *obj, void *arg);
void mag_act_again(void *obj, void *arg);
void mag_act_again_served(void *obj, void *arg);
void mag_act_ask_any(void *obj, void *arg);
void mag_act_backoff(void *obj, void *arg);
void mag_act_backoff_clock(void *obj, void *arg);
void mag_act_rollback(void *obj, void *arg);
void mag_act_rolled_back(void *obj, void *arg);
void mag_act_refuse(void *obj, void *arg);
void mag_act_bar(void *obj, void *arg);
void mag_act_barred_elsewhere(void *obj, void *arg);
void mag_act_stall(void *obj, void *arg);
void mag_act_stall_over(void *obj, void *arg);
void mag_act_verify(void *obj, void *arg);
void mag_act_reassert(void *obj, void *arg);
void mag_act_prove(void *obj, void *arg);
void mag_act_expire(void *obj, void *arg);
void mag_act_new_place(void *obj, void *arg);
void mag_act_lapse(void *obj, void *arg);

/* mag_find.c */
void mag_act_found(void *obj, void *arg);
void mag_act_found_lapsed(void *obj, void *arg);
void mag_act_lapse_unfound(void *obj, void *arg);
void mag_act_not_found(void *obj, void *arg);

void mag_act_deregister(void *obj, void *arg);
void mag_act_deregister_apart(void *obj, void *arg);
void mag_act_vanished(void *obj, void *arg);
void mag_act_unverified(void *obj, void *arg);
void mag_act_park(void *obj, void *arg);
void mag_act_leave(void *obj, void *arg);
void mag_act_forget(void *obj, void *arg);
void mag_act_forget_released(void *obj, void *arg);
void mag_act_done(void *obj, void *arg);
void mag_act_unanswered(void *obj, void *arg);
void mag_act_release(void *obj, void *arg);
void mag_act_unasked(void *obj, void *arg);
void mag_act_superseded(void *obj, void *arg);
void mag_act_absent(void *obj, void *arg);
void mag_act_move(void *obj, void *arg);
void mag_act_move_unserved(void *obj, void *arg);
void mag_act_reassert_there(void *obj, void *arg);
void mag_act_ask_anew(void *obj, void *arg);
void mag_act_return4(void *obj, void *arg);
void mag_act_return4_quietly(void *obj, void *arg);
void mag_act_returned4(void *obj, void *arg);
void mag_act_return4_unanswered(void *obj, void *arg);
void mag_act_return4_rejected(void *obj, void *arg);

/* mag_act_revoked.c */
void mag_act_revoked(void *obj, void *arg);
void mag_act_revoked_bar(void *obj, void *arg);
void mag_act_revoked_unserved_bar(void *obj, void *arg);
void mag_act_revoked_left(void *obj, void *arg);
void mag_act_revoked_sync(void *obj, void *arg);
void mag_act_revoked_unserved(void *obj, void *arg);
void mag_act_revoked_backoff(void *obj, void *arg);
void mag_act_revoked_leaving(void *obj, void *arg);
void mag_act_left(void *obj, void *arg);
void mag_act_revoked_parked(void *obj, void *arg);
void mag_act_revoked_done(void *obj, void *arg);
void mag_act_revoked4(void *obj, void *arg);
void mag_act_revoked4_returned(void *obj, void *arg);
void mag_act_revoked4_unserved(void *obj, void *arg);
