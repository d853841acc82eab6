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
complete -c moskit -n "__fish_moskit_needs_command" -f -a "man" -d 'Print a man page'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c moskit -n "__fish_moskit_needs_command" -f -a "links" -d 'Make the mosquitto_* names as links to moskit'
complete -c moskit -n "__fish_moskit_using_subcommand man" -l out -d 'Write every page into DIR instead, replacing those that are there' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand man" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand completions" -l out -d 'Write the scripts of all shells into DIR instead, replacing those that are there' -r -f -a "(__fish_complete_directories)"
complete -c moskit -n "__fish_moskit_using_subcommand completions" -s h -l help -d 'Print help'
complete -c moskit -n "__fish_moskit_using_subcommand links" -l remove -d 'Remove the links to this program instead; anything else stays'
complete -c moskit -n "__fish_moskit_using_subcommand links" -s h -l help -d 'Print help'
