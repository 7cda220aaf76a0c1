#include "program.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "text.h"

enum rp_status program_path(const char *argv0, char **out)
{
    char buffer[2 * PATH_MAX]; /* where a path is cut, exec would refuse it too */
    struct text t = text_of(buffer, sizeof buffer);
    char folder[PATH_MAX];
    ssize_t n;

    *out = NULL;
    if (argv0[0] == '/') {
        text_add(&t, argv0);
    } else if (strchr(argv0, '/') != NULL && getcwd(folder, sizeof folder) != NULL) {
        text_addf(&t, "%s/%s", folder, argv0);
    } else {
        n = readlink("/proc/self/exe", folder, sizeof folder);
        if (n <= 0 || n == sizeof folder) {
            return RP_SYSTEM;
        }
        text_add_n(&t, folder, (size_t)n);
    }
    *out = memory_string(buffer);
    return *out != NULL ? RP_OK : RP_NO_MEMORY;
}
