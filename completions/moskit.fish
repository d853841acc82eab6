# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_moskit_global_optspecs
    string join \n h/help V/version
end

function __fish_moskit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_moskit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_moskit_using_subcommand
    set -l cmd (__fish_moskit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c moskit -n "__fish_moskit_needs_command" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_needs_command" -s V -l version -d 'Print version'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "pub" -d 'Publish messages'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "sub" -d 'Subscribe and print messages'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "rr" -d 'Publish a request and print the response'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "passwd" -d 'Manage the users of a password file'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "certgen" -d 'Make and check certificates and keys'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "check" -d 'Find out why a connection, a certificate, a configuration or a session does not work'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "qshape" -d 'Show who has messages waiting, and since when'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "broker" -d 'Run a broker, for tests and trials'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "demo" -d 'Show the whole story: certificates, passwords, a broker, messages, a queue, a diagnosis'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "links" -d 'Make the mosquitto_* names as links to moskit'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "man" -d 'Print a man page'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]; -D, -x and --auth-method switch to mqttv5' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s W -d 'Exit after SECONDS, with exit code 27, whatever is not acknowledged by then' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l retry -d 'Try again up to N times in a row, after WAIT seconds [default: 1], what another attempt can mend: a broker that is not reached, that is busy, that is lost before it has acknowledged or that does not answer; a refused login is not tried again' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l reconnect-max -d 'Exit when N attempts in a row to connect again have failed (pub: with -l, --ndjson or --replay) [default: try on]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l reconnect-wait -d 'Pause before connecting again: MIN seconds, then longer each time up to MAX, by chance; MIN alone is always MIN [default: 1,30; under the mosquitto_* names 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l reauth -d 'With --auth-method: log in again every SECONDS, 0.1 to 86400, on the connection that there is, as a broker may want it whose logins end' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s t -l topic -d 'Topic to publish to' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s m -l message -d 'Payload' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s f -l file -d 'Payload from a regular file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l replay -d 'Publish the records of FILE (- for standard input, zstd or not) as they were received, with their pauses; may be given several times' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l speed -d 'With --replay: so many times as fast, 2x or 0.5x, or max for no pauses [default: 1x]' -r -f -a "max\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l from -d 'With --replay: begin with the records of TIME, RFC 3339 or so long after the first record (90s, 5m, 2h)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l to -d 'With --replay: end with the records of TIME' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l loop -d 'With --replay: play COUNT times, 0 for without end [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l filter -d 'With --replay or --ndjson: only records whose topic matches; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l map -d 'With --replay or --ndjson: topics that begin with A begin with B instead; the first of several that fits' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l unsent -d 'Keep in FILE, as records, what was not acknowledged when pub ends, and the rest of the input; pub --ndjson publishes them, see moskit-record(5)' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l payload-format -d 'How the payload of -m, -f, -s or -l is written: text, hex, base64 or json, which is checked and sent as it is [default: text]' -r -f -a "text\t''
hex\t''
base64\t''
json\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l encode -d 'Bring the payload of -m, -f, -s or -l, which is JSON, into this format: cbor, msgpack, protobuf:TYPE, sparkplug or json on one line; or hex, digits to bytes' -r -f -a "json\t''
cbor\t''
msgpack\t''
protobuf:\t''
sparkplug\t''
hex\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l proto -d 'With protobuf: the descriptor set that has the message types, as protoc --descriptor_set_out makes it; in a build with the feature proto also a .proto file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l proto-path -d 'With a .proto file: look for imports in DIR, too, and not only beside the file; may be given several times' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l repeat -d 'Publish COUNT times, without effect with -l [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l repeat-delay -d 'Time between repetitions; fractions are allowed [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l no-reconnect -d 'Exit when the connection is lost (pub: with -l, --ndjson or --replay)'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s s -l stdin-file -d 'Payload from all of standard input'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s l -l stdin-line -d 'One message for each line of standard input'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ndjson -d 'One message for each record on standard input, see moskit-record(5); -t, -q, -r and -D publish stand in for fields that a record lacks'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l lenient -d 'With --ndjson or --replay: ignore fields that a record does not have'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l skip-bad -d 'With --ndjson or --replay: pass over lines that are no record, or that the broker does not take, and count them, instead of ending there'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l topic-per-line -d 'With -l: each line is a topic, a tab and the payload'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s n -l null-message -d 'Empty payload'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s r -l retain -d 'Ask the broker to retain the message'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l quiet -d 'Print no errors at run time'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-retain -d 'Retain the will'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]; -D, -x and --auth-method switch to mqttv5' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l reconnect-max -d 'Exit when N attempts in a row to connect again have failed (pub: with -l, --ndjson or --replay) [default: try on]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l reconnect-wait -d 'Pause before connecting again: MIN seconds, then longer each time up to MAX, by chance; MIN alone is always MIN [default: 1,30; under the mosquitto_* names 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l reauth -d 'With --auth-method: log in again every SECONDS, 0.1 to 86400, on the connection that there is, as a broker may want it whose logins end' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s t -l topic -d 'Topic filter to subscribe to; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l proto -d 'With protobuf: the descriptor set that has the message types, as protoc --descriptor_set_out makes it; in a build with the feature proto also a .proto file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l proto-path -d 'With a .proto file: look for imports in DIR, too, and not only beside the file; may be given several times' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s C -d 'Exit after COUNT messages' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s W -d 'Exit after SECONDS, with exit code 27' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s T -l filter-out -d 'Do not print messages whose topic matches; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s U -l unsubscribe -d 'Unsubscribe from a topic filter; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retain-handling -d 'When retained messages are sent: always, new or never (MQTT 5)' -r -f -a "always\t''
new\t''
never\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l match -d 'Only messages whose payload is JSON, or decoded, and matches: a path of RFC 9535 that finds something, or a comparison such as \'$.state == "on"\'; with -C 1 -W SECONDS, wait for one' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l random-filter -d 'Print only this share of the messages, 0.1 to 100' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s F -d 'Output format; see the man page' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l record -d 'Keep each message as a record in FILE, a new one, instead of printing it; compressed if the name ends in .zst' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l rotate -d 'With --record: begin a new file, with a number in its name, after SIZE (10MB, 1GiB) or TIME (30m, 1h, 1d)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l exec -d 'Run COMMAND, which is all that follows, for each message, with the payload on its standard input and MQTT_TOPIC, MQTT_QOS, MQTT_RETAIN and MQTT_PROPERTIES in its environment; a message is acknowledged after its command' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l exec-shell -d 'As --exec, with a line that /bin/sh runs' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l jobs -d 'With --exec: run so many commands at once, 1 to 1024, those of one topic one after the other [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l exec-fail -d 'With --exec, when a command fails: stop ends, and the message is not acknowledged; go counts it and goes on [default: stop]' -r -f -a "stop\t''
go\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l exec-timeout -d 'With --exec: end a command that takes longer, which counts as failed' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l decode -d 'Print payloads of KIND as JSON, where the topic matches FILTER: json, cbor, msgpack, protobuf:TYPE, sparkplug, or hex as digits; may be given several times, the first that matches holds' -r -f -a "json\t''
cbor\t''
msgpack\t''
protobuf:\t''
sparkplug\t''
hex\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l select -d 'Print what PATH finds in a payload that is JSON, or decoded, in its place, each value on a line, texts without quotes; JSONPath, RFC 9535, without match() and search()' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l no-reconnect -d 'Exit when the connection is lost (pub: with -l, --ndjson or --replay)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s E -d 'Exit once the broker has acknowledged the subscriptions'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s R -d 'Do not print retained messages'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retained-only -d 'Only retained messages, at QoS 0: exit when the broker has no more'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l remove-retained -d 'Remove each retained message from the broker when it has been received; with --retained-only, exit when all are removed'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retain-as-published -d 'Keep the publisher\'s retain flag on live messages (MQTT 5)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ndjson -d 'Print each message as a record, one line of JSON; see moskit-record(5)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l raw -d 'Print control characters as they are on a terminal too, where they are escaped otherwise'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s v -l verbose -d 'Print the topic in front of the payload'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s N -d 'No newline after each message'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pretty -d 'Indent the JSON of %j, %J and --decode'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l message-rate -d 'Print the number of messages of each second instead of the messages'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s w -l watch -d 'Keep one line of the screen for each topic'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l quiet -d 'Print no errors at run time'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-retain -d 'Retain the will'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 5]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l reauth -d 'With --auth-method: log in again every SECONDS, 0.1 to 86400, on the connection that there is, as a broker may want it whose logins end' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s t -l topic -d 'Topic to publish to' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s e -d 'Topic on which the response is awaited' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s m -l message -d 'Payload' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s f -l file -d 'Payload from a regular file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s W -d 'Exit after SECONDS, with exit code 27' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l retain-handling -d 'When retained messages are sent: always, new or never (MQTT 5)' -r -f -a "always\t''
new\t''
never\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s F -d 'Output format; see the man page' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s s -l stdin-file -d 'Payload from all of standard input'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s n -l null-message -d 'Empty payload'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s R -d 'Do not print retained messages'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l retain-as-published -d 'Keep the publisher\'s retain flag on live messages (MQTT 5)'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s v -l verbose -d 'Print the topic in front of the payload'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s N -d 'No newline after each message'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l pretty -d 'Indent the JSON of %j and %J'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l latency -d 'Print the time between request and response; implies --nodelay'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l quiet -d 'Print no errors at run time'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l will-retain -d 'Retain the will'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand rr" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l import -d 'Add or update every user of a CSV file with the columns user,password (RFC 4180, UTF-8, at most 1 GiB); all or none' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l verify -d 'Check a password: exit code 0 right, 4 wrong, 5 no such user' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l pw-file -d 'From the first line of FILE, at most 65535 bytes' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l pw-env -d 'From the environment variable NAME' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l generate -d 'Make one of LENGTH letters and digits (8 to 1024) [default: 24] and print it once' -r
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s H -l hash -d 'sha512-pbkdf2, sha512 or argon2id, which only a Mosquitto 2.1 that was built with it reads [default: sha512-pbkdf2]' -r -f -a "sha512-pbkdf2\t''
sha512\t''
argon2id\t''"
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s I -l iterations -d 'Iterations of sha512-pbkdf2, 1 to 2147483647 [default: 1000], or of SCRAM, 4096 to 2000000 [default: 15000]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l mechanism -d 'With --scram: make keys for SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1; may be given several times [default: SCRAM-SHA-256 and SCRAM-SHA-512]' -r -f -a "SCRAM-SHA-1\t''
SCRAM-SHA-256\t''
SCRAM-SHA-512\t''"
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-memory -d 'Memory of argon2id in KiB, 8 for each lane to 2097152 [default: 47104]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-passes -d 'Passes of argon2id [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-lanes -d 'Lanes of argon2id [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l salt-bytes -d 'Bytes of a new salt: 12, which every Mosquitto reads, or 64, as 2.1 makes [default: 12]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l reload -d 'Afterwards read the file back and send SIGHUP to the broker with this process id, or the one in this pid file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s c -l create -d 'Create FILE with this user; `-` prints the line instead'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l overwrite -d 'With -c: replace a file that exists'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s D -l delete -d 'Remove the user'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s U -l update -d 'Hash every plain-text password in FILE; hashes stay as they are'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l rehash -d 'With -U: take hashes for passwords too, as mosquitto_passwd does'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l list -d 'List the users and how their passwords are hashed'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l weak -d 'List the users whose hash is weaker than today\'s default; exit code 1 if there are any'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l json -d 'With --list or --weak: as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l scram -d 'FILE is one for logins by SCRAM, the broker\'s scram_file: instead of a hash it holds keys, with which nobody can log in'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s b -l batch -d 'From the last word of the command line, where other users of the machine can see it'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l stdin -d 'From the first line of standard input, at most 65535 bytes'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "init" -d 'Make a CA, a server, clients and a mosquitto.conf in one go, or with --broker a folder that a broker starts on'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "ca" -d 'Make a certificate authority, or with --parent an intermediate one'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "server" -d 'Make a key and a certificate for a broker'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "client" -d 'Make keys and certificates for clients'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "batch" -d 'Make keys and certificates for thousands of devices, or sign their requests'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "csr" -d 'Make a key and a request for a certificate'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "sign" -d 'Sign a request'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "inspect" -d 'Show what a file or a server holds, whatever it is'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "verify" -d 'Judge a certificate as each family of TLS clients does: chain, host, purpose, key, revocation'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "lint" -d 'Find what is wrong, weak or soon over in files of certificates and keys'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "expiry" -d 'Tell how long certificates are still good; the exit codes suit monitoring'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "renew" -d 'Renew a certificate that expires soon, for cron'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "revoke" -d 'Revoke certificates'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "crl" -d 'Make the revocation list of a CA, which brokers obey'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "index" -d 'Show what a CA has issued and revoked'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "export" -d 'Write certificate and key in the form that a device, a phone or a cluster wants'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "import" -d 'Go on with a CA of easy-rsa or of openssl ca'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "trust" -d 'Let the programs of this machine trust a CA, or no longer'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "key" -d 'Open, encrypt, convert and compare keys'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and not __fish_seen_subcommand_from init ca server client batch csr sign inspect verify lint expiry renew revoke crl index export import trust key broken" -f -a "broken" -d 'Make a set of files that shows one failure, for tests'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l ca-name -d 'Name of the CA [default: the folder\'s]; its common name is NAME with " MQTT CA", if CA is no word of it, and four random hex digits' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l hosts -d 'Names and addresses of the broker [default: this machine\'s name, the same with .local, localhost, 127.0.0.1, ::1]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l clients -d 'Ids of clients that get a certificate; with any, the broker will ask every client for one' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l login -d 'Users who log in with a password, which is generated [default: mqtt, where there are no --clients]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l passwords -d 'Where the generated passwords go: shown once, or into logins.txt in DIR with mode 0600 [default: show on a terminal, file elsewhere]' -r -f -a "show\t'On standard output'
file\t'In DIR/logins.txt'"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l acl -d 'Who may use which topics [default: standard]' -r -f -a "standard\t'Each user reads and writes the topics below its own name, USER/#, and no others'
none\t'Whoever is logged in reads and writes all topics'"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l ca-days -d 'Days until the CA expires' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l port -d 'Port of the listener in mosquitto.conf, or the first of several' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l key-pass-file -d 'Read the passphrase of what is written from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l key-pass-env -d 'Read the passphrase of what is written from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l key-pass-fd -d 'Read the passphrase of what is written from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l days -d 'Days until the certificate expires [default: 397 for the server, 825 for a client]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l broker -d 'Make a folder that a broker starts on: besides the certificates a password file, an ACL file and a mosquitto.conf that uses them. Clients with certificates connect to PORT, users with passwords to the port after it, or to PORT where there are no --clients'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l persistence -d 'Let the broker keep sessions and retained messages over a restart, in the folder data in DIR'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l websockets -d 'Add a listener for WebSockets (wss://), for users with passwords, on the port after the others'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l ip-as-dns -d 'Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l encrypt -d 'Encrypt the key of the CA with a passphrase, which is asked for unless one of the --pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -l encrypt-clients -d 'Encrypt the keys of the clients with one passphrase, which is asked for unless one of the --key-pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -s f -l force -d 'Use a folder that has files in it, and replace those of the same names'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l path-len -d 'How many CAs may stand between this one and a server or client' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l name-constraint -d 'Let the CA sign only for these domains (.lan), networks (192.168.0.0/16) and mail domains (@example.com); may be repeated' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l parent -d 'Make an intermediate CA, signed by the CA whose certificate is FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l parent-key -d 'Private key of the parent [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l parent-pass-file -d 'Read the passphrase of the parent\'s key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l parent-pass-env -d 'Read the passphrase of the parent\'s key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l parent-pass-fd -d 'Read the passphrase of the parent\'s key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l stem -d 'Name of the files without their endings [default: ca; for an intermediate CA, NAME in small letters with - for spaces]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -s o -l out -d 'Folder for the new files' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l days -d 'Days until the certificate expires [default: 3650, with --parent 1825]. A default ends with the parent\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l exact-name -d 'Take NAME as the common name, with nothing added'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -l encrypt -d 'Encrypt the new key with a passphrase, which is asked for unless one of the --pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from ca" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l cn -d 'Common name instead of the first host' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l stem -d 'Name of the files without their endings [default: the first host, with _wildcard for a *]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l san -d 'More names, of any kind: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -s o -l out -d 'Folder for the new files [default: where the CA is]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l days -d 'Days until the certificate expires [default: 397]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l ip-as-dns -d 'Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l auto-san -d 'Add this machine\'s name, NAME.local, localhost, 127.0.0.1 and ::1'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l both -d 'For servers that are clients too, and the other way round (bridges)'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l bundle -d 'Write the chain too (STEM-chain.crt), as is always done below an intermediate CA'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -l no-index -d 'Do not note the certificate in the CA\'s index, which then cannot find it by its name to revoke it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from server" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l key-pass-file -d 'Read the passphrase of what is written from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l key-pass-env -d 'Read the passphrase of what is written from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l key-pass-fd -d 'Read the passphrase of what is written from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l san -d 'More names, of any kind: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -s o -l out -d 'Folder for the new files [default: where the CA is]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l days -d 'Days until the certificate expires [default: 825]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l encrypt -d 'Encrypt the new key with a passphrase (PKCS#8, PBES2, AES-256), which is asked for unless one of the --key-pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l both -d 'For servers that are clients too, and the other way round (bridges)'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l bundle -d 'Write the chain too (STEM-chain.crt), as is always done below an intermediate CA'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -l no-index -d 'Do not note the certificate in the CA\'s index, which then cannot find it by its name to revoke it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from client" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -s o -l out -d 'Folder for the new files, and for manifest.ndjson, which lists what is done. A run that was interrupted goes on from there when it is started again' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l layout -d 'How the files of the devices lie in it' -r -f -a "flat\t'ID.crt and ID.key beside those of the others'
folder\t'A folder for each: ID/ID.crt and ID/ID.key, and ID/ca.crt if the CA is a root'
archive\t'The same in an archive for each, ID.tar'"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l profile -d 'What the certificates are for. A server\'s id is its first host' -r -f -a "server\t''
client\t''
both\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -s j -l jobs -d 'Threads that make keys and certificates [default: one for each processor]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l key-pass-file -d 'Read the passphrase of what is written from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l key-pass-env -d 'Read the passphrase of what is written from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l key-pass-fd -d 'Read the passphrase of what is written from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l days -d 'Days until the certificate expires [default: 825, of a server 397]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l skip-bad -d 'Pass over rows that are wrong, name each, and end with 1. Without it nothing is made of a file or folder that has one; standard input is read up to it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l encrypt -d 'Encrypt the new key with a passphrase (PKCS#8, PBES2, AES-256), which is asked for unless one of the --key-pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -l no-index -d 'Do not note the certificate in the CA\'s index, which then cannot find it by its name to revoke it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from batch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l san -d 'More names: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l key -d 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones' -r -f -a "p256\t''
p384\t''
rsa2048\t''
rsa3072\t''
rsa4096\t''
ed25519\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l use-key -d 'Use the private key in FILE instead of a new one' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l org -d 'Organization (O) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l org-unit -d 'Organizational unit (OU) in the subject' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l stem -d 'Name of the files without their endings [default: NAME]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -s o -l out -d 'Folder for the new files' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -l encrypt -d 'Encrypt the new key with a passphrase, which is asked for unless one of the --pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from csr" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l profile -d 'What the certificate is for; the request does not decide that' -r -f -a "server\t''
client\t''
both\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l san -d 'Names beside those in the request; may be repeated' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -s o -l out -d 'Folder for the new files [default: where the CA is]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l days -d 'Days until the certificate expires [default: 825, of a server 397]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -l no-index -d 'Do not note the certificate in the CA\'s index, which then cannot find it by its name to revoke it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from inspect" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from inspect" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from inspect" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from inspect" -l json -d 'One JSON object per target'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l ca -d 'The CAs that are trusted; one that lies in CERT itself is not, unless it is named here [default: ca.crt beside CERT]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l key -d 'The private key that should belong to CERT' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l host -d 'The host or address that clients connect to' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l purpose -d 'What the certificate is used for [default: what it says, else server]' -r -f -a "server\t''
client\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l crl -d 'Check against this revocation list (CRL)' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l stack -d 'Which TLS library decides the exit code [default: OpenSSL and rustls; the others are shown]' -r -f -a "openssl\t''
strict\t''
rustls\t''
mbedtls\t''
all\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l at -d 'Judge as of this moment instead of now: 2027-12-24 (its last second, UTC) or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -l json -d 'One JSON object per certificate'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -l within -d 'Warn if less than this is left' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -l json -d 'One JSON object per finding'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l warn -d 'Warn (exit 1) if less than this is left' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l crit -d 'Be critical (exit 2) if less than this is left' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l json -d 'One JSON object per certificate'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -l openmetrics -d 'Metrics in the text format of OpenMetrics, which Prometheus and the textfile collector of its node exporter read'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from expiry" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l within -d 'Renew only if less than this is left (90s, 90m, 24h, 30d, 2w); otherwise say so and leave everything as it is' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l key-pass-file -d 'Read the passphrase of what is written from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l key-pass-env -d 'Read the passphrase of what is written from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l key-pass-fd -d 'Read the passphrase of what is written from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l key -d 'The private key of CERT [default: as CERT, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l not-after -d 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l backdate -d 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the earliest when the certificate of its CA begins' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l exec -d 'Run this command with the shell after the renewal: systemctl reload mosquitto. If it fails, renew exits with 2' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l days -d 'Days until the certificate expires [default: as many as the old certificate had]. A default ends with the CA\'s own certificate at the latest' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: that of CERT]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l exit-code -d 'Exit with 1, not 0, if the certificate is not due'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l new-key -d 'Make a new key too, of the same type; it replaces the old one'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l encrypt -d 'Encrypt the new key with a passphrase (PKCS#8, PBES2, AES-256), which is asked for unless one of the --key-pass options gives it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l same-key -d 'Keep the key, as is done anyway'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -l no-index -d 'Do not note the certificate in the CA\'s index, which then cannot find it by its name to revoke it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from renew" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l reason -d 'Why, by the names of RFC 5280. What is revoked as certificateHold may be released again' -r -f -a "unspecified\t''
keyCompromise\t''
cACompromise\t''
affiliationChanged\t''
superseded\t''
cessationOfOperation\t''
certificateHold\t''
privilegeWithdrawn\t''"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l days -d 'Days until the list must be replaced (nextUpdate) [default: 30]. From then on a broker refuses every client' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -s o -l out -d 'Where the list is written [default: as the CA\'s certificate, with .crl]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l release -d 'Let certificates that are on hold (certificateHold) be good again'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l unlisted -d 'Revoke a serial number also when the index does not know it'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -l crl -d 'Write the revocation list too, as certgen crl does'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -s f -l force -d 'Replace the file also when it is no list of this CA'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l days -d 'Days until the list must be replaced (nextUpdate) [default: 30]. From then on a broker refuses every client' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -s o -l out -d 'Where the list is written [default: as the CA\'s certificate, with .crl]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l within -d 'Make a list only if less than this is left of the old one, or if it does not name all that are revoked; for cron' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l warn -d 'Make no list, but look at the one there is: end with 1 if less than this is left of it, and with 2 if it is over, is not valid yet, is not there or does not name all that are revoked' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -s d -l dir -d 'Folder of the CA (ca.crt and ca.key) [default: .]' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l ca-key -d 'Private key of the CA [default: as its certificate, with .key]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -s f -l force -d 'Replace the file also when it is no list of this CA'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from crl" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from index" -l rebuild -d 'Make the index anew: from what can be read of the old one, from the certificates and lists in the CA\'s folder and below, and from those in these files and folders' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from index" -s d -l dir -d 'Folder of the CA' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from index" -l ca -d 'Certificate of the CA [default: DIR/ca.crt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from index" -l json -d 'One JSON object per certificate'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from index" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l to -d 'The form to write' -r -f -a "p12\t'STEM.p12: a PKCS#12 store under a passphrase, for Java, Windows, browsers and phones'
pem\t'STEM.pem: key, certificate, chain and CA one behind the other'
der\t'STEM.der, STEM-ca.der and STEM-key.der (PKCS#8)'
c-header\t'STEM.h: DER as arrays of C'
arduino\t'STEM.h: PEM as texts of C++ in flash, for Arduino and PlatformIO'
esp-idf\t'STEM-esp-idf: a component with PEM embedded and a header, and nvs.csv for nvs_partition_gen.py'
micropython\t'STEM.py: DER as bytes of a module for MicroPython'
base64\t'STEM.env: PEM in base64, a variable each'
k8s\t'STEM.yaml: a Secret of Kubernetes'
docker\t'STEM-docker: files and a compose.yaml that makes secrets of them'
mobileconfig\t'STEM.mobileconfig: a profile for iOS and macOS'"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l key -d 'The private key of CERT [default: as CERT, with .key, if that is there]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l ca -d 'The CA that the other side\'s certificate is checked with [default: ca.crt beside CERT, if that is its CA]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l stem -d 'Name of the files and of what is in them [default: that of CERT, without its ending]' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -s o -l out -d 'Folder for the new files; - for standard output, where the form is one file' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l key-pass-file -d 'Read the passphrase of what is written from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l key-pass-env -d 'Read the passphrase of what is written from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l key-pass-fd -d 'Read the passphrase of what is written from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l pass-file -d 'Read the passphrase of the key from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l pass-env -d 'Read the passphrase of the key from the environment variable VAR' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l pass-fd -d 'Read the passphrase of the key from the open file descriptor N' -r
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l no-key -d 'Leave the private key out'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l legacy -d 'Encrypt the store with 3DES and SHA-1, for Windows before 10, Android before 14 and Java before 8u301 (p12)'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -l encrypt -d 'Encrypt the key with a passphrase (pem, der)'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from import" -s o -l out -d 'Folder for the CA\'s new files; made here, and only its owner may look into it' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from import" -l ca -d 'Certificate of the old CA [default: ca.crt or cacert.pem in SOURCE]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from import" -l ca-key -d 'Private key of the old CA, which is copied as it is [default: private/ca.key or private/cakey.pem in SOURCE]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from trust" -f -a "install" -d 'Add the CA to the trust stores'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from trust" -f -a "remove" -d 'Take the CA out of the trust stores again'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -f -a "decrypt" -d 'Open an encrypted key, for a service that nobody can type a passphrase for'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -f -a "encrypt" -d 'Encrypt a key with a passphrase (PKCS#8, PBES2, AES-256)'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -f -a "convert" -d 'Write a key in another form, with --encrypt under a passphrase, which may be a new one'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -f -a "match" -d 'Tell whether certificates, requests and keys belong together'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from key" -f -a "pin" -d 'Print the SHA-256 of public keys, as curl and others pin them'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from broken" -l list -d 'List the kinds'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from broken" -s f -l force -d 'Replace files that exist'
complete -c moskit -n "__fish_moskit_using_subcommand certgen; and __fish_seen_subcommand_from broken" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l token-audience -d 'Audience that the token has to be for (aud)' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l preset -d 'What this service wants, and what of it is missing in the options; without a broker they alone are judged' -r -f -a "aws\t''
azure\t''
hivemq\t''
emqx\t''
rabbitmq\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l timeout -d 'Longest time for each step, 0.1 to 3600 [default: 5]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l config -d 'Check this mosquitto.conf and the files it names' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l root -d 'Folder that is the root of the configuration\'s paths, as an unpacked container' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l map -d 'Folder DIR stands for FROM in the configuration\'s paths, as a container\'s volume; repeatable' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l user -d 'User that the broker of --config runs as: a name or UID[:GID] [default: the configuration\'s, or mosquitto]' -r -f -a "(__fish_complete_users)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s h -l host -d 'Broker to connect to [default: localhost]' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s V -l protocol-version -d 'Version that must be accepted: mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: any]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s t -l topic -d 'Topic below which a message is published and received, to see whether both are allowed' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l warn -d 'With --monitor: bounds of a warning: days left of the certificate (30d, 2w), round-trip time (200ms, 1.5s), or both (30d,200ms) [default: 30d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l crit -d 'With --monitor: bounds of critical, as for --warn, and not crossed before them [default: 7d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l second-opinion -d 'Repeat CONNECT, SUBSCRIBE and PUBLISH with another MQTT client (rumqttc) and compare'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l as-client -d 'Connect with the id of -i too: this disconnects a client that uses it, and may change its session'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l trust-anyway -d 'Send login and client certificate even if the server\'s certificate failed'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l token-anyway -d 'Send a token (JWT) that is the password even if it has expired or is otherwise of no use'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l offline -d 'With --preset: judge the options alone, and connect to nobody'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l json -d 'Print the report as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l monitor -d 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -a "files" -d 'Certificates, keys and revocation lists on disk'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -a "acl" -d 'What an ACL file decides, and by which line'
complete -c moskit -n "__fish_moskit_using_subcommand check; and not __fish_seen_subcommand_from files acl session" -a "session" -d 'Why a broker stores messages for a client, or does not'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l cafile -d 'CA certificates, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l capath -d 'Folder of CA certificates under hashed names' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l cert -d 'Certificate chain to check, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l key -d 'Private key of the certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l crl -d 'Revocation list, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l host -d 'Name that clients connect to' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l purpose -d 'What the certificate is for [default: what it says itself, else server]' -r -f -a "server\t''
client\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l config -d 'Check this mosquitto.conf and the files it names' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l root -d 'Folder that is the root of the configuration\'s paths, as an unpacked container' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l map -d 'Folder DIR stands for FROM in the configuration\'s paths, as a container\'s volume; repeatable' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l user -d 'User that must be able to read the files' -r -f -a "(__fish_complete_users)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l warn -d 'With --monitor: bounds of a warning: days left of the certificate (30d, 2w), round-trip time (200ms, 1.5s), or both (30d,200ms) [default: 30d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l crit -d 'With --monitor: bounds of critical, as for --warn, and not crossed before them [default: 7d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l json -d 'Print the report as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l monitor -d 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from files" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -s u -l user -d 'User name [default: an anonymous client]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -s i -l client -d 'Client id' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -s t -l topic -d 'Topic, without wildcards' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l access -d 'What the client wants' -r -f -a "publish\t''
receive\t''
both\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l warn -d 'With --monitor: bounds of a warning: days left of the certificate (30d, 2w), round-trip time (200ms, 1.5s), or both (30d,200ms) [default: 30d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l crit -d 'With --monitor: bounds of critical, as for --warn, and not crossed before them [default: 7d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l json -d 'Print the report as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l monitor -d 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from acl" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -s i -l id -d 'Client id' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l api-key-file -d 'For APIs: a file of USER:PASSWORD, or of one bearer token' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l timeout -d 'Seconds that a request, or a whole exchange over MQTT, may take' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l warn -d 'With --monitor: bounds of a warning: days left of the certificate (30d, 2w), round-trip time (200ms, 1.5s), or both (30d,200ms) [default: 30d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l crit -d 'With --monitor: bounds of critical, as for --warn, and not crossed before them [default: 7d]' -r
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l json -d 'Print the report as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l monitor -d 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it'
complete -c moskit -n "__fish_moskit_using_subcommand check; and __fish_seen_subcommand_from session" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l by -d 'What a row is' -r -f -a "client\t'The client a message waits for'
topic\t'Its topic'
filter\t'The client\'s filter that brought it'
publisher\t'The client that published it'
user\t'The user name of the client\'s session'
qos\t'The QoS it will be sent with'
client\,topic\t'The client and the topic'"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s m -d 'A parent needs N different names directly below it. 0 or less means the default' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l depth -d 'Parents of at most N levels' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l sep -d 'Characters that separate the levels of client ids' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l group -d 'Count rows of one name together: what the first group of this regular expression matches' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s b -d 'Number of age columns, at most 1000; the last has no end. 0 or less means the default' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s t -d 'Minutes of the first column. 0 or less means the default' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l client -d 'Only clients like GLOB (`*` any text, `?` any character)' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l topic -d 'Only topics that match FILTER' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l qos -d 'Only these QoS levels' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l state -d 'Only messages in this state' -r -f -a "all\t''
queued\t''
inflight\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l expired -d 'What to do with messages that have expired and will never be delivered' -r -f -a "show\t''
hide\t''
only\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l older -d 'Only messages at least this old (90s, 30m, 2h, 3d, 1w)' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s n -d 'Show N rows, TOTAL included; 0 for all [default: 20 on a terminal, else 0]' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l min -d 'Only rows of at least N' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s w -d 'Width of the table in columns [default: the terminal\'s, else 80]' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l svg -d 'Write the table as a picture; - for standard output, in place of the table' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l html -d 'Write the table as an HTML page that needs no other file; - for standard output, in place of the table' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l watch -d 'Read and show again every SECONDS (0.1 to 86400), in place on a terminal' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l fail-over -d 'End with 1 if more than N messages are older than AGE (90s, 30m, 2h, 3d, 1w)' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l pid -d 'The process to ask [default: the only mosquitto that runs]' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l at -d 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file\'s last change [default: now]' -r -f -a "now\t''
mtime\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l ledger -d 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l age-from -d 'Where a message\'s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)' -r -f -a "store\t''
expiry:\t''
payload:\t''
prop:\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l api-key-file -d 'For APIs: a file of USER:PASSWORD, or of one bearer token' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l timeout -d 'Seconds that a request, or a whole exchange over MQTT, may take' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s s -d 'Rows are publishers: --by publisher'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s p -d 'Also rows for parents: topics by their levels, clients up to a separator'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l suffix -d 'Parents are suffixes of labels joined by dots, as in Postfix'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s l -d 'Columns of equal width instead of doubling ones'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s F -d 'A column of messages in flight: sent and not acknowledged'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l bytes -d 'Count payload bytes instead of messages'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l incoming -d 'Count what clients published with QoS 2 and have not released, instead of what waits for them'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l json -d 'Print JSON'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l csv -d 'Print CSV'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l openmetrics -d 'Print OpenMetrics text'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s q -l quiet -d 'No footer and no warnings on standard error, but those of damage'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l refresh -d 'Ask the running mosquitto to write its file first (SIGUSR1), and wait for it; with --watch each time'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -a "list" -d 'Show one client\'s waiting messages'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -a "explain" -d 'Say in words what the shape of one client\'s queue means and what to do'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and not __fish_seen_subcommand_from list explain purge" -a "purge" -d 'Remove one client\'s session, and all that waits for it, over MQTT'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s n -d 'Show at most N messages; 0 for all' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l client -d 'Only clients like GLOB (`*` any text, `?` any character)' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l topic -d 'Only topics that match FILTER' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l qos -d 'Only these QoS levels' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l state -d 'Only messages in this state' -r -f -a "all\t''
queued\t''
inflight\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l expired -d 'What to do with messages that have expired and will never be delivered' -r -f -a "show\t''
hide\t''
only\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l older -d 'Only messages at least this old (90s, 30m, 2h, 3d, 1w)' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l at -d 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file\'s last change [default: now]' -r -f -a "now\t''
mtime\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l ledger -d 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l age-from -d 'Where a message\'s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)' -r -f -a "store\t''
expiry:\t''
payload:\t''
prop:\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l api-key-file -d 'For APIs: a file of USER:PASSWORD, or of one bearer token' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l timeout -d 'Seconds that a request, or a whole exchange over MQTT, may take' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l payload -d 'Show payloads too, as text with control characters escaped'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one message a line'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l incoming -d 'Count what clients published with QoS 2 and have not released, instead of what waits for them'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s q -l quiet -d 'No footer and no warnings on standard error, but those of damage'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l at -d 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file\'s last change [default: now]' -r -f -a "now\t''
mtime\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l ledger -d 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l age-from -d 'Where a message\'s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)' -r -f -a "store\t''
expiry:\t''
payload:\t''
prop:\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l api-key-file -d 'For APIs: a file of USER:PASSWORD, or of one bearer token' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l timeout -d 'Seconds that a request, or a whole exchange over MQTT, may take' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'No footer and no warnings on standard error, but those of damage'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s h -l host -d 'Broker to connect to [default: localhost]' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-token-url -d 'Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-client-id -d 'With --oauth-token-url: as whom the token is asked for' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-client-secret-file -d 'With --oauth-token-url: read the secret for it from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-client-auth -d 'With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]' -r -f -a "basic\t''
post\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-scope -d 'With --oauth-token-url: ask for this scope' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-audience -d 'With --oauth-token-url: ask for this audience, as Auth0 has it' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l oauth-cafile -d 'With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l api-key-file -d 'For APIs: a file of USER:PASSWORD, or of one bearer token' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l timeout -d 'Seconds that a request, or a whole exchange over MQTT, may take' -r
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l dry-run -d 'Only say what would be removed'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l yes -d 'Do not ask; needed when there is no terminal to ask on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l force -d 'Also if no source shows the client as disconnected: one that is online loses its connection'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'No footer and no warnings on standard error, but those of damage'
complete -c moskit -n "__fish_moskit_using_subcommand qshape; and __fish_seen_subcommand_from purge" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s c -l config-file -d 'Read this mosquitto.conf' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s p -l port -d 'Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times; without effect when the configuration has a listener' -r
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l tls-keylog -d 'Append the secrets of TLS sessions to this file of yours alone, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l store -d 'Keep the state in this SQLite file, which is created if it is not there' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l store-sync -d 'What an acknowledged message survives: `normal` the end of the process, `full` a power failure too [default: what plugin_opt_sync of the configuration says, else normal]' -r -f -a "normal\t''
full\t''"
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l import -d 'Fill the empty state with what this mosquitto.db holds (any version), and exit' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l export -d 'Write the state as a mosquitto.db, which Mosquitto 1.6 and later read, and exit. A file that exists is replaced' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l run -d 'Run this shell command beside the broker with MQTT_HOST and MQTT_PORT set, then stop, with its exit code. Without -c and -p the broker listens on a free port; without -c and -v it logs warnings and errors only' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l ready-file -d 'Write the URL of the first listener into this file when the broker accepts connections' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l fault -d 'Misbehave on purpose, to test clients; `help` lists how. May be repeated' -r -f -a "connack=\t''
delay=\t''
drop\t''
close\t''
truncate\t''
expired-cert\t''
wrong-host-cert\t''
help\t''"
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s d -l daemon -d 'Go to the background'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s q -l quiet -d 'Log nothing'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s v -l verbose -d 'Log everything, whatever the configuration says'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l test-config -d 'Read the configuration and the files it names, say whether the broker would start, and exit. `moskit check --config` finds more: what starts and does not do what was meant'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l tls -d 'Speak TLS, with certificates made for this run; MQTT_CAFILE and MQTT_URL tell the command'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l login -d 'Ask for a login that is made for this run; MQTT_USERNAME, MQTT_PASSWORD and MQTT_URL tell the command'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l print-url -d 'Print the URL of each listener on standard output when the broker accepts connections'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand broker" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand demo" -l keep -d 'Work in DIR and keep it; without it everything is removed at the end' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand demo" -l fast -d 'No pauses between the steps'
complete -c moskit -n "__fish_moskit_using_subcommand demo" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand demo" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand completions" -l out -d 'Write the scripts of all shells and names into DIR instead. DIR is made if it does not exist; files of the same names are replaced' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand completions" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand completions" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand links" -l remove -d 'Remove the links to this program instead; anything else stays'
complete -c moskit -n "__fish_moskit_using_subcommand links" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand links" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand man" -l out -d 'Write every page into DIR instead. DIR is made if it does not exist; files of the same names are replaced' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand man" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand man" -s h -l help -d 'Print help'
