/* What every public header of libreprise needs. */
#ifndef REPRISE_API_H
#define REPRISE_API_H

#if defined(__GNUC__)
#define RP_API __attribute__((visibility("default")))
#define RP_MUST_USE __attribute__((warn_unused_result))
#else
#define RP_API
#define RP_MUST_USE
#endif

/* Around declarations, for C++. */
#ifdef __cplusplus
#define RP_BEGIN extern "C" {
#define RP_END }
#else
#define RP_BEGIN
#define RP_END
#endif

#endif
