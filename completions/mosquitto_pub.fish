set -l program (command -s mosquitto_pub)
if test -n "$program"; and string match -q '*/moskit' (realpath "$program")
complete -c mosquitto_pub -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c mosquitto_pub -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c mosquitto_pub -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c mosquitto_pub -l unix -d 'Connect to a unix domain socket' -r -F
complete -c mosquitto_pub -s A -d 'Local address to connect from' -r -f
complete -c mosquitto_pub -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c mosquitto_pub -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]; -D, -x and --auth-method switch to mqttv5' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c mosquitto_pub -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c mosquitto_pub -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c mosquitto_pub -l retry -d 'Try again up to N times in a row, after WAIT seconds [default: 1], what another attempt can mend: a broker that is not reached, that is busy, that is lost before it has acknowledged or that does not answer; a refused login is not tried again' -r -f
complete -c mosquitto_pub -l reconnect-max -d 'Exit when N attempts in a row to connect again have failed (pub: with -l, --ndjson or --replay) [default: try on]' -r -f
complete -c mosquitto_pub -l reconnect-wait -d 'Pause before connecting again: MIN seconds, then longer each time up to MAX, by chance; MIN alone is always MIN [default: 1,30; under the mosquitto_* names 1]' -r -f
complete -c mosquitto_pub -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c mosquitto_pub -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c mosquitto_pub -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c mosquitto_pub -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c mosquitto_pub -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c mosquitto_pub -s u -l username -d 'User name' -r -f
complete -c mosquitto_pub -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c mosquitto_pub -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c mosquitto_pub -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c mosquitto_pub -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c mosquitto_pub -s i -l id -d 'Client id' -r -f
complete -c mosquitto_pub -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c mosquitto_pub -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c mosquitto_pub -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c mosquitto_pub -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c mosquitto_pub -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c mosquitto_pub -l cert -d 'Client certificate chain, PEM' -r -F
complete -c mosquitto_pub -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c mosquitto_pub -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c mosquitto_pub -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c mosquitto_pub -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c mosquitto_pub -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c mosquitto_pub -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c mosquitto_pub -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c mosquitto_pub -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c mosquitto_pub -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c mosquitto_pub -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_pub -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_pub -s t -l topic -d 'Topic to publish to' -r -f
complete -c mosquitto_pub -s m -l message -d 'Payload' -r -f
complete -c mosquitto_pub -s f -l file -d 'Payload from a regular file' -r -F
complete -c mosquitto_pub -l replay -d 'Publish the records of FILE (- for standard input, zstd or not) as they were received, with their pauses; may be given several times' -r -F
complete -c mosquitto_pub -l speed -d 'With --replay: so many times as fast, 2x or 0.5x, or max for no pauses [default: 1x]' -r -f -a "max\t''"
complete -c mosquitto_pub -l from -d 'With --replay: begin with the records of TIME, RFC 3339 or so long after the first record (90s, 5m, 2h)' -r -f
complete -c mosquitto_pub -l to -d 'With --replay: end with the records of TIME' -r -f
complete -c mosquitto_pub -l loop -d 'With --replay: play COUNT times, 0 for without end [default: 1]' -r -f
complete -c mosquitto_pub -l filter -d 'With --replay or --ndjson: only records whose topic matches; may be given several times' -r -f
complete -c mosquitto_pub -l map -d 'With --replay or --ndjson: topics that begin with A begin with B instead; the first of several that fits' -r -f
complete -c mosquitto_pub -l unsent -d 'Keep in FILE, as records, what was not acknowledged when pub ends, and the rest of the input; pub --ndjson publishes them, see moskit-record(5)' -r -F
complete -c mosquitto_pub -l payload-format -d 'How the payload of -m, -f, -s or -l is written: text, hex, base64 or json, which is checked and sent as it is [default: text]' -r -f -a "text\t''
hex\t''
base64\t''
json\t''"
complete -c mosquitto_pub -l encode -d 'Bring the payload of -m, -f, -s or -l, which is JSON, into this format: cbor, msgpack, protobuf:TYPE, sparkplug or json on one line; or hex, digits to bytes' -r -f -a "json\t''
cbor\t''
msgpack\t''
protobuf:\t''
sparkplug\t''
hex\t''"
complete -c mosquitto_pub -l proto -d 'With protobuf: the descriptor set that has the message types, as protoc --descriptor_set_out makes it; in a build with the feature proto also a .proto file' -r -F
complete -c mosquitto_pub -l proto-path -d 'With a .proto file: look for imports in DIR, too, and not only beside the file; may be given several times' -r -f -a "(__fish_complete_directories)"
complete -c mosquitto_pub -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_pub -l repeat -d 'Publish COUNT times, without effect with -l [default: 1]' -r -f
complete -c mosquitto_pub -l repeat-delay -d 'Time between repetitions; fractions are allowed [default: 0]' -r -f
complete -c mosquitto_pub -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c mosquitto_pub -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c mosquitto_pub -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c mosquitto_pub -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_pub -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c mosquitto_pub -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c mosquitto_pub -l no-reconnect -d 'Exit when the connection is lost (pub: with -l, --ndjson or --replay)'
complete -c mosquitto_pub -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c mosquitto_pub -l ws -d 'Speak MQTT over WebSockets'
complete -c mosquitto_pub -l pw-prompt -d 'Ask for the password on the terminal'
complete -c mosquitto_pub -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c mosquitto_pub -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c mosquitto_pub -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c mosquitto_pub -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c mosquitto_pub -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c mosquitto_pub -s s -l stdin-file -d 'Payload from all of standard input'
complete -c mosquitto_pub -s l -l stdin-line -d 'One message for each line of standard input'
complete -c mosquitto_pub -l ndjson -d 'One message for each record on standard input, see moskit-record(5); -t, -q, -r and -D publish stand in for fields that a record lacks'
complete -c mosquitto_pub -l lenient -d 'With --ndjson or --replay: ignore fields that a record does not have'
complete -c mosquitto_pub -l skip-bad -d 'With --ndjson or --replay: pass over lines that are no record, or that the broker does not take, and count them, instead of ending there'
complete -c mosquitto_pub -l topic-per-line -d 'With -l: each line is a topic, a tab and the payload'
complete -c mosquitto_pub -s n -l null-message -d 'Empty payload'
complete -c mosquitto_pub -s r -l retain -d 'Ask the broker to retain the message'
complete -c mosquitto_pub -s d -l debug -d 'Print each packet on standard output'
complete -c mosquitto_pub -l quiet -d 'Print no errors at run time'
complete -c mosquitto_pub -l will-retain -d 'Retain the will'
complete -c mosquitto_pub -l help -d 'Show this help'
complete -c mosquitto_pub -l version -d 'Show the version'
end
