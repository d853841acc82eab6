set -l program (command -s mosquitto)
if test -n "$program"; and string match -q '*/moskit' (realpath "$program")
complete -c mosquitto -s c -l config-file -d 'Read this mosquitto.conf' -r -F
complete -c mosquitto -s p -l port -d 'Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times; without effect when the configuration has a listener' -r
complete -c mosquitto -l tls-keylog -d 'Append the secrets of TLS sessions to this file of yours alone, for Wireshark' -r -F
complete -c mosquitto -l store -d 'Keep the state in this SQLite file, which is created if it is not there' -r -F
complete -c mosquitto -l store-sync -d 'What an acknowledged message survives: `normal` the end of the process, `full` a power failure too [default: what plugin_opt_sync of the configuration says, else normal]' -r -f -a "normal\t''
full\t''"
complete -c mosquitto -l import -d 'Fill the empty state with what this mosquitto.db holds (any version), and exit' -r -F
complete -c mosquitto -l export -d 'Write the state as a mosquitto.db, which Mosquitto 1.6 and later read, and exit. A file that exists is replaced' -r -F
complete -c mosquitto -l run -d 'Run this shell command beside the broker with MQTT_HOST and MQTT_PORT set, then stop, with its exit code. Without -c and -p the broker listens on a free port; without -c and -v it logs warnings and errors only' -r -f -a "(__fish_complete_command)"
complete -c mosquitto -l ready-file -d 'Write the URL of the first listener into this file when the broker accepts connections' -r -F
complete -c mosquitto -l fault -d 'Misbehave on purpose, to test clients; `help` lists how. May be repeated' -r -f -a "connack=\t''
delay=\t''
drop\t''
close\t''
truncate\t''
expired-cert\t''
wrong-host-cert\t''
help\t''"
complete -c mosquitto -s d -l daemon -d 'Go to the background'
complete -c mosquitto -s q -l quiet -d 'Log nothing'
complete -c mosquitto -s v -l verbose -d 'Log everything, whatever the configuration says'
complete -c mosquitto -l test-config -d 'Read the configuration and the files it names, say whether the broker would start, and exit. `moskit check --config` finds more: what starts and does not do what was meant'
complete -c mosquitto -l tls -d 'Speak TLS, with certificates made for this run; MQTT_CAFILE and MQTT_URL tell the command'
complete -c mosquitto -l login -d 'Ask for a login that is made for this run; MQTT_USERNAME, MQTT_PASSWORD and MQTT_URL tell the command'
complete -c mosquitto -l print-url -d 'Print the URL of each listener on standard output when the broker accepts connections'
end
