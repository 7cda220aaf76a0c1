#include "haproxy_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base64.h"
#include "text.h"

struct stek haproxy_kit_key(unsigned number, unsigned key_len)
{
    struct stek key = {.key_len = (uint8_t)key_len};

    memset(key.name, (int)number, sizeof key.name);
    memset(key.aes, (int)number + 0x40, key_len);
    memset(key.hmac, (int)number + 0x80, key_len);
    return key;
}

static struct haproxy_kit_conn *conn_of(struct loop_watch *watch)
{
    return (struct haproxy_kit_conn *)((char *)watch - offsetof(struct haproxy_kit_conn, watch));
}

static void hang_up(struct haproxy_kit_conn *conn)
{
    loop_close(conn->kit->loop, &conn->watch);
    conn->watch.fd = -1;
}

/* Takes the next word, without its escapes, from the front of *line. */
static void take_word(const char **line, struct text *word)
{
    while (**line == ' ') {
        (*line)++;
    }
    for (; **line != '\0' && **line != ' '; (*line)++) {
        *line += **line == '\\' ? 1 : 0;
        text_add_char(word, **line);
    }
}

static void show(const struct haproxy_kit *kit, struct text *out)
{
    text_addf(out, "# id secret\n# 0 (%s)\n", kit->file);
    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        uint8_t bytes[KEY_FILE_NGINX_LONG];
        char base64[BASE64_TEXT_LEN(sizeof bytes)];
        const size_t n = key_file_haproxy_encode(&kit->keys[i], bytes);

        text_addf(out, "0.%u ", i);
        text_add_n(out, base64, base64_encode(bytes, n, base64));
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

static void take_key(struct haproxy_kit *kit, const char *base64, struct text *out)
{
    uint8_t bytes[BASE64_ROOM(256)];
    struct stek key;
    size_t n;

    if (!base64_decode(base64, strlen(base64), bytes, sizeof bytes, &n)) {
        text_add(out, "'set ssl tls-key' received invalid base64 encoded TLS key.\n\n");
    } else if (!key_file_haproxy_decode(bytes, n, &key) || key.key_len != kit->keys[0].key_len) {
        text_add(out, "'set ssl tls-key' received a key of wrong size.\n\n");
    } else {
        if (kit->manner != HAPROXY_KIT_FORGETS) {
            memmove(&kit->keys[0], &kit->keys[1], 2 * sizeof kit->keys[0]);
            kit->keys[2] = key;
        }
        text_add(out, "TLS ticket key updated!\n\n");
    }
}

static void obey(struct haproxy_kit *kit, const char *line, struct text *out)
{
    const bool sets = strncmp(line, "set ssl tls-key ", 16) == 0;
    const char *rest = line + (sets ? 16 : strlen("show tls-keys"));
    char file_buffer[2048], key_buffer[256];
    struct text file = text_of(file_buffer, sizeof file_buffer);
    struct text key = text_of(key_buffer, sizeof key_buffer);

    assert_true(sets || strncmp(line, "show tls-keys", 13) == 0);
    take_word(&rest, &file);
    take_word(&rest, &key);
    if (file.len == 0) {
        text_add(out, "# id (file)\n");
        text_addf(out, kit->file != NULL ? "0 (%s)\n\n" : "\n", kit->file);
    } else if (kit->file == NULL || strcmp(file.start, kit->file) != 0) {
        text_addf(out, "'%s' unable to locate referenced filename\n\n",
                  sets ? "set ssl tls-key" : "show tls-keys");
    } else if (!sets) {
        show(kit, out);
    } else if (kit->manner == HAPROXY_KIT_DENIES) {
        text_add(out, "Permission denied\n\n");
    } else {
        take_key(kit, key.start, out);
    }
}

static void answer(struct haproxy_kit_conn *conn)
{
    struct haproxy_kit *const kit = conn->kit;
    struct text out = text_of(conn->out, sizeof conn->out);

    kit->n_commands++;
    conn->in[conn->in_len - 1] = '\0';
    switch (kit->manner) {
    case HAPROXY_KIT_MASTER:
        text_add(&out, "Unknown command, but maybe one of the following is:\n  help\n\n");
        break;
    case HAPROXY_KIT_STRANGER:
        text_add(&out, "HTTP/1.1 400 Bad Request\r\n\r\n");
        break;
    case HAPROXY_KIT_ENDLESS:
        for (size_t i = 0; i + 1 < sizeof conn->out; i++) {
            text_add_char(&out, 'x');
        }
        break;
    case HAPROXY_KIT_ECHO:
        if (strncmp(conn->in, "set ", 4) == 0) {
            text_addf(&out, "Unknown command: '%s'\n\n", conn->in);
            break;
        }
        obey(kit, conn->in, &out);
        break;
    case HAPROXY_KIT_SILENT:
    case HAPROXY_KIT_HANGS_UP:
        break;
    case HAPROXY_KIT_PLAIN:
    case HAPROXY_KIT_DRIPS:
    case HAPROXY_KIT_FORGETS:
    case HAPROXY_KIT_DENIES:
        obey(kit, conn->in, &out);
        break;
    }
    assert_true(kit->manner == HAPROXY_KIT_ENDLESS || !out.cut);
    conn->out_len = out.len;
    assert_true(loop_rewatch(kit->loop, &conn->watch, EPOLLIN | EPOLLOUT));
}

static void send_answer(struct haproxy_kit_conn *conn)
{
    const enum haproxy_kit_manner manner = conn->kit->manner;
    const size_t left = conn->out_len - conn->n_sent;
    ssize_t n;

    if (manner == HAPROXY_KIT_SILENT || (manner == HAPROXY_KIT_MASTER && left == 0)) {
        assert_true(loop_rewatch(conn->kit->loop, &conn->watch, EPOLLIN));
        return;
    }
    n = left == 0 ? 0
                  : send(conn->watch.fd, conn->out + conn->n_sent,
                         manner == HAPROXY_KIT_DRIPS ? 1 : left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) {
        hang_up(conn);
        return;
    }
    conn->n_sent = manner == HAPROXY_KIT_ENDLESS ? 0 : conn->n_sent + (size_t)n;
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct haproxy_kit_conn *const conn = conn_of(watch);

    if (conn->in_len != 0 && conn->in[conn->in_len - 1] == '\0') {
        if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
            hang_up(conn);
        } else if ((events & EPOLLOUT) != 0) {
            send_answer(conn);
        } else {
            hang_up(conn);
        }
        return;
    }
    /* A byte at a time is enough for a stand-in, and meets the asker's every state. */
    if (recv(watch->fd, conn->in + conn->in_len, 1, MSG_DONTWAIT) != 1) {
        hang_up(conn);
        return;
    }
    assert_true(++conn->in_len < sizeof conn->in);
    if (conn->in[conn->in_len - 1] == '\n') {
        answer(conn);
    }
}

