set -l program (command -s mosquitto_sub)
if test -n "$program"; and string match -q '*/moskit' (realpath "$program")
complete -c mosquitto_sub -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c mosquitto_sub -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c mosquitto_sub -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c mosquitto_sub -l unix -d 'Connect to a unix domain socket' -r -F
complete -c mosquitto_sub -s A -d 'Local address to connect from' -r -f
complete -c mosquitto_sub -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c mosquitto_sub -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]; -D, -x and --auth-method switch to mqttv5' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c mosquitto_sub -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c mosquitto_sub -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c mosquitto_sub -l reconnect-max -d 'Exit when N attempts in a row to connect again have failed (pub: with -l, --ndjson or --replay) [default: try on]' -r -f
complete -c mosquitto_sub -l reconnect-wait -d 'Pause before connecting again: MIN seconds, then longer each time up to MAX, by chance; MIN alone is always MIN [default: 1,30; under the mosquitto_* names 1]' -r -f
complete -c mosquitto_sub -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c mosquitto_sub -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c mosquitto_sub -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c mosquitto_sub -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c mosquitto_sub -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c mosquitto_sub -s u -l username -d 'User name' -r -f
complete -c mosquitto_sub -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c mosquitto_sub -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c mosquitto_sub -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c mosquitto_sub -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c mosquitto_sub -s i -l id -d 'Client id' -r -f
complete -c mosquitto_sub -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c mosquitto_sub -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c mosquitto_sub -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c mosquitto_sub -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c mosquitto_sub -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c mosquitto_sub -l cert -d 'Client certificate chain, PEM' -r -F
complete -c mosquitto_sub -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c mosquitto_sub -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c mosquitto_sub -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c mosquitto_sub -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c mosquitto_sub -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c mosquitto_sub -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c mosquitto_sub -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c mosquitto_sub -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c mosquitto_sub -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c mosquitto_sub -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_sub -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_sub -s t -l topic -d 'Topic filter to subscribe to; may be given several times' -r -f
complete -c mosquitto_sub -l proto -d 'With protobuf: the descriptor set that has the message types, as protoc --descriptor_set_out makes it; in a build with the feature proto also a .proto file' -r -F
complete -c mosquitto_sub -l proto-path -d 'With a .proto file: look for imports in DIR, too, and not only beside the file; may be given several times' -r -f -a "(__fish_complete_directories)"
complete -c mosquitto_sub -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_sub -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c mosquitto_sub -s C -d 'Exit after COUNT messages' -r -f
complete -c mosquitto_sub -s W -d 'Exit after SECONDS, with exit code 27' -r -f
complete -c mosquitto_sub -s T -l filter-out -d 'Do not print messages whose topic matches; may be given several times' -r -f
complete -c mosquitto_sub -s U -l unsubscribe -d 'Unsubscribe from a topic filter; may be given several times' -r -f
complete -c mosquitto_sub -l retain-handling -d 'When retained messages are sent: always, new or never (MQTT 5)' -r -f -a "always\t''
new\t''
never\t''"
complete -c mosquitto_sub -l match -d 'Only messages whose payload is JSON, or decoded, and matches: a path of RFC 9535 that finds something, or a comparison such as \'$.state == "on"\'; with -C 1 -W SECONDS, wait for one' -r -f
complete -c mosquitto_sub -l random-filter -d 'Print only this share of the messages, 0.1 to 100' -r -f
complete -c mosquitto_sub -s F -d 'Output format; see the man page' -r -f
complete -c mosquitto_sub -l record -d 'Keep each message as a record in FILE, a new one, instead of printing it; compressed if the name ends in .zst' -r -F
complete -c mosquitto_sub -l rotate -d 'With --record: begin a new file, with a number in its name, after SIZE (10MB, 1GiB) or TIME (30m, 1h, 1d)' -r -f
complete -c mosquitto_sub -l exec -d 'Run COMMAND, which is all that follows, for each message, with the payload on its standard input and MQTT_TOPIC, MQTT_QOS, MQTT_RETAIN and MQTT_PROPERTIES in its environment; a message is acknowledged after its command' -r -f -a "(__fish_complete_command)"
complete -c mosquitto_sub -l exec-shell -d 'As --exec, with a line that /bin/sh runs' -r -f
complete -c mosquitto_sub -l jobs -d 'With --exec: run so many commands at once, 1 to 1024, those of one topic one after the other [default: 1]' -r -f
complete -c mosquitto_sub -l exec-fail -d 'With --exec, when a command fails: stop ends, and the message is not acknowledged; go counts it and goes on [default: stop]' -r -f -a "stop\t''
go\t''"
complete -c mosquitto_sub -l exec-timeout -d 'With --exec: end a command that takes longer, which counts as failed' -r -f
complete -c mosquitto_sub -l decode -d 'Print payloads of KIND as JSON, where the topic matches FILTER: json, cbor, msgpack, protobuf:TYPE, sparkplug, or hex as digits; may be given several times, the first that matches holds' -r -f -a "json\t''
cbor\t''
msgpack\t''
protobuf:\t''
sparkplug\t''
hex\t''"
complete -c mosquitto_sub -l select -d 'Print what PATH finds in a payload that is JSON, or decoded, in its place, each value on a line, texts without quotes; JSONPath, RFC 9535, without match() and search()' -r -F
complete -c mosquitto_sub -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c mosquitto_sub -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c mosquitto_sub -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_sub -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c mosquitto_sub -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c mosquitto_sub -l no-reconnect -d 'Exit when the connection is lost (pub: with -l, --ndjson or --replay)'
complete -c mosquitto_sub -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c mosquitto_sub -l ws -d 'Speak MQTT over WebSockets'
complete -c mosquitto_sub -l pw-prompt -d 'Ask for the password on the terminal'
complete -c mosquitto_sub -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c mosquitto_sub -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c mosquitto_sub -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c mosquitto_sub -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c mosquitto_sub -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c mosquitto_sub -s E -d 'Exit once the broker has acknowledged the subscriptions'
complete -c mosquitto_sub -s R -d 'Do not print retained messages'
complete -c mosquitto_sub -l retained-only -d 'Only retained messages, at QoS 0: exit when the broker has no more'
complete -c mosquitto_sub -l remove-retained -d 'Remove each retained message from the broker when it has been received; with --retained-only, exit when all are removed'
complete -c mosquitto_sub -l retain-as-published -d 'Keep the publisher\'s retain flag on live messages (MQTT 5)'
complete -c mosquitto_sub -l ndjson -d 'Print each message as a record, one line of JSON; see moskit-record(5)'
complete -c mosquitto_sub -l raw -d 'Print control characters as they are on a terminal too, where they are escaped otherwise'
complete -c mosquitto_sub -s v -l verbose -d 'Print the topic in front of the payload'
complete -c mosquitto_sub -s N -d 'No newline after each message'
complete -c mosquitto_sub -l pretty -d 'Indent the JSON of %j, %J and --decode'
complete -c mosquitto_sub -l message-rate -d 'Print the number of messages of each second instead of the messages'
complete -c mosquitto_sub -s w -l watch -d 'Keep one line of the screen for each topic'
complete -c mosquitto_sub -s d -l debug -d 'Print each packet on standard output'
complete -c mosquitto_sub -l quiet -d 'Print no errors at run time'
complete -c mosquitto_sub -l will-retain -d 'Retain the will'
complete -c mosquitto_sub -l help -d 'Show this help'
complete -c mosquitto_sub -l version -d 'Show the version'
end
