
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
            [CompletionResult]::new('certgen', 'certgen', [CompletionResultType]::ParameterValue, 'Make and check certificates and keys')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out why a connection, a certificate, a configuration or a session does not work')
            [CompletionResult]::new('qshape', 'qshape', [CompletionResultType]::ParameterValue, 'Show who has messages waiting, and since when')
            [CompletionResult]::new('broker', 'broker', [CompletionResultType]::ParameterValue, 'Run a broker, for tests and trials')
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
        'moskit;certgen' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Make a CA, a server, clients and a mosquitto.conf in one go')
            [CompletionResult]::new('ca', 'ca', [CompletionResultType]::ParameterValue, 'Make a certificate authority, or with --parent an intermediate one')
            [CompletionResult]::new('server', 'server', [CompletionResultType]::ParameterValue, 'Make a key and a certificate for a broker')
            [CompletionResult]::new('client', 'client', [CompletionResultType]::ParameterValue, 'Make keys and certificates for clients')
            [CompletionResult]::new('csr', 'csr', [CompletionResultType]::ParameterValue, 'Make a key and a request for a certificate')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign a request')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show what a file or a server holds, whatever it is')
            [CompletionResult]::new('expiry', 'expiry', [CompletionResultType]::ParameterValue, 'Tell how long certificates are still good; the exit codes suit monitoring')
            [CompletionResult]::new('key', 'key', [CompletionResultType]::ParameterValue, 'Open, encrypt, convert and compare keys')
            [CompletionResult]::new('broken', 'broken', [CompletionResultType]::ParameterValue, 'Make a set of files that shows one failure, for tests')
            break
        }
        'moskit;certgen;init' {
            [CompletionResult]::new('--ca-name', '--ca-name', [CompletionResultType]::ParameterName, 'Name of the CA [default: the folder''s]')
            [CompletionResult]::new('--hosts', '--hosts', [CompletionResultType]::ParameterName, 'Names and addresses of the broker [default: this machine''s name, localhost, 127.0.0.1, ::1]')
            [CompletionResult]::new('--clients', '--clients', [CompletionResultType]::ParameterName, 'Ids of clients that get a certificate; with any, the broker will ask every client for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days until the certificate expires')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z')
            [CompletionResult]::new('--backdate', '--backdate', [CompletionResultType]::ParameterName, 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d')
            [CompletionResult]::new('--ca-days', '--ca-days', [CompletionResultType]::ParameterName, 'Days until the CA expires')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'Organization (O) in the subject')
            [CompletionResult]::new('--org-unit', '--org-unit', [CompletionResultType]::ParameterName, 'Organizational unit (OU) in the subject')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port of the listener in mosquitto.conf')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('--ip-as-dns', '--ip-as-dns', [CompletionResultType]::ParameterName, 'Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it')
            [CompletionResult]::new('--encrypt', '--encrypt', [CompletionResultType]::ParameterName, 'Encrypt the key of the CA with a passphrase, which is asked for unless one of the --pass options gives it')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Use a folder that has files in it, and replace those of the same names')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Use a folder that has files in it, and replace those of the same names')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;ca' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days until the certificate expires')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z')
            [CompletionResult]::new('--backdate', '--backdate', [CompletionResultType]::ParameterName, 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'Organization (O) in the subject')
            [CompletionResult]::new('--org-unit', '--org-unit', [CompletionResultType]::ParameterName, 'Organizational unit (OU) in the subject')
            [CompletionResult]::new('--path-len', '--path-len', [CompletionResultType]::ParameterName, 'How many CAs may stand between this one and a server or client')
            [CompletionResult]::new('--name-constraint', '--name-constraint', [CompletionResultType]::ParameterName, 'Let the CA sign only for these domains (.lan), networks (192.168.0.0/16) and mail domains (@example.com); may be repeated')
            [CompletionResult]::new('--parent', '--parent', [CompletionResultType]::ParameterName, 'Make an intermediate CA, signed by the CA whose certificate is FILE')
            [CompletionResult]::new('--parent-key', '--parent-key', [CompletionResultType]::ParameterName, 'Private key of the parent [default: as its certificate, with .key]')
            [CompletionResult]::new('--parent-pass-file', '--parent-pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the parent''s key from the first line of FILE')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('--stem', '--stem', [CompletionResultType]::ParameterName, 'Name of the files without their endings [default: ca; for an intermediate, made of NAME]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the new files')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Folder for the new files')
            [CompletionResult]::new('--exact-name', '--exact-name', [CompletionResultType]::ParameterName, 'Take NAME as the common name, without the digits')
            [CompletionResult]::new('--encrypt', '--encrypt', [CompletionResultType]::ParameterName, 'Encrypt the new key with a passphrase, which is asked for unless one of the --pass options gives it')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;server' {
            [CompletionResult]::new('--cn', '--cn', [CompletionResultType]::ParameterName, 'Common name instead of the first host')
            [CompletionResult]::new('--stem', '--stem', [CompletionResultType]::ParameterName, 'Name of the files without their endings [default: the first host]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days until the certificate expires')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z')
            [CompletionResult]::new('--backdate', '--backdate', [CompletionResultType]::ParameterName, 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'Organization (O) in the subject')
            [CompletionResult]::new('--org-unit', '--org-unit', [CompletionResultType]::ParameterName, 'Organizational unit (OU) in the subject')
            [CompletionResult]::new('--san', '--san', [CompletionResultType]::ParameterName, 'More names, of any kind: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Certificate of the CA [default: DIR/ca.crt]')
            [CompletionResult]::new('--ca-key', '--ca-key', [CompletionResultType]::ParameterName, 'Private key of the CA [default: as its certificate, with .key]')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('--ip-as-dns', '--ip-as-dns', [CompletionResultType]::ParameterName, 'Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it')
            [CompletionResult]::new('--auto-san', '--auto-san', [CompletionResultType]::ParameterName, 'Add this machine''s name, NAME.local, localhost, 127.0.0.1 and ::1')
            [CompletionResult]::new('--both', '--both', [CompletionResultType]::ParameterName, 'For servers that are clients too, and the other way round (bridges)')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Write the chain too (STEM-chain.crt), as is always done below an intermediate CA')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;client' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days until the certificate expires')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z')
            [CompletionResult]::new('--backdate', '--backdate', [CompletionResultType]::ParameterName, 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'Organization (O) in the subject')
            [CompletionResult]::new('--org-unit', '--org-unit', [CompletionResultType]::ParameterName, 'Organizational unit (OU) in the subject')
            [CompletionResult]::new('--san', '--san', [CompletionResultType]::ParameterName, 'More names, of any kind: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Certificate of the CA [default: DIR/ca.crt]')
            [CompletionResult]::new('--ca-key', '--ca-key', [CompletionResultType]::ParameterName, 'Private key of the CA [default: as its certificate, with .key]')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('--both', '--both', [CompletionResultType]::ParameterName, 'For servers that are clients too, and the other way round (bridges)')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Write the chain too (STEM-chain.crt), as is always done below an intermediate CA')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;csr' {
            [CompletionResult]::new('--san', '--san', [CompletionResultType]::ParameterName, 'More names: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones')
            [CompletionResult]::new('--use-key', '--use-key', [CompletionResultType]::ParameterName, 'Use the private key in FILE instead of a new one')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'Organization (O) in the subject')
            [CompletionResult]::new('--org-unit', '--org-unit', [CompletionResultType]::ParameterName, 'Organizational unit (OU) in the subject')
            [CompletionResult]::new('--stem', '--stem', [CompletionResultType]::ParameterName, 'Name of the files without their endings [default: NAME]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the new files')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Folder for the new files')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;sign' {
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'What the certificate is for; the request does not decide that')
            [CompletionResult]::new('--san', '--san', [CompletionResultType]::ParameterName, 'Names beside those in the request; may be repeated')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days until the certificate expires')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z')
            [CompletionResult]::new('--backdate', '--backdate', [CompletionResultType]::ParameterName, 'Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Folder of the CA (ca.crt and ca.key)')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Certificate of the CA [default: DIR/ca.crt]')
            [CompletionResult]::new('--ca-key', '--ca-key', [CompletionResultType]::ParameterName, 'Private key of the CA [default: as its certificate, with .key]')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Folder for the new files [default: where the CA is]')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;inspect' {
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object per target')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;expiry' {
            [CompletionResult]::new('--warn', '--warn', [CompletionResultType]::ParameterName, 'Warn (exit 1) if less than this is left')
            [CompletionResult]::new('--crit', '--crit', [CompletionResultType]::ParameterName, 'Be critical (exit 2) if less than this is left')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object per certificate')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;key' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('decrypt', 'decrypt', [CompletionResultType]::ParameterValue, 'Open an encrypted key, for a service that nobody can type a passphrase for')
            [CompletionResult]::new('encrypt', 'encrypt', [CompletionResultType]::ParameterValue, 'Encrypt a key with a passphrase (PKCS#8, PBES2, AES-256)')
            [CompletionResult]::new('convert', 'convert', [CompletionResultType]::ParameterValue, 'Write a key in another form')
            [CompletionResult]::new('match', 'match', [CompletionResultType]::ParameterValue, 'Tell whether certificates, requests and keys belong together')
            [CompletionResult]::new('pin', 'pin', [CompletionResultType]::ParameterValue, 'Print the SHA-256 of public keys, as curl and others pin them')
            break
        }
        'moskit;certgen;key;decrypt' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;key;encrypt' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;key;convert' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The form to write')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Where the key is written, with mode 0600; - for standard output')
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'moskit;certgen;key;match' {
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;key;pin' {
            [CompletionResult]::new('--pass-file', '--pass-file', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the first line of FILE')
            [CompletionResult]::new('--pass-env', '--pass-env', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the environment variable VAR')
            [CompletionResult]::new('--pass-fd', '--pass-fd', [CompletionResultType]::ParameterName, 'Read the passphrase of the key from the open file descriptor N')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;certgen;broken' {
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the kinds')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;check' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Check this mosquitto.conf and the files it names')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User that the broker runs as [default: the configuration''s, or mosquitto]')
            [CompletionResult]::new('--warn', '--warn', [CompletionResultType]::ParameterName, 'Bounds of a warning: days left of the certificate, round-trip time, or both (30d,200ms) [default: 30d]')
            [CompletionResult]::new('--crit', '--crit', [CompletionResultType]::ParameterName, 'Bounds of critical, as for --warn [default: 7d]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as JSON')
            [CompletionResult]::new('--monitor', '--monitor', [CompletionResultType]::ParameterName, 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Show this help')
            [CompletionResult]::new('files', 'files', [CompletionResultType]::ParameterValue, 'Certificates, keys and revocation lists on disk')
            [CompletionResult]::new('acl', 'acl', [CompletionResultType]::ParameterValue, 'What an ACL file decides, and by which line')
            break
        }
        'moskit;check;files' {
            [CompletionResult]::new('--cafile', '--cafile', [CompletionResultType]::ParameterName, 'CA certificates, PEM')
            [CompletionResult]::new('--capath', '--capath', [CompletionResultType]::ParameterName, 'Folder of CA certificates under hashed names')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Certificate chain to check, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the certificate, PEM')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Revocation list, PEM')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Name that clients connect to')
            [CompletionResult]::new('--purpose', '--purpose', [CompletionResultType]::ParameterName, 'What the certificate is for [default: what it says itself, else server]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Check this mosquitto.conf and the files it names')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User that must be able to read the files')
            [CompletionResult]::new('--warn', '--warn', [CompletionResultType]::ParameterName, 'Bounds of a warning: days left of the certificate, round-trip time, or both (30d,200ms) [default: 30d]')
            [CompletionResult]::new('--crit', '--crit', [CompletionResultType]::ParameterName, 'Bounds of critical, as for --warn [default: 7d]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as JSON')
            [CompletionResult]::new('--monitor', '--monitor', [CompletionResultType]::ParameterName, 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Show this help')
            break
        }
        'moskit;check;acl' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User name [default: an anonymous client]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User name [default: an anonymous client]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Client id')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Client id')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Topic, without wildcards')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topic, without wildcards')
            [CompletionResult]::new('--access', '--access', [CompletionResultType]::ParameterName, 'What the client wants')
            [CompletionResult]::new('--warn', '--warn', [CompletionResultType]::ParameterName, 'Bounds of a warning: days left of the certificate, round-trip time, or both (30d,200ms) [default: 30d]')
            [CompletionResult]::new('--crit', '--crit', [CompletionResultType]::ParameterName, 'Bounds of critical, as for --warn [default: 7d]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as JSON')
            [CompletionResult]::new('--monitor', '--monitor', [CompletionResultType]::ParameterName, 'Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Show this help')
            break
        }
        'moskit;qshape' {
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'What a row is')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'A parent needs N different names directly below it')
            [CompletionResult]::new('--depth', '--depth', [CompletionResultType]::ParameterName, 'Parents of at most N levels')
            [CompletionResult]::new('--sep', '--sep', [CompletionResultType]::ParameterName, 'Characters that separate the levels of client ids')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Count rows of one name together: what the first group of this regular expression matches')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Number of age columns; the last has no end')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Minutes of the first column')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Only clients like GLOB (`*` any text, `?` any character)')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Only topics that match FILTER')
            [CompletionResult]::new('--qos', '--qos', [CompletionResultType]::ParameterName, 'Only these QoS levels')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only messages in this state')
            [CompletionResult]::new('--expired', '--expired', [CompletionResultType]::ParameterName, 'What to do with messages that have expired and will never be delivered')
            [CompletionResult]::new('--older', '--older', [CompletionResultType]::ParameterName, 'Only messages at least this old, in minutes or with a unit (90s, 2h, 3d)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show N rows, TOTAL included; 0 for all [default: 20 on a terminal, else 0]')
            [CompletionResult]::new('--min', '--min', [CompletionResultType]::ParameterName, 'Only rows of at least N')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Width of the table in columns [default: the terminal''s, else 80]')
            [CompletionResult]::new('--svg', '--svg', [CompletionResultType]::ParameterName, 'Write the table as a picture')
            [CompletionResult]::new('--html', '--html', [CompletionResultType]::ParameterName, 'Write the table as a page that needs nothing else')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Read and show again every SECONDS, in place on a terminal')
            [CompletionResult]::new('--fail-over', '--fail-over', [CompletionResultType]::ParameterName, 'End with 1 if more than N messages are older than AGE (minutes, or 90s, 2h, 3d)')
            [CompletionResult]::new('--pid', '--pid', [CompletionResultType]::ParameterName, 'The process to ask [default: the only mosquitto that runs]')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file''s last change [default: now]')
            [CompletionResult]::new('--ledger', '--ledger', [CompletionResultType]::ParameterName, 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it')
            [CompletionResult]::new('--age-from', '--age-from', [CompletionResultType]::ParameterName, 'Where a message''s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)')
            [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'For APIs: a file of USER:PASSWORD, or of one bearer token')
            [CompletionResult]::new('--api-cafile', '--api-cafile', [CompletionResultType]::ParameterName, 'For https APIs: certificates to trust instead of the system''s')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'For APIs: seconds that a request may take')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Rows are publishers: --by publisher')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Also rows for parents: topics by their levels, clients up to a separator')
            [CompletionResult]::new('--suffix', '--suffix', [CompletionResultType]::ParameterName, 'Parents are suffixes of labels joined by dots, as in Postfix')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Columns of equal width instead of doubling ones')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'A column of messages in flight: sent and not acknowledged')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Count payload bytes instead of messages')
            [CompletionResult]::new('--incoming', '--incoming', [CompletionResultType]::ParameterName, 'Count what clients published with QoS 2 and have not released, instead of what waits for them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Print CSV')
            [CompletionResult]::new('--openmetrics', '--openmetrics', [CompletionResultType]::ParameterName, 'Print OpenMetrics text')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No footer and no warnings on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No footer and no warnings on standard error')
            [CompletionResult]::new('--refresh', '--refresh', [CompletionResultType]::ParameterName, 'Ask the running mosquitto to write its file first (SIGUSR1), and wait for it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show one client''s waiting messages')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say in words what the shape of one client''s queue means and what to do')
            break
        }
        'moskit;qshape;list' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show at most N messages; 0 for all')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Only clients like GLOB (`*` any text, `?` any character)')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Only topics that match FILTER')
            [CompletionResult]::new('--qos', '--qos', [CompletionResultType]::ParameterName, 'Only these QoS levels')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only messages in this state')
            [CompletionResult]::new('--expired', '--expired', [CompletionResultType]::ParameterName, 'What to do with messages that have expired and will never be delivered')
            [CompletionResult]::new('--older', '--older', [CompletionResultType]::ParameterName, 'Only messages at least this old, in minutes or with a unit (90s, 2h, 3d)')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file''s last change [default: now]')
            [CompletionResult]::new('--ledger', '--ledger', [CompletionResultType]::ParameterName, 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it')
            [CompletionResult]::new('--age-from', '--age-from', [CompletionResultType]::ParameterName, 'Where a message''s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)')
            [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'For APIs: a file of USER:PASSWORD, or of one bearer token')
            [CompletionResult]::new('--api-cafile', '--api-cafile', [CompletionResultType]::ParameterName, 'For https APIs: certificates to trust instead of the system''s')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'For APIs: seconds that a request may take')
            [CompletionResult]::new('--payload', '--payload', [CompletionResultType]::ParameterName, 'Show payloads too, as text with control characters escaped')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one message a line')
            [CompletionResult]::new('--incoming', '--incoming', [CompletionResultType]::ParameterName, 'Count what clients published with QoS 2 and have not released, instead of what waits for them')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;qshape;explain' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file''s last change [default: now]')
            [CompletionResult]::new('--ledger', '--ledger', [CompletionResultType]::ParameterName, 'For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each look in FILE, and date messages by it')
            [CompletionResult]::new('--age-from', '--age-from', [CompletionResultType]::ParameterName, 'Where a message''s time comes from: store, expiry:SECONDS (expiry less the interval that publishers set), payload:/POINTER (into JSON) or prop:NAME (a user property)')
            [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'For APIs: a file of USER:PASSWORD, or of one bearer token')
            [CompletionResult]::new('--api-cafile', '--api-cafile', [CompletionResultType]::ParameterName, 'For https APIs: certificates to trust instead of the system''s')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'For APIs: seconds that a request may take')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'moskit;broker' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this mosquitto.conf')
            [CompletionResult]::new('--config-file', '--config-file', [CompletionResultType]::ParameterName, 'Read this mosquitto.conf')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times; without effect when the configuration has a listener')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times; without effect when the configuration has a listener')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Keep the state in this SQLite file, which is created if it is not there')
            [CompletionResult]::new('--store-sync', '--store-sync', [CompletionResultType]::ParameterName, 'What an acknowledged message survives: `normal` the end of the process, `full` a power failure too')
            [CompletionResult]::new('--import', '--import', [CompletionResultType]::ParameterName, 'Fill the empty state with what this mosquitto.db holds (any version), and end')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Write the state as a mosquitto.db, which Mosquitto 1.6 and later read, and end')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Run this shell command beside the broker with MQTT_HOST and MQTT_PORT set, then stop, with its exit code. The broker listens on a free port and logs warnings and errors only')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Write the URL of the first listener into this file when the broker accepts connections')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Misbehave on purpose, to test clients; `help` lists how. May be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Go to the background')
            [CompletionResult]::new('--daemon', '--daemon', [CompletionResultType]::ParameterName, 'Go to the background')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log nothing')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log everything, whatever the configuration says')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log everything, whatever the configuration says')
            [CompletionResult]::new('--test-config', '--test-config', [CompletionResultType]::ParameterName, 'Read the configuration, say whether it is right, and end')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Speak TLS, with certificates made for this run; MQTT_CAFILE and MQTT_URL tell the command')
            [CompletionResult]::new('--print-url', '--print-url', [CompletionResultType]::ParameterName, 'Print the URL of each listener on standard output when the broker accepts connections')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
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
