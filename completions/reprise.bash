# bash completion for reprise

_reprise_list()
{
    # Completes the last item of a list with commas.
    local done=${cur%"${cur##*,}"} item=${cur##*,}
    mapfile -t COMPREPLY < <(compgen -P "$done" -W "$1" -- "$item")
    compopt -o nospace
}

_reprise_value()
{
    local mechanisms="id12 ticket12 ticket13 early id11 ticket11 id10 ticket10"
    case $prev in
    --mechanisms) _reprise_list "$mechanisms" ;;
    --expect) _reprise_list "$(printf '%s=all ' $mechanisms) key=" ;;
    --versions) _reprise_list "1.0 1.1 1.2 1.3" ;;
    --mode) _reprise_list "full12 full13 id ticket psk" ;;
    --checks)
        _reprise_list "names client-certificate tickets ticketbleed psk-modes binders hash versions
            ems alpn renegotiation third-party identities early-data ticket-fields chain lifetime keys
            certificates"
        ;;
    --starttls) mapfile -t COMPREPLY < <(compgen -W "smtp" -- "$cur") ;;
    --format | --from | --to)
        mapfile -t COMPREPLY < <(compgen -W "nginx haproxy apache trafficserver lighttpd h2o nghttpx
            dnsdist dnsdist-gnutls" -- "$cur")
        ;;
    --method) mapfile -t COMPREPLY < <(compgen -W "HEAD GET OPTIONS" -- "$cur") ;;
    --cafile | --client-cert | --client-key | --html | --key | --check | --config | -c | \
        --output | -o)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    --sni | -s | --other-sni | --servername | --host)
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
        ;;
    --at | --tries | --aged | --reconnect | --path | --ciphers | --groups | --alpn | --timeout | \
        --patience | --wait | --concurrency | --per-address | --connections | --time | --count | \
        --header | --admin | --store | --fleet | --keys | --rotate | --accept)
        ;;
    *) return 1 ;;
    esac
}

_reprise()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "probe load ticket key fleet help --help --version" -- "$cur")
        return
    fi
    _reprise_value && return
    case ${COMP_WORDS[1]} in
    probe)
        words="--at --ipv4 --ipv6 --sni --no-sni --mechanisms --versions --tries --aged --reconnect
            --expect --audit --checks --other-sni --handshake-only --http --method --path --host
            --starttls --cafile --client-cert --client-key --ciphers --groups --alpn --timeout
            --patience --wait --concurrency --per-address --json --html --quiet --verbose --help"
        ;;
    load)
        words="--mode --connections --time --count --at --servername --fresh --no-request --path
            --header --cafile --timeout --json --quiet --help"
        ;;
    ticket)
        words="--key --secrets --json --help"
        if [ "$COMP_CWORD" -eq 2 ]; then
            words="decode open audit --help"
        fi
        ;;
    key)
        words="--format --from --to --short --keys --rotate --accept --output --force --secrets
            --json --check --help"
        if [ "$COMP_CWORD" -eq 2 ]; then
            words="new show check convert fleet-secret --help"
        fi
        ;;
    fleet)
        words="--admin --json --config --store --fleet --now --force --help"
        if [ "$COMP_CWORD" -eq 2 ]; then
            words="status forget rekey --help"
        fi
        ;;
    help) words="probe load ticket key fleet" ;;
    *) return ;;
    esac
    if [[ ${COMP_WORDS[1]} =~ ^(ticket|key)$ ]] && [ "$COMP_CWORD" -gt 2 ] && [[ $cur != -* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ $cur == -* ]] || [[ ${COMP_WORDS[1]} =~ ^(help|ticket|key|fleet)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
    fi
}

complete -F _reprise reprise
