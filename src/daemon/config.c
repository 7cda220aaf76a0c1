/* Not written yet: config. */
typedef int config_pending;
