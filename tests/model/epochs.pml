/*
 * Epochs of one ring on hosts whose clocks differ: rotation, late answers, sleep, steps and slew of
 * fleet time (docs/formats/mailbox.md, "Fleet time"; keyring.md, "What the window holds").
 *
 * Time is in ticks; host 0 founded the ring and its time is true. Ring time of another is behind by
 * lag, at most by what it knows, bound. Host 1 is a member from the beginning, host 2 fetches the
 * ring, from either, by an answer that takes up to MAX_TOOK ticks.
 */
#ifndef EPOCH
#define EPOCH 3 /* ticks */
#endif
#ifndef ACCEPT
#define ACCEPT 3 /* ticks */
#endif
#ifndef MAX_TOOK
#define MAX_TOOK 5
#endif
#ifndef LENGTH
#define LENGTH 14 /* ticks in all */
#endif
#define N 3
#define LEAD_MAX 8
#define NONE 255

byte now_tick;
byte lag[N];
byte bound[N];
byte epoch[N]; /* that it seals by */
byte oldest[N]; /* whose root it has */
byte lead[N];   /* epochs ahead that it opens */
bit is_member[N];
bit asleep[N]; /* its keeper is: workers seal and open by the window as it was */
byte asked_tick = NONE; /* of host 2 */
byte answer_epoch;
byte answer_oldest;
byte answer_time;
byte answer_bound;
#ifndef NAPS
#define NAPS 2
#endif
byte naps = NAPS;
byte drifts = 2;
byte h, m, before; /* zero between steps */

#define TIME(i) (now_tick - lag[i])
#define END(e) (((e) + 1) * EPOCH + ACCEPT) /* ring time at which its root no longer opens */
#define LEAST(a, b) ((a) < (b) -> (a) : (b))
#define MOST(a, b) ((a) > (b) -> (a) : (b))
#define APART(a, b) ((a) > (b) -> (a) - (b) : (b) - (a))

/* What a keeper does whenever it is awake. An epoch never goes back. */
inline advance(i)
{
    before = epoch[i];
#ifdef MUTANT_SET_BACK
    epoch[i] = TIME(i) / EPOCH;
#else
    epoch[i] = MOST(epoch[i], TIME(i) / EPOCH);
#endif
    assert(epoch[i] >= before);
    before = 0;
    do
    :: oldest[i] < epoch[i] && END(oldest[i]) <= TIME(i) -> oldest[i]++
    :: else -> break
    od;
#if defined(MUTANT_NO_NEXT)
    lead[i] = 0
#elif defined(MUTANT_NO_BOUND)
    lead[i] = 1
#else
    lead[i] = LEAST(LEAD_MAX, 1 + (bound[i] + EPOCH - 1) / EPOCH)
#endif
}

/* Whoever is within an epoch opens what h seals; so does whoever knows how late it may be. */
inline check()
{
    h = 0;
    do
    :: h < N ->
        m = 0;
        do
        :: m < N ->
            if
            :: h != m && is_member[h] && is_member[m] && !asleep[m] && !asleep[h] ->
                assert(APART(TIME(h), TIME(m)) > EPOCH ||
                       (epoch[h] >= oldest[m] && epoch[h] <= epoch[m] + lead[m]));
                assert(epoch[h] <= epoch[m] + lead[m] || lead[m] == LEAD_MAX)
            :: else
            fi;
            m++
        :: else -> break
        od;
        assert(!is_member[h] || lag[h] <= bound[h]);
        h++
    :: else -> break
    od;
    h = 0;
    m = 0
}

inline advance_all()
{
    h = 0;
    do
    :: h < N ->
        if
        :: is_member[h] && !asleep[h] -> advance(h)
        :: else
        fi;
        h++
    :: else -> break
    od;
    h = 0
}

/* Of the TIME of m h knows how far it is behind it at most. It follows at once or by a tick, never
 * back, and never past what m says. */
inline follow(i, j)
{
    if
    :: is_member[i] && is_member[j] && !asleep[i] && TIME(j) > TIME(i) ->
        if
        :: lag[i] = lag[j]
        :: lag[i] = lag[i] - 1
        fi;
        bound[i] = MOST(lag[i], LEAST(bound[i], bound[j] + APART(lag[i], lag[j])))
#ifdef MUTANT_SET_BACK
    :: is_member[i] && is_member[j] && !asleep[i] && TIME(j) < TIME(i) -> lag[i] = lag[j]
#endif
    :: else
    fi
}

inline tick()
{
    now_tick++;
    advance_all()
}

active proctype host()
{
    byte i;
    byte j;

    d_step {
        is_member[0] = 1;
        is_member[1] = 1;
        lag[1] = 0;
        lead[0] = 1;
        lead[1] = 1
    };
    do
    :: atomic { now_tick < LENGTH -> tick(); check() }
    /* A clock that runs slow; what it loses is within what its host allows for. */
    :: atomic {
           drifts > 0 && now_tick < LENGTH ->
           drifts--;
           lag[1]++;
           bound[1] = MOST(bound[1], lag[1]);
           tick();
           check()
       }
    :: atomic {
           naps > 0 ->
           naps--;
           if
           :: i = 0
           :: i = 1
           :: i = 2
           fi;
           asleep[i] = 1;
           i = 0
       }
    :: atomic {
           if
           :: asleep[0] -> i = 0
           :: asleep[1] -> i = 1
           :: asleep[2] -> i = 2
           fi;
           asleep[i] = 0;
           i = 0;
           advance_all();
           check()
       }
    :: atomic { !is_member[2] && asked_tick == NONE -> asked_tick = now_tick; answer_time = NONE }
    :: atomic {
           !is_member[2] && asked_tick != NONE && answer_time == NONE ->
           if
           :: !asleep[0] -> i = 0
           :: !asleep[1] -> i = 1
           fi;
           answer_time = TIME(i);
           answer_epoch = epoch[i];
           answer_oldest = oldest[i];
           answer_bound = bound[i];
           i = 0
       }
    :: atomic {
           !is_member[2] && asked_tick != NONE && now_tick - asked_tick > MAX_TOOK ->
           asked_tick = NONE;
           answer_time = 0;
           answer_epoch = 0;
           answer_oldest = 0;
           answer_bound = 0
       }
    :: atomic {
           !is_member[2] && asked_tick != NONE && answer_time != NONE && !asleep[2] &&
           now_tick - asked_tick <= MAX_TOOK ->
           is_member[2] = 1;
           lag[2] = now_tick - answer_time;
           bound[2] = answer_bound + now_tick - asked_tick;
           epoch[2] = answer_epoch;
#ifdef MUTANT_NO_OLD_ROOTS
           oldest[2] = answer_epoch;
#else
           oldest[2] = answer_oldest;
#endif
           asked_tick = NONE;
           answer_time = 0;
           answer_epoch = 0;
           answer_oldest = 0;
           answer_bound = 0;
           advance_all();
           check()
       }
    :: atomic {
           is_member[2] ->
           if
           :: i = 2; j = 0
           :: i = 2; j = 1
           :: i = 1; j = 2
           :: i = 1; j = 0
           fi;
           follow(i, j);
           i = 0;
           j = 0;
           advance_all();
           check()
       }
    :: now_tick == LENGTH -> break
    od
}
