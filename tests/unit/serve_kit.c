#include "serve_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include "memory.h"
#include "selfsigned.h"
#include "text.h"

static const char *const files[] = {"ec.pem",     "ec.key",    "rsa.pem",   "rsa.key",
                                    "locked.key", "empty.pem", "broken.pem"};

static FILE *create(const struct serve_kit *kit, const char *name)
{
    char path[128];
    struct text t = text_of(path, sizeof path);
    FILE *file;

    text_addf(&t, "%s/%s", kit->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void write_key(const struct serve_kit *kit, const char *name, EVP_PKEY *key,
                      const char *passphrase)
{
    FILE *file = create(kit, name);

    assert_int_equal(PEM_write_PrivateKey(file, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL,
                                          NULL, 0, NULL, (void *)(uintptr_t)passphrase),
                     1);
    assert_int_equal(fclose(file), 0);
}

static void write_chain(const struct serve_kit *kit, const char *name, const X509 *x,
                        const char *more)
{
    FILE *file = create(kit, name);

    assert_int_equal(PEM_write_X509(file, x), 1);
    assert_true(fputs(more, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_ec(const struct serve_kit *kit)
{
    EVP_PKEY *key;
    X509 *x;

    assert_int_equal(selfsigned_new(NULL, (int64_t)time(NULL), &x, &key), RP_OK);
    write_chain(kit, "ec.pem", x, "");
    write_key(kit, "ec.key", key, NULL);
    write_key(kit, "locked.key", key, "secret");
    write_chain(kit, "broken.pem", x, "-----BEGIN CERTIFICATE-----\nAAAA\n");
    X509_free(x);
    EVP_PKEY_free(key);
}

void serve_kit_add_rsa(struct serve_kit *kit)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    EVP_PKEY *other;
    X509 *x;

    assert_int_equal(selfsigned_new(NULL, (int64_t)time(NULL), &x, &other), RP_OK);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    write_chain(kit, "rsa.pem", x, "");
    write_key(kit, "rsa.key", key, NULL);
    X509_free(x);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void make_keyring(struct serve_kit *kit)
{
    const struct rp_keyring_options options = {0};
    int64_t next_ms;

    assert_int_equal(rp_keyring_new(&options, &kit->keyring, NULL), RP_OK);
    assert_int_equal(rp_keyring_keep(kit->keyring, rp_clock_boot_ms(NULL), NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_advance(kit->keyring, rp_clock_boot_ms(NULL), &next_ms), RP_OK);
    assert_int_equal(rp_cache_new(256 * 1024, &kit->cache, NULL), RP_OK);
}

void serve_kit_init(struct serve_kit *kit)
{
    memset(kit, 0, sizeof *kit);
    memcpy(kit->folder, "/tmp/serve-XXXXXX", sizeof "/tmp/serve-XXXXXX");
    assert_non_null(mkdtemp(kit->folder));
    assert_int_equal(fclose(create(kit, "empty.pem")), 0);
    write_ec(kit);
    make_keyring(kit);
}

void serve_kit_fini(struct serve_kit *kit)
{
    char path[128];

    sites_free(&kit->sites);
    config_free(&kit->config);
    rp_cache_free(&kit->cache);
    rp_keyring_free(&kit->keyring);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct text t = text_of(path, sizeof path);

        text_addf(&t, "%s/%s", kit->folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(kit->folder);
}

enum rp_status serve_kit_configure(struct serve_kit *kit, const char *yaml)
{
    char name[128];
    struct text t = text_of(name, sizeof name);
    const char **domains = NULL;
    enum rp_status status;
    size_t n;

    sites_free(&kit->sites);
    config_free(&kit->config);
    text_addf(&t, "%s/conf", kit->folder);
    status = config_parse(name, yaml, strlen(yaml), &kit->config, &kit->err);
    if (status != RP_OK) {
        print_error("%s\n", kit->err.text);
    }
    assert_int_equal(status, RP_OK);
    assert_int_equal(config_domains(kit->config, &domains, &n), RP_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rp_keyring_domain_add(kit->keyring, domains[i]), RP_OK);
    }
    memory_free(domains);
    return sites_new(kit->config, kit->keyring, kit->cache, &kit->sites, &kit->err);
}
