/* A command line out of one line of text. */
#ifndef WORDS_KIT_H
#define WORDS_KIT_H

#define WORDS_MAX 600

struct words {
    char text[8192];
    char *argv[WORDS_MAX + 1];
    int argc;
};

/* command and the words of line, with a space between; _ stands for a space inside a word where
 * such are wanted. */
void words_split(struct words *w, const char *command, const char *line);
void words_unescape(struct words *w);

#endif
