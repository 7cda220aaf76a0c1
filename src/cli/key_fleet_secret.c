#include <stdio.h>
#include <sys/stat.h>

#include <openssl/rand.h>

#include "cmd.h"
#include "error.h"
#include "fleet_secret_file.h"
#include "key_actions.h"
#include "key_output.h"
#include "memory.h"

static enum rp_status put_new(struct rp_error *err)
{
    uint8_t secret[FLEET_SECRET_LEN];
    char line[FLEET_SECRET_TEXT_SIZE];
    enum rp_status status;

    if (RAND_priv_bytes(secret, sizeof secret) != 1) {
        error_set(err, "libcrypto gives no random bytes");
        status = RP_CRYPTO;
        goto done;
    }
    fleet_secret_encode(secret, line);
    line[sizeof line - 1] = '\n';
    status = key_output_standard((const uint8_t *)line, sizeof line, err);
done:
    memory_wipe(secret, sizeof secret);
    memory_wipe(line, sizeof line);
    return status;
}

/* What root's reprised refuses, another's may take. */
static void put_owner(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && st.st_uid != 0) {
        (void)printf(", if it is started by user %u", (unsigned)st.st_uid);
    }
}

static int check(const char *path)
{
    struct fleet_secrets secrets;
    struct rp_error err;
    const enum rp_status status = fleet_secret_file_read(path, &secrets, &err);

    if (status == RP_OK) {
        (void)printf("%s: %s: reprised takes it", path,
                     secrets.n == 1 ? "one fleet secret"
                                    : "two fleet secrets, the first is spoken");
        put_owner(path);
        (void)putchar('\n');
    }
    fleet_secrets_fini(&secrets);
    return status == RP_OK ? CMD_OK : key_fail(err.text, CMD_BAD);
}

int key_fleet_secret(const struct key_request *r)
{
    struct rp_error err;

    if (r->checked != NULL) {
        return check(r->checked);
    }
    return put_new(&err) == RP_OK ? CMD_OK : key_fail(err.text, CMD_USAGE);
}
