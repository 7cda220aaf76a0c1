/* What decodes as a file with fleet secrets decodes from what is encoded of it to the same; what
 * does not, gives a sentence that names the file and leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "fleet_secret.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fleet_secrets nothing;
    struct fleet_secrets secrets;
    struct fleet_secrets again;
    struct rp_error err = {{0}};
    char file[FLEET_SECRETS_MAX * (FLEET_SECRET_TEXT_SIZE + 1)];
    struct text t = text_of(file, sizeof file);

    if (fleet_secrets_decode("name", data, size, &secrets, &err) != RP_OK) {
        if (memcmp(err.text, "name:", 5) != 0 || memcmp(&secrets, &nothing, sizeof nothing) != 0) {
            abort();
        }
        return 0;
    }
    if (secrets.n < 1 || secrets.n > FLEET_SECRETS_MAX) {
        abort();
    }
    for (unsigned i = 0; i < secrets.n; i++) {
        char line[FLEET_SECRET_TEXT_SIZE];

        fleet_secret_encode(secrets.secret[i], line);
        text_addf(&t, "%s\n", line);
    }
    if (fleet_secrets_decode("name", (const uint8_t *)file, t.len, &again, &err) != RP_OK ||
        memcmp(&again, &secrets, sizeof again) != 0) {
        abort();
    }
    return 0;
}
