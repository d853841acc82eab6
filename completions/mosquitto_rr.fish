set -l program (command -s mosquitto_rr)
if test -n "$program"; and string match -q '*/moskit' (realpath "$program")
complete -c mosquitto_rr -s h -l host -d 'Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names' -r -f -a "(__fish_print_hostnames)"
complete -c mosquitto_rr -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c mosquitto_rr -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c mosquitto_rr -l unix -d 'Connect to a unix domain socket' -r -F
complete -c mosquitto_rr -s A -d 'Local address to connect from' -r -f
complete -c mosquitto_rr -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c mosquitto_rr -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 5]' -r -f -a "mqttv31\t''
mqttv311\t''
mqttv5\t''"
complete -c mosquitto_rr -l connect-timeout -d 'Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]' -r -f
complete -c mosquitto_rr -l answer-timeout -d 'Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]' -r -f
complete -c mosquitto_rr -l ws-path -d 'With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]' -r -F
complete -c mosquitto_rr -l header -d 'With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times' -r -f
complete -c mosquitto_rr -l proxy -d 'Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only' -r -f
complete -c mosquitto_rr -l proxy-cafile -d 'Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]' -r -F
complete -c mosquitto_rr -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c mosquitto_rr -s u -l username -d 'User name' -r -f
complete -c mosquitto_rr -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c mosquitto_rr -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c mosquitto_rr -l pw-command -d 'Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c mosquitto_rr -l auth-method -d 'Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5' -r -f
complete -c mosquitto_rr -s i -l id -d 'Client id' -r -f
complete -c mosquitto_rr -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c mosquitto_rr -s x -d 'Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5' -r -f
complete -c mosquitto_rr -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c mosquitto_rr -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c mosquitto_rr -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c mosquitto_rr -l cert -d 'Client certificate chain, PEM' -r -F
complete -c mosquitto_rr -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c mosquitto_rr -l key-pass-file -d 'Read the passphrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c mosquitto_rr -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f -a "tlsv1.2\t''
tlsv1.3\t''"
complete -c mosquitto_rr -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c mosquitto_rr -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c mosquitto_rr -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c mosquitto_rr -l psk -d 'Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk' -r -f
complete -c mosquitto_rr -l psk-identity -d 'Name of the pre-shared key' -r -f
complete -c mosquitto_rr -l keyform -d 'Form of the private key: only pem' -r -f -a "pem\t''"
complete -c mosquitto_rr -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_rr -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c mosquitto_rr -s t -l topic -d 'Topic to publish to' -r -f
complete -c mosquitto_rr -s e -d 'Topic on which the response is awaited' -r -f
complete -c mosquitto_rr -s m -l message -d 'Payload' -r -f
complete -c mosquitto_rr -s f -l file -d 'Payload from a regular file' -r -F
complete -c mosquitto_rr -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_rr -s D -l property -d 'Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r -f -a "connect\t''
publish\t''
will\t''
subscribe\t''
unsubscribe\t''
disconnect\t''"
complete -c mosquitto_rr -s W -d 'Exit after SECONDS, with exit code 27' -r -f
complete -c mosquitto_rr -l retain-handling -d 'When retained messages are sent: always, new or never (MQTT 5)' -r -f -a "always\t''
new\t''
never\t''"
complete -c mosquitto_rr -s F -d 'Output format; see the man page' -r -f
complete -c mosquitto_rr -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c mosquitto_rr -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c mosquitto_rr -l will-qos -d 'Quality of service of the will [default: 0]' -r -f -a "0\t''
1\t''
2\t''"
complete -c mosquitto_rr -l strict -d 'Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2' -r -f -a "subscribers\t''"
complete -c mosquitto_rr -s o -d 'Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names' -r -F
complete -c mosquitto_rr -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c mosquitto_rr -l ws -d 'Speak MQTT over WebSockets'
complete -c mosquitto_rr -l pw-prompt -d 'Ask for the password on the terminal'
complete -c mosquitto_rr -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c mosquitto_rr -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c mosquitto_rr -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on'
complete -c mosquitto_rr -l no-verify -d 'Do not check the server\'s certificate at all; for tests only. Does not switch TLS on'
complete -c mosquitto_rr -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c mosquitto_rr -s s -l stdin-file -d 'Payload from all of standard input'
complete -c mosquitto_rr -s n -l null-message -d 'Empty payload'
complete -c mosquitto_rr -s R -d 'Do not print retained messages'
complete -c mosquitto_rr -l retain-as-published -d 'Keep the publisher\'s retain flag on live messages (MQTT 5)'
complete -c mosquitto_rr -s v -l verbose -d 'Print the topic in front of the payload'
complete -c mosquitto_rr -s N -d 'No newline after each message'
complete -c mosquitto_rr -l pretty -d 'Indent the JSON of %j and %J'
complete -c mosquitto_rr -l latency -d 'Print the time between request and response; implies --nodelay'
complete -c mosquitto_rr -s d -l debug -d 'Print each packet on standard output'
complete -c mosquitto_rr -l quiet -d 'Print no errors at run time'
complete -c mosquitto_rr -l will-retain -d 'Retain the will'
complete -c mosquitto_rr -l help -d 'Show this help'
complete -c mosquitto_rr -l version -d 'Show the version'
end
