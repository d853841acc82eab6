
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
            cand man 'Print a man page'
            cand completions 'Print a completion script for a shell'
            cand links 'Make the mosquitto_* names as links to moskit'
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