static void accept_conn(struct loop_watch *watch, uint32_t events)
{
    struct haproxy_kit *const kit =
        (struct haproxy_kit *)((char *)watch - offsetof(struct haproxy_kit, listener));
    unsigned i = 0;

    (void)events;
    while (kit->conns[i].watch.fd >= 0) {
        assert_true(++i < HAPROXY_KIT_CONNS);
    }
    memset(&kit->conns[i], 0, sizeof kit->conns[i]);
    kit->conns[i].kit = kit;
    kit->conns[i].watch = (struct loop_watch){
        .fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
        .events = EPOLLIN,
        .ready = ready,
    };
    assert_true(kit->conns[i].watch.fd >= 0);
    assert_true(loop_watch(kit->loop, &kit->conns[i].watch));
}

static void listen_at(struct haproxy_kit *kit, const char *at)
{
    struct address address = {0};
    const bool on_tcp = at[0] != '/';

    assert_true(on_tcp ? address_parse(at, &address) : haproxy_address_parse(at, &address));
    kit->listener = (struct loop_watch){
        .fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .events = EPOLLIN,
        .ready = accept_conn,
    };
    assert_int_equal(bind(kit->listener.fd, (const struct sockaddr *)&address.storage, address.len),
                     0);
    assert_int_equal(listen(kit->listener.fd, HAPROXY_KIT_CONNS), 0);
    assert_true(loop_watch(kit->loop, &kit->listener));
    if (on_tcp) {
        address.len = sizeof address.storage;
        assert_int_equal(
            getsockname(kit->listener.fd, (struct sockaddr *)&address.storage, &address.len), 0);
        address_text(&address, kit->address);
    }
}

void haproxy_kit_start(struct haproxy_kit *kit, struct loop *loop, bool on_tcp)
{
    struct text folder, address;

    memset(kit, 0, sizeof *kit);
    folder = text_of(kit->folder, sizeof kit->folder);
    address = text_of(kit->address, sizeof kit->address);
    kit->loop = loop;
    kit->file = "/run/keys";
    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        kit->keys[i] = haproxy_kit_key(i + 1, 32);
    }
    for (unsigned i = 0; i < HAPROXY_KIT_CONNS; i++) {
        kit->conns[i].watch.fd = -1;
    }
    text_add(&folder, "/tmp/test_haproxy_XXXXXX");
    assert_non_null(mkdtemp(kit->folder));
    text_addf(&address, "%s/socket", kit->folder);
    listen_at(kit, on_tcp ? "127.0.0.1:0" : kit->address);
}

void haproxy_kit_stop(struct haproxy_kit *kit)
{
    for (unsigned i = 0; i < HAPROXY_KIT_CONNS; i++) {
        if (kit->conns[i].watch.fd >= 0) {
            hang_up(&kit->conns[i]);
        }
    }
    loop_close(kit->loop, &kit->listener);
    if (kit->address[0] == '/') {
        (void)unlink(kit->address);
    }
    (void)rmdir(kit->folder);
}
