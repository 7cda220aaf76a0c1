/*
 * Rings in a fleet: join, genesis race, healed split, re-seed, switch, drop, crash, restart
 * (docs/formats/mailbox.md, "What a host does"). README.md says what is abstracted, and why.
 *
 * Time passes in rounds of two paces. In a round every host has one turn, in turn or, with
 * ANY_ORDER, in any order. What may go wrong costs one trouble each: a host sleeps for a turn, does
 * not read a member's entry, its question or its write is lost, an answer is late or lost, or one
 * host does not reach another, or nobody, by the store until that ends (cut). At the beginning of
 * any round the store may become fair: the hosts then have CALM rounds to agree.
 *
 * A ring is a number, the smaller one wins; a set of rings, or of hosts, is a mask. Spin makes the
 * choices and walks the states; a turn is computed in C.
 */
#ifndef CASE
#define CASE 0
#endif
#ifndef TROUBLE
#define TROUBLE 2
#endif
#ifndef SEEDS
#define SEEDS 0
#endif
#ifndef ANY_ORDER
#define ANY_ORDER false
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

#define N 3
#define R 4

#define OUT 0 /* not started, or dead */
#define JOINING 1
#define MEMBER 2

byte state[N];
byte held[N];
byte seals[N];
byte dropped[N]; /* rings that were held once and are not any more */
byte idle[12];   /* [host][ring]: rounds since the ring was last sealed by, as the host sees it */

/* [host][other]: what was read of the other, and rounds since its sequence grew. */
byte view_held[9];
byte view_seals[9];
byte view_age[9];
byte unread[N]; /* whose entries have changed since the host read them */

byte entry_held[N]; /* what the store has */
byte entry_seals[N];
byte entry_age[N];

byte late_rounds[N]; /* an answer that still comes within so many rounds */
byte late_held[N];
byte late_seals[N];

byte used; /* rings that were ever made */
byte future[R]; /* rounds to a ring's genesis */
byte found_claimed;
byte seed_claimed;
byte seeds = SEEDS;
byte crashes = CRASHES;
byte trouble = TROUBLE;
byte starts; /* hosts that may start */
byte cut[N]; /* whom the host does not reach */
byte had_turn;
byte bad; /* which promise is broken */

/* Choices of a turn. */
byte h, miss, from, asked, late, unwritten, wait, pick, ahead, seed;

c_decl {
#define V 2 /* rounds for which a presence counts once it was read */
#define L 2 /* rounds for which the store keeps it */
#ifndef D
#define D 4 /* rounds for which nobody sealed by a ring before it is dropped */
#endif
#define W 2 /* rounds for which an answer is waited for */
#define G 2 /* rounds from a re-seed to its genesis */
#ifndef CALM
#define CALM 12
#endif
#define NONE R
#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define AT(i, j) ((i)*N + (j))
#define IN_VIEW(i, j) ((i) != (j) && now.view_age[AT(i, j)] < V)
#define LIVE(i) (now.state[i] != OUT)
extern int readtrail;
#define NOTE(...) (void)(readtrail && printf(__VA_ARGS__)) /* shows a trail */
enum { BAD_SEAL = 1, BAD_DROP = 2, BAD_SPLIT = 3, BAD_JOIN = 4, BAD_LOST = 5 };
}

