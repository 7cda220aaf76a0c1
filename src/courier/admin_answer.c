#include "admin_answer.h"

#include <string.h>

#include "exposition.h"
#include "fleet_json.h"
#include "health.h"
#include "status_json.h"
#include "text.h"

static enum rp_status say_metrics(const struct metrics_totals *totals, const struct moment *now,
                                  struct http_answer *out)
{
    out->status = 200;
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    return exposition_new(totals, now, &out->body, &out->body_len);
}

static enum rp_status say_status(const struct metrics_totals *totals, const struct moment *now,
                                 struct http_answer *out)
{
    out->status = 200;
    out->type = "application/json";
    return status_json_new(totals, now, &out->body, &out->body_len);
}

static enum rp_status say_fleet(const struct metrics_totals *totals, const struct moment *now,
                                struct http_answer *out)
{
    out->status = 200;
    out->type = "application/json";
    return fleet_json_new(totals, now, &out->body, &out->body_len);
}

static enum rp_status say_health(const struct metrics_totals *totals, struct http_answer *out)
{
    char line[HEALTH_SENTENCE_SIZE + 1];
    struct text t = text_of(line, sizeof line);
    char sentence[HEALTH_SENTENCE_SIZE];
    const bool good = health_is_good(totals, sentence);

    text_addf(&t, "%s\n", sentence);
    return http_answer_say(out, good ? 200 : 503, line);
}

enum rp_status admin_answer_new(const struct metrics_totals *totals, const struct moment *now,
                                const char *method, const char *path, struct http_answer *out)
{
    *out = (struct http_answer){0};
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return http_answer_say(out, 405, "There is only GET and HEAD here.\n");
    }
    if (strcmp(path, "/metrics") == 0) {
        return say_metrics(totals, now, out);
    }
    if (strcmp(path, "/status.json") == 0) {
        return say_status(totals, now, out);
    }
    if (strcmp(path, "/fleet.json") == 0) {
        return say_fleet(totals, now, out);
    }
    if (strcmp(path, "/healthz") == 0) {
        return say_health(totals, out);
    }
    return http_answer_say(
        out, 404, "There is only /metrics, /status.json, /fleet.json and /healthz here.\n");
}
