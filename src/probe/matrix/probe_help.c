#include "probe_options.h"

const char *probe_options_help(void)
{
    return "usage: reprise probe [options] HOST[:PORT] [ADDRESS...]\n"
           "\n"
           "Does a session that one address of HOST issued resume at every other? Each is\n"
           "tried with each, for every mechanism; where not, why not. The port is 443.\n"
           "\n"
           "  --at ADDRESS[:PORT]  of HOST; may be repeated; default all (-4, -6: of these)\n"
           "  -s, --sni NAME       to ask for; default HOST; --no-sni: none\n"
           "  --mechanisms LIST    of id12, ticket12, ticket13 (the default), early, id11,\n"
           "                       ticket11, id10, ticket10; or --versions 1.2,1.3\n"
           "  --tries N            for each pair, default 3; --aged 1s,10s: so old, too\n"
           "  --reconnect N        print New or Reused for N reconnections; no matrix\n"
           "  --expect LIST        ticket12=all,id12=none (or self, some, any), key=HEX\n"
           "  --audit              look for weaknesses; --other-sni NAME: a site there;\n"
           "                       --checks names,binders: no others; --wait TIME: to age\n"
           "  --method M, --path P, --host H  of the request; default HEAD / of HOST; or\n"
           "                       --handshake-only: no request, --starttls smtp before TLS\n"
           "  --cafile FILE        trust these; --client-cert FILE, --client-key FILE: show\n"
           "  --ciphers LIST, --groups LIST, --alpn LIST  as OpenSSL has them; --alpn none\n"
           "  --timeout TIME       to connect, to shake hands: 5s; --patience TIME: for more\n"
           "  --concurrency N, --per-address N  connections at a time; default 64 and 4\n"
           "  --json, --html FILE  the result; -v, --verbose: more; --quiet: no progress\n"
           "\n"
           "Exit: 0 as expected, 1 no resumption, 2 usage, 3 unreachable, 4 a weakness.\n";
}
