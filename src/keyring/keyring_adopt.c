#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "keyring_options.h"
#include "memory.h"
#include "segment.h"
#include "window.h"

/* What another build may have written there: bounded before anything is computed from it. */
static enum rp_status check_header(const struct segment_header *header, struct rp_error *err)
{
    if (memcmp(header->magic, SEGMENT_MAGIC, sizeof header->magic) != 0) {
        error_set(err, "it is not a window");
        return RP_FORMAT;
    }
    if (header->version != SEGMENT_VERSION || header->header_len != sizeof *header) {
        error_set(err, "its layout version is %u, and this program knows %d", header->version,
                  SEGMENT_VERSION);
        return RP_FORMAT;
    }
    if (header->max_keys < STATIC_KEYS_MAX || header->max_keys > SEGMENT_KEYS_MAX ||
        header->max_domains == 0 || header->max_domains > SEGMENT_DOMAINS_MAX) {
        error_set(err, "its sizes are none that there can be");
        return RP_FORMAT;
    }
    return RP_OK;
}

/* From a copy, for the other process can write there still. */
static enum rp_status take_layout(struct rp_keyring *keyring, const struct segment_header *header,
                                  struct rp_error *err)
{
    const struct segment_layout wanted = keyring->layout;
    struct segment_layout *const layout = &keyring->layout;
    enum rp_status status = check_header(header, err);

    if (status != RP_OK) {
        return status;
    }
    segment_layout(layout, header->max_keys, header->max_domains);
    if (header->window_len != layout->window_len || header->chain_len != layout->chain_len ||
        keyring->window_memory.len != layout->window_len ||
        keyring->chain_memory.len != layout->chain_len) {
        error_set(err, "its length is not the one that its sizes make");
        return RP_FORMAT;
    }
    if (layout->max_keys != wanted.max_keys) {
        error_set(err, "it was made for another rotate and accept, or for no fleet");
        return RP_INVALID;
    }
    if (layout->max_domains < wanted.max_domains) {
        error_set(err, "it has room for %u security domains, and %u are wanted",
                  layout->max_domains, wanted.max_domains);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status check_rotation(const struct rp_keyring *keyring, struct rp_error *err)
{
    int64_t rotate_ms;
    int64_t accept_ms;

    if (window_rotation(keyring, &rotate_ms, &accept_ms) &&
        (rotate_ms != keyring->rotate_ms || accept_ms != keyring->accept_ms)) {
        error_set(err, "its ring was made for another rotate and accept");
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status map_window(struct rp_keyring *keyring, struct rp_error *err)
{
    struct segment_header header;
    enum rp_status status;

    if (keyring->window_memory.len < sizeof header) {
        error_set(err, "it is not a window");
        return RP_FORMAT;
    }
    keyring->window = secret_map(&keyring->window_memory, false, true);
    if (keyring->window == NULL) {
        error_set(err, "cannot map the window: %s", strerror(errno));
        return RP_SYSTEM;
    }
    memcpy(&header, keyring->window, sizeof header);
    status = take_layout(keyring, &header, err);
    return status == RP_OK ? check_rotation(keyring, err) : status;
}

static enum rp_status adopt_memory(struct rp_keyring *keyring, unsigned kinds, int window_fd,
                                   int chain_fd, struct rp_error *err)
{
    enum rp_status status = secret_adopt(&keyring->window_memory, window_fd, kinds, err);

    if (status != RP_OK) {
        if (chain_fd >= 0) {
            (void)close(chain_fd);
        }
        return status;
    }
    return secret_adopt(&keyring->chain_memory, chain_fd, keyring->window_memory.kind, err);
}

static void close_both(int window_fd, int chain_fd)
{
    if (window_fd >= 0) {
        (void)close(window_fd);
    }
    if (chain_fd >= 0) {
        (void)close(chain_fd);
    }
}

enum rp_status rp_keyring_adopt(const struct rp_keyring_options *options, int window_fd,
                                int chain_fd, struct rp_keyring **out, struct rp_error *err)
{
    struct rp_keyring *keyring = memory_new(1, sizeof *keyring);
    const unsigned kinds = options->secret_kinds != 0 ? options->secret_kinds : RP_SECRET_ANY;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    error_clear(err);
    if (keyring != NULL) {
        keyring->window_memory.fd = -1;
        keyring->chain_memory.fd = -1;
        status = keyring_options_read(keyring, options, err);
    } else {
        error_set(err, "out of memory");
    }
    if (status != RP_OK) {
        close_both(window_fd, chain_fd);
        goto done;
    }
    status = adopt_memory(keyring, kinds, window_fd, chain_fd, err);
    if (status == RP_OK) {
        status = map_window(keyring, err);
    }
    if (status == RP_OK) {
        *out = keyring;
        keyring = NULL; /* transferred */
    }
done:
    rp_keyring_free(&keyring);
    return status;
}
