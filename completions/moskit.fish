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
complete -c moskit -n "__fish_moskit_needs_command" -f -a "passwd" -d 'Manage the users of a password file'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "man" -d 'Print a man page'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "links" -d 'Make the mosquitto_* names as links to moskit'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s h -l host -d 'Broker to connect to [default: localhost]' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311; rr: 5]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l proxy -d 'Connect through a SOCKS5 proxy: socks5h://[user[:password]@]host[:port]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-command -d 'Take the password or token from the first line that COMMAND prints, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s x -d 'Session expiry interval; -1 for never (MQTT 5)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l key-pass-file -d 'Read the pass phrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l psk -d 'Pre-shared key in hexadecimal (needs a build with the feature `psk`)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l psk-identity -d 'Identity of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l keyform -d 'Form of the private key: pem; `engine` is not supported' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s t -l topic -d 'Topic to publish to; sub: topic filter, may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s m -l message -d 'Payload' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s f -l file -d 'Payload from a regular file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l repeat -d 'Publish COUNT times [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l repeat-delay -d 'Time between repetitions; fractions are allowed [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s D -l property -d 'Property of a packet (MQTT 5): COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-qos -d 'Quality of service of the will [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l strict -d 'Fail, with an exit code, where the broker refuses a message or a subscription; `=subscribers`: also where nobody is subscribed (MQTT 5)' -r
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s o -d 'Read options from FILE instead of the file in ~/.config' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s s -l stdin-file -d 'Payload from all of standard input'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s l -l stdin-line -d 'One message for each line of standard input'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s n -l null-message -d 'Empty payload'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s r -l retain -d 'Ask the broker to retain the message'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l quiet -d 'Print no errors at run time'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l will-retain -d 'Retain the will'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand pub" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s h -l host -d 'Broker to connect to [default: localhost]' -r -f -a "(__fish_print_hostnames)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s p -l port -d 'Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s L -l url -d 'Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l unix -d 'Connect to a unix domain socket' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s A -d 'Local address to connect from' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s k -l keepalive -d 'Keep-alive, 5 to 65535 [default: 60]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s V -l protocol-version -d 'mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311; rr: 5]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l proxy -d 'Connect through a SOCKS5 proxy: socks5h://[user[:password]@]host[:port]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l embedded -d 'Start the embedded broker in this process, on CONF if given, and use it' -r
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s u -l username -d 'User name' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s P -l pw -d 'Password; others can see it in the process list, so prefer the options below' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-file -d 'Read the password from the first line of FILE' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-command -d 'Take the password or token from the first line that COMMAND prints, anew at each connect' -r -f -a "(__fish_complete_command)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s i -l id -d 'Client id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s I -l id-prefix -d 'Client id made of PREFIX and the process id' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s x -d 'Session expiry interval; -1 for never (MQTT 5)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s M -d 'Most QoS 1 and 2 messages in flight at once [default: 20]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l cafile -d 'Trust the CA certificates of this PEM file; switches TLS on' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l capath -d 'Trust the CA certificates in this directory; switches TLS on' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l cert -d 'Client certificate chain, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l key -d 'Private key of the client certificate, PEM' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l key-pass-file -d 'Read the pass phrase of an encrypted key from the first line of FILE instead of asking' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-version -d 'Lowest version to accept: tlsv1.2 or tlsv1.3' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-alpn -d 'Protocol to offer by ALPN' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ciphers -d 'Cipher suites by their OpenSSL names, separated by colons' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-keylog -d 'Append the session\'s secrets to FILE, for Wireshark' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l psk -d 'Pre-shared key in hexadecimal (needs a build with the feature `psk`)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l psk-identity -d 'Identity of the pre-shared key' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l keyform -d 'Form of the private key: pem; `engine` is not supported' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-engine -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-engine-kpass-sha1 -d 'Not supported: OpenSSL engines' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s t -l topic -d 'Topic to publish to; sub: topic filter, may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s q -l qos -d 'Quality of service, 0, 1 or 2 [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s D -l property -d 'Property of a packet (MQTT 5): COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE' -r
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s C -d 'Leave after COUNT messages' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s W -d 'Leave after SECONDS, with exit code 27' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s T -l filter-out -d 'Do not print messages whose topic matches; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s U -l unsubscribe -d 'Unsubscribe from a topic filter; may be given several times' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retain-handling -d 'When retained messages are sent: always, new or never (MQTT 5)' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l random-filter -d 'Print only this share of the messages, 0.1 to 100' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s F -d 'Output format; see the man page' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-topic -d 'Topic of the will, which the broker publishes if this client vanishes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-payload -d 'Payload of the will [default: empty]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-qos -d 'Quality of service of the will [default: 0]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l strict -d 'Fail, with an exit code, where the broker refuses a message or a subscription; `=subscribers`: also where nobody is subscribed (MQTT 5)' -r
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s o -d 'Read options from FILE instead of the file in ~/.config' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l nodelay -d 'Send small packets at once (TCP_NODELAY)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l ws -d 'Speak MQTT over WebSockets'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pw-prompt -d 'Ask for the password on the terminal'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s c -l disable-clean-session -d 'Keep the session: the broker stores QoS 1 and 2 messages while this client is away'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l tls-use-os-certs -d 'Trust the CAs of the operating system; switches TLS on'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l insecure -d 'Do not compare the certificate with the host name; the chain is still checked'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l no-verify -d 'Do not check the server\'s certificate at all; for tests only'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l no-tls -d 'Ignore all TLS options; the port stays as they chose it'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s E -d 'Leave once the broker has acknowledged the subscriptions'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s R -d 'Do not print retained messages'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retained-only -d 'Only retained messages: leave at the first live one'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l remove-retained -d 'Delete each retained message that is received from the broker'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l retain-as-published -d 'Keep the publisher\'s retain flag on live messages (MQTT 5)'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s v -l verbose -d 'Print the topic in front of the payload'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s N -d 'No newline after each message'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l pretty -d 'Indent the JSON of %j and %J'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l message-rate -d 'Print the number of messages of each second instead of the messages'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s w -l watch -d 'Keep one line of the screen for each topic'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -s d -l debug -d 'Print each packet on standard output'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l quiet -d 'Print no errors at run time'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l will-retain -d 'Retain the will'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand sub" -l version -d 'Show the version'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l import -d 'Add or update every user of a CSV file of the columns user,password' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l verify -d 'Check a password: exit code 0 right, 4 wrong, 5 no such user' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l pw-file -d 'From a file' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l pw-env -d 'From an environment variable' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l generate -d 'Make one of LENGTH letters and digits [default: 24] and print it once' -r
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s H -l hash -d 'sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)' -r -f -a "sha512-pbkdf2\t''
sha512\t''
argon2id\t''"
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s I -l iterations -d 'Iterations of sha512-pbkdf2 [default: 1000]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-memory -d 'Memory of argon2id [default: 47104]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-passes -d 'Passes of argon2id [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l argon2-lanes -d 'Lanes of argon2id [default: 1]' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l salt-bytes -d '12 (the default), which every Mosquitto reads, or 64 as 2.1 makes' -r -f
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l reload -d 'Afterwards read the file back and send the broker of this process id, or pid file, a SIGHUP' -r -F
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s c -l create -d 'Create FILE with this user; `-` prints the line instead'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l overwrite -d 'With -c: replace a file that exists'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s D -l delete -d 'Remove the user'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s U -l update -d 'Hash every plain-text password in FILE; hashes stay as they are'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l rehash -d 'With -U: take hashes for passwords too, as mosquitto_passwd does'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l list -d 'List the users and how their passwords are hashed'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l upgrade -d 'List the users whose hash is weaker than today\'s default; exit code 1 if there are any'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l json -d 'With --list or --upgrade: as JSON'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -s b -l batch -d 'From the last word of the command line, where other users of the machine can see it'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l stdin -d 'From standard input'
complete -c moskit -n "__fish_moskit_using_subcommand passwd" -l help -d 'Show this help'
complete -c moskit -n "__fish_moskit_using_subcommand man" -l out -d 'Write every page into DIR instead, replacing those that are there' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand man" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand completions" -l out -d 'Write the scripts of all shells into DIR instead, replacing those that are there' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand completions" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand links" -l remove -d 'Remove the links to this program instead; anything else stays'
complete -c moskit -n "__fish_moskit_using_subcommand links" -s h -l help -d 'Print help'