c_code {
static int all_hold(int host, int ring)
{
    for (int i = 0; i < N; i++) {
        if (IN_VIEW(host, i) && !HAS(now.view_held[AT(host, i)], ring)) {
            return 0;
        }
    }
    return 1;
}

/* Those in view must be able to open what host seals from now on. A joiner that sees two groups
 * which have not met cannot please both. */
static void begin_to_seal(int host, int ring, int is_split)
{
    NOTE("%d seals by %d\n", host, ring);
    now.seals[host] = ring;
    for (int i = 0; i < N; i++) {
        if (IN_VIEW(host, i) && LIVE(i) && !HAS(now.held[i], ring) && !is_split) {
            now.bad = BAD_SEAL;
        }
    }
}

static int is_sealed_by(int host, int ring)
{
    for (int i = 0; i < N; i++) {
        if (IN_VIEW(host, i) && now.view_seals[AT(host, i)] == ring) {
            return 1;
        }
    }
    return 0;
}

static int is_alone(int host)
{
    for (int i = 0; i < N; i++) {
        if (IN_VIEW(host, i)) {
            return 0;
        }
    }
    return 1;
}

/* The best ring that a member in view seals by, if it can be of those that all hold; where nobody
 * is in view any more, what was heard. */
static void join(int host)
{
    int best = NONE;
    int best_of_all = NONE;
    for (int ring = R - 1; ring >= 0; ring--) {
        if (HAS(now.held[host], ring) && now.future[ring] == 0 &&
            (is_alone(host) || is_sealed_by(host, ring))) {
            best = ring;
            best_of_all = all_hold(host, ring) ? ring : best_of_all;
        }
    }
    if (best != NONE) {
        now.state[host] = MEMBER;
        begin_to_seal(host, best_of_all != NONE ? best_of_all : best, best_of_all == NONE);
    }
}

static void take_up(int host, int rings, int sealed_by)
{
    NOTE("%d takes up %x (%d)\n", host, rings, sealed_by);
    now.held[host] |= rings;
    now.dropped[host] &= ~rings;
#ifdef MUTANT_JOIN_BEST
    for (sealed_by = 0; !HAS(now.held[host], sealed_by); sealed_by++) {
    }
#endif
#if defined(MUTANT_JOIN_HEARD) || defined(MUTANT_JOIN_BEST)
    if (now.state[host] == JOINING) {
        now.state[host] = MEMBER;
        begin_to_seal(host, sealed_by, 0);
    }
#endif
}

static void list_members(int host, int missed)
{
    for (int i = 0; i < N; i++) {
        if (now.entry_age[i] < L && HAS(now.unread[host] & ~now.cut[host] & ~missed, i)) {
            now.view_held[AT(host, i)] = now.entry_held[i];
            now.view_seals[AT(host, i)] = now.entry_seals[i];
            now.view_age[AT(host, i)] = 0;
            now.unread[host] &= ~BIT(i);
        }
    }
}

/* Members of whom it wants a ring: not one that it has dropped, unless somebody seals by it. */
static int wanted(int host)
{
    int of = 0;
    for (int i = 0; i < N; i++) {
        int rings = now.view_held[AT(host, i)] & ~now.held[host] & ~now.dropped[host];
        rings |= BIT(now.view_seals[AT(host, i)]) & ~now.held[host] & (BIT(R) - 1);
        if (IN_VIEW(host, i) && now.state[i] == MEMBER && !HAS(now.cut[host], i) && rings != 0) {
            of |= BIT(i);
        }
    }
    return now.late_rounds[host] == 0 ? of : 0;
}

static int may_ask(int host)
{
    return wanted(host) != 0 || now.unread[host] != 0;
}

/* The choice-th number that is free. */
static int new_ring(int host, int least, int limit, int choice)
{
    for (int i = least; i < limit; i++) {
        if (!HAS(now.used, i) && choice-- == 0) {
            NOTE("%d makes %d\n", host, i);
            now.used |= BIT(i);
            now.held[host] |= BIT(i);
            return i;
        }
    }
    return NONE;
}

/* Nobody is there: a claim, and a ring of its own; who is denied waits, and then does the same. */
static void found(int host)
{
    if (now.state[host] != JOINING || !is_alone(host) || now.wait) {
        return;
    }
    now.found_claimed = 1;
    int ring = new_ring(host, 1, R, now.pick);
    if (ring != NONE) {
        now.state[host] = MEMBER;
        begin_to_seal(host, ring, 0);
    }
}

static void re_seed(int host)
{
    int parent = now.seals[host];
    if (!now.seed || now.seeds == 0 || now.state[host] != MEMBER ||
        (now.held[host] & (BIT(parent) - 1)) != 0) {
        return;
    }
#ifndef STORE_LIES
    if (HAS(now.seed_claimed, parent)) {
        return;
    }
#endif
    int ring = new_ring(host, 0, parent, now.pick);
    if (ring != NONE) {
        now.seed_claimed |= BIT(parent);
        now.seeds--;
        now.future[ring] = G;
    }
}

/* To the best ring that every member in view holds. A host that is ahead sees a genesis early. */
static int wins(int host, int ring)
{
#ifdef MUTANT_LARGER_WINS
    if (host == 2) {
        return ring > now.seals[host];
    }
#endif
    return ring < now.seals[host];
}

static void switch_ring(int host)
{
    for (int ring = 0; now.state[host] == MEMBER && ring < R; ring++) {
        int may = HAS(now.held[host], ring) && now.future[ring] <= now.ahead && wins(host, ring);
#ifndef MUTANT_SWITCH_ALONE
        may &= all_hold(host, ring);
#endif
        if (may) {
            begin_to_seal(host, ring, 0);
        }
    }
}

/* Whoever seals by it, and sees host and is seen, must not be left behind. */
static void drop(int host, int ring)
{
    NOTE("%d drops %d\n", host, ring);
    now.held[host] &= ~BIT(ring);
    now.dropped[host] |= BIT(ring);
    now.idle[host * R + ring] = 0;
    for (int i = 0; i < N; i++) {
        if (LIVE(i) && now.seals[i] == ring && IN_VIEW(i, host) && IN_VIEW(host, i)) {
            now.bad = BAD_DROP;
        }
    }
}

static void drop_rings(int host)
{
    for (int ring = 0; now.state[host] == MEMBER && ring < R; ring++) {
        if (!HAS(now.held[host], ring) || ring <= now.seals[host]) {
            now.idle[host * R + ring] = 0;
            continue;
        }
#ifndef MUTANT_DROP_USED
        if (is_sealed_by(host, ring)) {
            now.idle[host * R + ring] = 0;
        }
#endif
        if (now.idle[host * R + ring] == D) {
            drop(host, ring);
        }
    }
}

static void write_presence(int host)
{
    if (now.state[host] != MEMBER || now.unwritten) {
        return;
    }
    now.entry_held[host] = now.held[host];
    now.entry_seals[host] = now.seals[host];
    now.entry_age[host] = 0;
    for (int i = 0; i < N; i++) {
        if (i != host && LIVE(i)) {
            now.unread[i] |= BIT(host);
        }
    }
}

/* late, asked: 0 well, 1 lost, 2 later. */
static void ask(int host)
{
    if (now.late_rounds[host] > 0 && now.late < 2) {
        if (now.late == 0) {
            take_up(host, now.late_held[host], now.late_seals[host]);
        }
        now.late_rounds[host] = now.late_held[host] = now.late_seals[host] = 0;
    }
    list_members(host, now.miss);
    int of = wanted(host);
    if (of == 0) {
        return;
    }
    int i = now.from;
    while (!HAS(of, i)) {
        i = (i + 1) % N;
    }
    if (now.asked == 0) {
        take_up(host, now.held[i], now.seals[i]);
    } else if (now.asked == 2) {
        now.late_rounds[host] = W;
        now.late_held[host] = now.held[i];
        now.late_seals[host] = now.seals[i];
    }
}

static void take_turn(int host)
{
    NOTE("%d: miss %d late %d asked %d unwritten %d cut %d\n", host, now.miss, now.late, now.asked,
         now.unwritten, now.cut[host]);
    ask(host);
    if (now.state[host] == JOINING) {
        join(host);
    }
    found(host);
    re_seed(host);
    switch_ring(host);
    drop_rings(host);
    write_presence(host);
}

static void forget_host(int host)
{
    now.state[host] = OUT;
    now.held[host] = now.dropped[host] = now.unread[host] = 0;
    now.seals[host] = NONE;
    now.late_rounds[host] = now.late_held[host] = now.late_seals[host] = 0;
    for (int i = 0; i < N; i++) {
        now.view_held[AT(host, i)] = now.view_seals[AT(host, i)] = 0;
        now.view_age[AT(host, i)] = V;
    }
    for (int ring = 0; ring < R; ring++) {
        now.idle[host * R + ring] = 0;
    }
}

static void start_host(int host)
{
    now.state[host] = JOINING;
    for (int i = 0; i < N; i++) {
        now.unread[host] |= (i != host && now.entry_age[i] < L) << i;
    }
}

static void tick_host(int host)
{
    for (int ring = 0; ring < R; ring++) {
        now.idle[host * R + ring] += HAS(now.held[host], ring) && now.idle[host * R + ring] < D;
    }
    for (int i = 0; i < N; i++) {
        if (IN_VIEW(host, i) && ++now.view_age[AT(host, i)] == V) {
            now.view_held[AT(host, i)] = now.view_seals[AT(host, i)] = 0;
        }
    }
    if (now.late_rounds[host] > 0 && --now.late_rounds[host] == 0) {
        now.late_held[host] = now.late_seals[host] = 0;
    }
    if (now.entry_age[host] < L && ++now.entry_age[host] == L) {
        now.entry_held[host] = now.entry_seals[host] = 0;
        for (int i = 0; i < N; i++) {
            now.unread[i] &= ~BIT(host);
        }
    }
}

static void tick(void)
{
    NOTE("--\n");
    for (int i = 0; i < N; i++) {
        tick_host(i);
    }
    for (int ring = 0; ring < R; ring++) {
        now.future[ring] -= now.future[ring] > 0;
    }
    now.had_turn = 0;
}

/* The store is fair, nobody dies: in the end all live hosts seal by one ring, which all hold. */
static void calm_down(void)
{
    NOTE("calm\n");
    now.trouble = 0;
    now.cut[0] = now.cut[1] = now.cut[2] = 0;
    for (int round = 0; round < CALM; round++) {
        for (int i = 0; i < N; i++) {
            if (LIVE(i)) {
                take_turn(i);
            }
        }
        tick();
    }
    int ring = NONE;
    for (int i = 0; i < N; i++) {
        if (!LIVE(i)) {
            continue;
        }
        if (now.state[i] != MEMBER) {
            now.bad = BAD_JOIN;
        } else if (!HAS(now.held[i], now.seals[i])) {
            now.bad = BAD_LOST;
        } else if (ring != NONE && now.seals[i] != ring) {
            now.bad = BAD_SPLIT;
        }
        ring = now.seals[i];
    }
}

static void begin_member(int host, int ring)
{
    now.state[host] = MEMBER;
    now.seals[host] = ring;
    now.held[host] = BIT(ring);
    now.used |= BIT(ring);
}

/* Those who begin with the same ring know each other. */
static void begin(void)
{
    for (int i = 0; i < N; i++) {
        forget_host(i);
        now.entry_age[i] = L;
    }
    switch (CASE) {
    case 0: /* a fleet */
        begin_member(0, 2);
        begin_member(1, 2);
        begin_member(2, 2);
        break;
    case 1: /* two join one */
        begin_member(0, 2);
        now.starts = 6;
        break;
    case 2: /* nobody is there */
        now.starts = 7;
        break;
    case 3: /* two groups; the smaller one wins */
        begin_member(0, 2);
        begin_member(1, 2);
        begin_member(2, 1);
        break;
    case 4: /* two groups; the larger one wins */
        begin_member(0, 1);
        begin_member(1, 1);
        begin_member(2, 2);
        break;
    case 5: /* three groups */
        begin_member(0, 1);
        begin_member(1, 2);
        begin_member(2, 3);
        break;
    case 6: /* two, and one that joins */
        begin_member(0, 2);
        begin_member(1, 2);
        now.starts = 4;
        break;
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            if (i != j && LIVE(i) && LIVE(j) && now.seals[i] == now.seals[j]) {
                now.view_held[AT(i, j)] = now.held[j];
                now.view_seals[AT(i, j)] = now.seals[j];
                now.view_age[AT(i, j)] = 0;
            }
        }
    }
}
}

