/* What decodes as a key file encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stek key;
    uint8_t again[KEY_FILE_NGINX_LONG];

    if (key_file_nginx_decode(data, size, &key) &&
        (key_file_nginx_encode(&key, again) != size || memcmp(again, data, size) != 0)) {
        abort();
    }
    return 0;
}
