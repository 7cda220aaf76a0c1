/*
 * A store that is an attacker, without the fleet secret until the end: it keeps every message,
 * gives any of them to anybody, as often as it likes and under any header, and makes its own
 * (docs/formats/mailbox.md, "What an attacker can do"). Cryptography is perfect: a message opens
 * where secret, header and ephemeral key are those it was made with.
 *
 * Hosts 0 and 1 are members, 2 asks them for their rings. After any step the attacker may get the
 * fleet secret and the memory of every host.
 */
#define N 3
#define LETTERS 5 /* messages that the attacker keeps */
#define QUESTIONS 2
#ifndef PRESENCES
#define PRESENCES false /* which half is looked at; neither depends on the other */
#endif

#define PRESENCE 1
#define PULL 2
#define RINGS 3

#define OURS 1 /* the fleet secret; others are 0 */
#define EVIL 0 /* the attacker's ring; those of members are 1, 2, ... */
#define NONE 255

/* from, to, nonce: those that were authenticated. */
typedef letter {
    byte type;
    byte secret;
    byte from;
    byte to;
    byte nonce;    /* of a PULL: also names the ephemeral key of who asks */
    byte about;    /* PRESENCE: seq; PULL: invite; RINGS: the best ring */
    byte answer;   /* RINGS: names the ephemeral key of who answers; 0: none */
};
letter letters[LETTERS];
byte n_letters;

byte best[N];      /* ring that host has; EVIL never */
byte newest = 1;   /* ring that was made last */
byte seq[2];       /* of members' PRESENCE */
byte invite[2];    /* of members */
byte seen[2];      /* seq that host 2 has read of each */
byte answered[2];  /* nonces: a mask */
byte n_answers;
byte last_nonce;
byte forged; /* letters that the attacker made */
bit open[QUESTIONS + 1];        /* by nonce */
byte asked[QUESTIONS + 1];      /* who */
byte asked_at[QUESTIONS + 1];   /* newest ring, as it asked */
bit asker_key[QUESTIONS + 1];   /* ephemeral keys that are still in memory */
bit answer_key[LETTERS + 1];

/* What is given, to whom, under which header. */
byte i, to, from, nonce;
bit is_sound;

inline keep(t, s, f, d, n, a)
{
    letters[n_letters].type = t;
    letters[n_letters].secret = s;
    letters[n_letters].from = f;
    letters[n_letters].to = d;
    letters[n_letters].nonce = n;
    letters[n_letters].about = a;
    n_letters++
}

inline clear()
{
    i = 0;
    to = 0;
    from = 0;
    nonce = 0;
    is_sound = 0
}

/* A header that was changed does not authenticate. */
inline authenticate()
{
    is_sound = letters[i].secret == OURS && letters[i].from == from && letters[i].nonce == nonce &&
               (letters[i].to == to || letters[i].type == PRESENCE);
#ifdef MUTANT_NO_AUTHENTICATION
    is_sound = 1;
#endif
#ifdef MUTANT_HEADER_NOT_BOUND
    is_sound = letters[i].secret == OURS && letters[i].nonce == nonce;
#endif
}

inline read_presence()
{
    if
    :: to == 2 && from < 2 && is_sound ->
#ifndef MUTANT_OLD_PRESENCE
        if
        :: letters[i].about > seen[from] ->
#endif
            assert(letters[i].about >= seen[from]);
            assert(letters[i].secret == OURS && letters[i].from == from);
            seen[from] = letters[i].about
#ifndef MUTANT_OLD_PRESENCE
        :: else
        fi
#endif
    :: else
    fi
}

inline read_pull()
{
    if
    :: to < 2 && from == 2 && is_sound && n_letters < LETTERS &&
       letters[i].about == invite[to] && !((answered[to] >> nonce) & 1) ->
        n_answers++;
        letters[n_letters].answer = n_answers;
        keep(RINGS, OURS, to, from, nonce, best[to]);
        answered[to] = answered[to] | (1 << nonce);
#ifdef MUTANT_KEYS_STAY
        answer_key[n_answers] = 1
#endif
    :: else
    fi
}