inline clear_choices()
{
    miss = 0;
    from = 0;
    asked = 0;
    late = 0;
    unwritten = 0;
    wait = 0;
    pick = 0;
    ahead = 0;
    seed = 0;
    h = 0
}

/* What goes wrong costs; what may happen either way does not. */
inline choose()
{
    if
    :: skip
    :: trouble > 0 -> trouble--; miss = 1
    :: trouble > 0 -> trouble--; miss = 2
    :: trouble > 0 -> trouble--; miss = 4
    fi;
    if
    :: late_rounds[h] > 0 -> late = 2
    :: trouble > 0 && late_rounds[h] > 0 -> trouble--; late = 1
    :: skip
    fi;
    c_code { now.asked = may_ask(now.h); };
    if
    :: asked == 1 ->
        asked = 0;
        if
        :: from = 0
        :: from = 1
        :: from = 2
        fi;
        if
        :: skip
        :: trouble > 0 -> trouble--; asked = 1
        :: trouble > 0 -> trouble--; asked = 2
        fi
    :: else
    fi;
    if
    :: state[h] == JOINING ->
        if
        :: pick = 0
        :: pick = 1
        :: found_claimed -> wait = 1
        fi
    :: seeds > 0 && state[h] == MEMBER ->
        if
        :: skip
        :: seed = 1; pick = 0
        :: seed = 1; pick = 1
        fi
    :: else
    fi;
    if
    :: future[0] == 1 || future[1] == 1 -> ahead = 1
    :: skip
    fi;
    if
    :: trouble > 0 -> trouble--; unwritten = 1
    :: skip
    fi
}

