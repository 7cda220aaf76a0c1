/*
 * A key file of any content, read through the file system: it is refused with a sentence and
 * nothing of it stays, or it is a key of one of the two lengths that passes once more by itself.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "static_keys.h"
#include "text.h"
#include "weak_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const char *path, size_t size)
{
    static const struct stek nothing;
    const char *const paths[] = {path};
    struct rp_error err = {""};
    struct stek key;
    const enum rp_status status = static_keys_read(paths, 1, &key, &err);

    if (status == RP_OK) {
        if (size != (key.key_len == 16 ? KEY_FILE_NGINX_SHORT : KEY_FILE_NGINX_LONG) ||
            static_keys_check("again", &key, NULL) != RP_OK) {
            abort();
        }
    } else if (err.text[0] == '\0' || memcmp(&key, &nothing, sizeof key) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("key", MFD_CLOEXEC);
    char path[64];
    struct text t = text_of(path, sizeof path);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    text_addf(&t, "/proc/self/fd/%d", fd);
    judge(path, size);
    (void)close(fd);
    (void)weak_key_bytes(data, size);
    return 0;
}
