/* Not written yet: channel. */
typedef int channel_pending;
