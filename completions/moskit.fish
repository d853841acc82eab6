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
complete -c moskit -n "__fish_moskit_needs_command" -f -a "passwd" -d 'Manage the users of a password file'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "man" -d 'Print a man page'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "links" -d 'Make the mosquitto_* names as links to moskit'
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