/* Only an answer to a question that is open, by who was asked. */
inline read_rings()
{
    if
    :: to == 2 && is_sound && nonce > 0 && nonce <= QUESTIONS &&
#ifdef MUTANT_ANY_ANSWER
       true ->
#else
       open[nonce] && asked[nonce] == from ->
#endif
        assert(letters[i].secret == OURS);          /* nothing from outside */
        assert(letters[i].about != EVIL);
        assert(letters[i].from == asked[nonce]);    /* by nobody else */
        assert(open[nonce]);                        /* once, and while it is waited for */
        assert(letters[i].about >= asked_at[nonce]); /* not older than the question */
        best[2] = letters[i].about;
        open[nonce] = 0;
#ifndef MUTANT_KEYS_STAY
        asker_key[nonce] = 0
#endif
    :: else
    fi
}

/* A theft now: what was recorded opens by an ephemeral key that is still there, which may only be
 * that of an open question. */
inline steal()
{
    i = 0;
    do
    :: i < n_letters ->
        assert(letters[i].type != RINGS || letters[i].secret != OURS || open[letters[i].nonce] ||
               (!asker_key[letters[i].nonce] && !answer_key[letters[i].answer]));
        i++
    :: else -> break
    od;
    assert(best[2] != EVIL)
}

inline give()
{
    authenticate();
    if
    :: letters[i].type == PRESENCE -> read_presence()
    :: letters[i].type == PULL -> read_pull()
    :: letters[i].type == RINGS -> read_rings()
    fi
}

active proctype world()
{
    d_step {
        best[0] = 1;
        best[1] = 1;
        best[2] = NONE;
        invite[0] = 1;
        invite[1] = 1
    };
    do
    /* Members say that they are there; now and then with another invite; and re-seed. */
    :: atomic {
           n_letters < LETTERS && PRESENCES ->
           if
           :: seq[0] < 2 -> from = 0
           :: seq[1] < 2 -> from = 1
           fi;
           seq[from]++;
           keep(PRESENCE, OURS, from, NONE, 0, seq[from]);
           clear()
       }
    :: atomic {
           invite[0] < 2 -> invite[0]++
       }
    :: atomic { newest < 2 && !PRESENCES -> newest++; best[0] = newest; best[1] = newest }
    /* Host 2 asks, and gives up. */
    :: atomic {
           !PRESENCES && last_nonce < QUESTIONS && n_letters < LETTERS ->
           if
           :: to = 0
           :: to = 1
           fi;
           last_nonce++;
           open[last_nonce] = 1;
           asked[last_nonce] = to;
           asked_at[last_nonce] = newest;
           asker_key[last_nonce] = 1;
           keep(PULL, OURS, 2, to, last_nonce, invite[to]);
           clear()
       }
    :: atomic {
           if
           :: open[1] -> nonce = 1
           :: open[2] -> nonce = 2
           fi;
           open[nonce] = 0;
#ifndef MUTANT_KEYS_STAY
           asker_key[nonce] = 0;
#endif
           steal();
           clear()
       }
    /* The attacker: its own letters, without the secret. */
    :: atomic {
           n_letters < LETTERS && forged < 1 ->
           forged++;
           if
           :: nonce = 1
           :: nonce = 2
           fi;
           if
           :: from = 0
           :: from = 1
           fi;
           if
           :: !PRESENCES -> keep(RINGS, 0, from, 2, nonce, EVIL)
           :: !PRESENCES -> keep(PULL, 0, 2, from, nonce, 1)
           :: PRESENCES -> keep(PRESENCE, 0, from, NONE, 0, 9); nonce = 0
           fi;
           clear()
       }
    /* Any letter, to anybody, under any header. */
    :: atomic {
           n_letters > 0 ->
           select(i : 0 .. n_letters - 1);
           select(to : 0 .. N - 1);
           select(from : 0 .. N - 1);
           select(nonce : 0 .. QUESTIONS);
           give();
           steal();
           clear()
       }
    od
}
