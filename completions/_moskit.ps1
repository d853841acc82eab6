
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'moskit' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'moskit'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'moskit' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('passwd', 'passwd', [CompletionResultType]::ParameterValue, 'Manage the users of a password file')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a man page')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('links', 'links', [CompletionResultType]::ParameterValue, 'Make the mosquitto_* names as links to moskit')
            break
        }
        'moskit;passwd' {
            [CompletionResult]::new('--import', '--import', [CompletionResultType]::ParameterName, 'Add or update every user of a CSV file of the columns user,password')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Check a password: exit code 0 right, 4 wrong, 5 no such user')
            [CompletionResult]::new('--pw-file', '--pw-file', [CompletionResultType]::ParameterName, 'From a file')
            [CompletionResult]::new('--pw-env', '--pw-env', [CompletionResultType]::ParameterName, 'From an environment variable')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Make one of LENGTH letters and digits [default: 24] and print it once')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)')
            [CompletionResult]::new('--hash', '--hash', [CompletionResultType]::ParameterName, 'sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'Iterations of sha512-pbkdf2 [default: 1000]')
            [CompletionResult]::new('--iterations', '--iterations', [CompletionResultType]::ParameterName, 'Iterations of sha512-pbkdf2 [default: 1000]')
            [CompletionResult]::new('--argon2-memory', '--argon2-memory', [CompletionResultType]::ParameterName, 'Memory of argon2id [default: 47104]')
            [CompletionResult]::new('--argon2-passes', '--argon2-passes', [CompletionResultType]::ParameterName, 'Passes of argon2id [default: 1]')
            [CompletionResult]::new('--argon2-lanes', '--argon2-lanes', [CompletionResultType]::ParameterName, 'Lanes of argon2id [default: 1]')
            [CompletionResult]::new('--salt-bytes', '--salt-bytes', [CompletionResultType]::ParameterName, '12 (the default), which every Mosquitto reads, or 64 as 2.1 makes')
            [CompletionResult]::new('--reload', '--reload', [CompletionResultType]::ParameterName, 'Afterwards read the file back and send the broker of this process id, or pid file, a SIGHUP')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Create FILE with this user; `-` prints the line instead')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create FILE with this user; `-` prints the line instead')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'With -c: replace a file that exists')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'Remove the user')
            [CompletionResult]::new('--delete', '--delete', [CompletionResultType]::ParameterName, 'Remove the user')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Hash every plain-text password in FILE; hashes stay as they are')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'Hash every plain-text password in FILE; hashes stay as they are')
            [CompletionResult]::new('--rehash', '--rehash', [CompletionResultType]::ParameterName, 'With -U: take hashes for passwords too, as mosquitto_passwd does')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the users and how their passwords are hashed')
            [CompletionResult]::new('--upgrade', '--upgrade', [CompletionResultType]::ParameterName, 'List the users whose hash is weaker than today''s default; exit code 1 if there are any')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'With --list or --upgrade: as JSON')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'From the last word of the command line, where other users of the machine can see it')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'From the last word of the command line, where other users of the machine can see it')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'From standard input')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Show this help')
            break
        }
        'moskit;man' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write every page into DIR instead, replacing those that are there')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;completions' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the scripts of all shells into DIR instead, replacing those that are there')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;links' {
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Remove the links to this program instead; anything else stays')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
