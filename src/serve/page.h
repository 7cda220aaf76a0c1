/*
 * The built-in page of a listener without backend: an HTTP server (libmicrohttpd) that listens
 * nowhere. Each visit is a socket whose other end it serves, so that to the relay it is a backend
 * like any other.
 */
#ifndef PAGE_H
#define PAGE_H

#include <reprise/status.h>

#include "facts.h"
#include "loop.h"
#include "sites.h"

struct page;

/* Both are borrowed for the page's life. */
enum rp_status page_new(struct loop *loop, const struct sites *sites,
                        struct page **out) RP_MUST_USE;
void page_free(struct page **page);

/*
 * Serves what the visits have sent so far. Before the end of a visit is sent, this must have been
 * called: of an end that it finds together with data, libmicrohttpd reads the data only.
 */
void page_run(struct page *page);

/* Begins a visit: *fd, nonblocking, is the visitor's end, and the caller's. facts are copied. */
enum rp_status page_visit(struct page *page, const struct facts *facts, int *fd) RP_MUST_USE;

#endif