inline turn()
{
    if
    :: choose(); c_code { take_turn(now.h); }
    :: trouble > 0 -> trouble-- /* it sleeps */
    fi
}

init
{
    atomic { c_code { begin(); } };
    do
    :: atomic { had_turn == 0 -> c_code { calm_down(); }; assert(bad == 0); break }
    :: atomic { had_turn == 7 -> c_code { tick(); } }
    :: atomic {
           had_turn == 0 && trouble > 0 ->
           trouble--;
           if
           :: h = 0
           :: h = 1
           :: h = 2
           fi;
           if
           :: cut[h] = cut[h] ^ 1
           :: cut[h] = cut[h] ^ 2
           :: cut[h] = cut[h] ^ 4
           :: cut[h] = cut[h] ^ 7
           fi;
           h = 0
       }
    :: atomic {
           had_turn != 7 ->
           if
           :: !(had_turn & 1) -> h = 0
           :: !(had_turn & 2) && (ANY_ORDER || (had_turn & 1)) -> h = 1
           :: !(had_turn & 4) && (ANY_ORDER || (had_turn & 2)) -> h = 2
           fi;
           had_turn = had_turn | (1 << h);
           if
           :: state[h] != OUT -> turn()
           :: state[h] != OUT && crashes > 0 -> crashes--; c_code { forget_host(now.h); }
           :: state[h] == OUT -> skip
           :: (starts >> h) & 1 ->
               starts = starts & ~(1 << h);
               c_code { start_host(now.h); };
               turn()
           fi;
           assert(bad == 0);
           clear_choices()
       }
    od
}
