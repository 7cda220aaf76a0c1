/* libreprise: TLS session resumption over processes and hosts. Includes the whole public contract.
 */
#ifndef REPRISE_REPRISE_H
#define REPRISE_REPRISE_H

#include "attach.h"
#include "cache.h"
#include "clock.h"
#include "keyring.h"
#include "status.h"
#include "ticket.h"
#include "verdict.h"

#endif
