/*
 * Folders that a server reads as configuration: nginx's. Who writes there can have nginx, which
 * reads it as root, do anything; so the parent does, and the feeder says only when to look
 * (docs/formats/feeds.md, "Files"). What is written comes from the window and the configuration.
 */
#ifndef PARENT_FOLDER_H
#define PARENT_FOLDER_H

#include <stdbool.h>

#include "generation.h"
#include "message.h"

struct parent;

/* Brings the folder of a feed of the generation that runs, or comes as the first, up to date. how,
 * value and words of out are the answer. */
void parent_folder_write(struct parent *parent, size_t feed, struct message_feed_ran *out);

/* Whether its server was just seen to have what is in the files. Of a feed that the parent does not
 * write, nothing. */
void parent_folder_note(const struct parent *parent, size_t feed, bool seen);

/* The feed has come to its end: its files hold throwaway keys from now on. now: what it is of. */
void parent_folder_clear(struct parent *parent, const struct generation *now, size_t feed);

/* Others may write there from now on: the next generation, or a successor of this process. */
void parent_folders_leave(struct parent *parent);

#endif
