/* Not written yet: keeper. */
typedef int keeper_pending;
