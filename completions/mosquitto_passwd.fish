set -l program (command -s mosquitto_passwd)
if test -n "$program"; and string match -q '*/moskit' (realpath "$program")
complete -c mosquitto_passwd -s H -d 'sha512-pbkdf2, sha512 or argon2id, which only a Mosquitto 2.1 that was built with it reads [default: sha512-pbkdf2]' -r -f -a "sha512-pbkdf2\t''
sha512\t''
argon2id\t''"
complete -c mosquitto_passwd -s I -d 'Iterations of sha512-pbkdf2, 1 to 2147483647 [default: 1000], or of SCRAM, 4096 to 2000000 [default: 15000]' -r -f
complete -c mosquitto_passwd -s c -d 'Create FILE with this user; `-` prints the line instead'
complete -c mosquitto_passwd -s D -d 'Remove the user'
complete -c mosquitto_passwd -s U -d 'Hash every plain-text password in FILE; hashes stay as they are'
complete -c mosquitto_passwd -s b -d 'From the last word of the command line, where other users of the machine can see it'
end
