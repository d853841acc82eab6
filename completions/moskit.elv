
use builtin;
use str;

set edit:completion:arg-completer[moskit] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'moskit'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'moskit'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand passwd 'Manage the users of a password file'
            cand man 'Print a man page'
            cand completions 'Print a completion script for a shell'
            cand links 'Make the mosquitto_* names as links to moskit'
        }
        &'moskit;passwd'= {
            cand --import 'Add or update every user of a CSV file of the columns user,password'
            cand --verify 'Check a password: exit code 0 right, 4 wrong, 5 no such user'
            cand --pw-file 'From a file'
            cand --pw-env 'From an environment variable'
            cand --generate 'Make one of LENGTH letters and digits [default: 24] and print it once'
            cand -H 'sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)'
            cand --hash 'sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)'
            cand -I 'Iterations of sha512-pbkdf2 [default: 1000]'
            cand --iterations 'Iterations of sha512-pbkdf2 [default: 1000]'
            cand --argon2-memory 'Memory of argon2id [default: 47104]'
            cand --argon2-passes 'Passes of argon2id [default: 1]'
            cand --argon2-lanes 'Lanes of argon2id [default: 1]'
            cand --salt-bytes '12 (the default), which every Mosquitto reads, or 64 as 2.1 makes'
            cand --reload 'Afterwards read the file back and send the broker of this process id, or pid file, a SIGHUP'
            cand -c 'Create FILE with this user; `-` prints the line instead'
            cand --create 'Create FILE with this user; `-` prints the line instead'
            cand --overwrite 'With -c: replace a file that exists'
            cand -D 'Remove the user'
            cand --delete 'Remove the user'
            cand -U 'Hash every plain-text password in FILE; hashes stay as they are'
            cand --update 'Hash every plain-text password in FILE; hashes stay as they are'
            cand --rehash 'With -U: take hashes for passwords too, as mosquitto_passwd does'
            cand --list 'List the users and how their passwords are hashed'
            cand --upgrade 'List the users whose hash is weaker than today''s default; exit code 1 if there are any'
            cand --json 'With --list or --upgrade: as JSON'
            cand -b 'From the last word of the command line, where other users of the machine can see it'
            cand --batch 'From the last word of the command line, where other users of the machine can see it'
            cand --stdin 'From standard input'
            cand --help 'Show this help'
        }
        &'moskit;man'= {
            cand --out 'Write every page into DIR instead, replacing those that are there'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'moskit;completions'= {
            cand --out 'Write the scripts of all shells into DIR instead, replacing those that are there'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'moskit;links'= {
            cand --remove 'Remove the links to this program instead; anything else stays'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
