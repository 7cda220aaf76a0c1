/* Not written yet: sites. */
typedef int sites_pending;
