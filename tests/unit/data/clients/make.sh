#!/bin/sh
# Makes these files anew, with keys that are thrown away: make.sh, in this folder. The hash in
# test_client_policy.c is then another.
set -e
keys=$(mktemp -d)
trap 'rm -r "$keys"' EXIT

authority() { # FILE KEY NAME
    [ -e "$keys/$2" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$keys/$2"
    openssl req -x509 -new -key "$keys/$2" -subj "$3" -days 36500 -out "$1.pem"
}

list() { # FILE CA KEY DAYS
    : > "$keys/index"
    printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\ndefault_md=sha256\n' "$keys" > "$keys/conf"
    openssl ca -config "$keys/conf" -gencrl -cert "$2.pem" -keyfile "$keys/$3" -out "$1.crl" \
        -crl_lastupdate 20250101000000Z -crl_nextupdate "$4"
}

authority ca ca "/CN=Client CA"
authority ca-renewed ca "/CN=Client CA"
authority ca-rekeyed rekeyed "/CN=Client CA"
authority other other "/CN=Other CA/O=Shop"
list ca ca ca 21250101000000Z
list other other other 21250101000000Z
list late ca ca 20250102000000Z
openssl ecparam -name prime256v1 -genkey -noout -out server.key
openssl req -new -key server.key -subj "/CN=a.example" -out "$keys/server.csr"
openssl x509 -req -in "$keys/server.csr" -CA ca.pem -CAkey "$keys/ca" -days 36500 -out server.pem \
    -set_serial 4711
printf 'V\t21250101000000Z\t\t1267\tunknown\t/CN=a.example\n' > "$keys/index"
openssl ocsp -index "$keys/index" -rsigner ca.pem -rkey "$keys/ca" -CA ca.pem -issuer ca.pem \
    -serial 4711 -ndays 36500 -respout server.ocsp -noverify > /dev/null
