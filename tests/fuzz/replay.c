/* Gives every file of the folders and files named on the command line to a fuzz target, once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);
    size_t n;

    if (file == NULL || data == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        free(data);
        return 1;
    }
    n = fread(data, 1, 1 << 20, file);
    (void)fclose(file);
    data = realloc(data, n != 0 ? n : 1); /* exact, so that a sanitizer sees a read past the end */
    (void)LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 0;
}

static int replay_folder(const char *path, unsigned *n_files)
{
    DIR *folder = opendir(path);
    int failed = 0;

    if (folder == NULL) {
        (void)fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        struct text t = text_of(name, sizeof name);

        if (entry->d_name[0] != '.') {
            text_addf(&t, "%s/%s", path, entry->d_name);
            failed |= replay_file(name);
            ++*n_files;
        }
    }
    (void)closedir(folder);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned n_files = 0;
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            failed |= replay_folder(argv[i], &n_files);
        } else {
            failed |= replay_file(argv[i]);
            n_files++;
        }
    }
    (void)printf("%u inputs\n", n_files);
    return failed != 0 || n_files == 0;
}
