/* Questions to other members that wait for their answers. */
#ifndef FLEET_QUESTION_H
#define FLEET_QUESTION_H

#include "fleet_state.h"

#define QUESTION_WAIT_MS 10000
#define QUESTION_GAP_MS 250 /* between two to one member */

/* Whether this member may be asked now. */
bool question_allowed(const struct view_member *m, int64_t now_ms);

/* Asks for its rings, or for the time. What fails, or has no room, is like a letter that is lost.
 */
void question_pull(struct fleet *f, struct view_member *m, int64_t now_ms);
void question_time(struct fleet *f, struct view_member *m, int64_t now_ms);

/* The open one that it has asked this host; NULL: none. */
struct question *question_find(struct fleet *f, enum mailbox_type type,
                               const struct mailbox_id *from, const struct mailbox_id *nonce);

/* How many more can be asked. */
unsigned question_room(const struct fleet *f);

/* How many PULLs are open that are not older than so much. */
unsigned question_n_pulls(const struct fleet *f, int64_t now_ms, int64_t age_ms);

void question_end(struct question *q); /* wipes */
void question_expire(struct fleet *f, int64_t now_ms);
int64_t question_next_ms(const struct fleet *f);

#endif
