//! What is written for users holds: the README's commands and the examples of every `--help` are run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use moskit::cmd::APPLETS;

use crate::mosquitto::{free_port, installed};
use crate::run::{Ended, moskit, run};

/// A script in `folder` with moskit in its PATH and a home of its own.
fn shell(script: &str, folder: &Path) -> Command {
    let bin = folder.join("bin-of-moskit");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("moskit").exists() {
        symlink(env!("CARGO_BIN_EXE_moskit"), bin.join("moskit")).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = moskit(&[]);
    let environment: Vec<_> =
        command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_owned()).collect();
    command = Command::new("timeout");
    for name in environment {
        command.env_remove(name);
    }
    command.args(["120", "sh", "-ec", script]).current_dir(folder).env("PATH", path).env("HOME", folder);
    command
}

/// The same beside a broker, whose address is in the environment.
fn shell_beside_broker(script: &str, folder: &Path) -> Command {
    let mut command = shell("exec moskit broker -- sh -ec \"$SCRIPT\"", folder);
    command.env("SCRIPT", script);
    command
}

/// The README's shell blocks with the comment above each, which says how to run it.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    let mut above = "";
    while let Some(line) = lines.next() {
        if line.starts_with("```") && line != "```" {
            assert_eq!(line, "```sh", "a block that is none of the shell has no language");
            let script = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
            blocks.push((above.to_owned(), script));
        }
        above = line;
    }
    blocks
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    // The recipe asks at a terminal for names and a passphrase, which a test has none of.
    let answers = "[req]\nprompt=no\nencrypt_key=no\ndistinguished_name=dn\n[dn]\nCN=localhost\n\
                   [v3_ca]\nbasicConstraints=CA:TRUE\n";
    fs::write(folder.path().join("answers.cnf"), answers).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks = blocks(&readme);
    // A broker of the recipe gets a port that is free here.
    let port = free_port().to_string();
    let ran = blocks.iter().filter(|(above, script)| {
        let script = &script.replace("8883", &port);
        let mut command = match above.as_str() {
            "<!-- run: broker -->" => shell_beside_broker(script, folder.path()),
            "<!-- run: files -->" => shell(script, folder.path()),
            "<!-- run: openssl -->" if installed("openssl").is_some() => shell(script, folder.path()),
            above => {
                let has_reason = above.starts_with("<!-- not run: ") || above == "<!-- run: openssl -->";
                assert!(has_reason, "{above:?} does not say how to run\n{script}");
                return false;
            }
        };
        let ended = run(command.env("OPENSSL_CONF", "answers.cnf"), b"");
        assert_eq!(ended.code, 0, "{script}\n{ended:?}");
        true
    });
    assert!(ran.count() >= 7, "{} blocks", blocks.len());
    for page in ["man1/moskit-certgen-init.1", "man5/moskit-json.5", "man7/moskit-findings.7"] {
        assert!(folder.path().join(".local/share/man").join(page).exists(), "{page}");
    }
    assert!(fs::read_to_string(folder.path().join("story.txt")).unwrap().contains("alarm/smoke much"));
}

/// Every file that an example reads, made by moskit itself.
const PROPS: &str = "
moskit certgen init certs --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2
moskit certgen server mqtt.lan broker.lan -d certs -o .
moskit certgen csr dev9 -o requests
printf 'id,san,days\\nsensor1,,\\nsensor2,sensor2.lan,30\\n' > fleet.csv
cp certs/ca.crt .
test -e server.crt || for kind in crt key; do mv mqtt.lan.$kind server.$kind; done
echo secret-of-ann | moskit passwd -c --stdin passwords ann
echo secret-of-bob > bob.secret
printf 'carl,secret-of-carl\\n' > users.csv
mkdir -p etc run lab bin man completions .local/share/bash-completion/completions .config/fish/completions
printf 'listener 1883 127.0.0.1\\nallow_anonymous true\\n' > etc/mosquitto.conf
cp etc/mosquitto.conf mosquitto.conf
printf 'user ann\\ntopic home/#\\n' > acl.conf
rmdir lab
echo user:password > key
";

/// Prints nothing and ends with 0 unless it stands here: what has to be changed in the line because the test is
/// not the user's machine, what runs beside it, and how it ends.
struct Staging {
    example: &'static str,
    /// Replaces the example.
    script: &'static str,
    code: i32,
}

const STAGED: [Staging; 22] = [
    // Runs until it is interrupted.
    Staging { example: "moskit sub -t 'lab/#' -v", script: "timeout -s INT --preserve-status 3 {}", code: 0 },
    Staging { example: "moskit sub -t 'lab/#' -C 1 -W 5", script: "moskit pub -r -t lab/x -m y; {}", code: 0 },
    Staging {
        example: "moskit sub -q 1 -t 'lab/#' -C 1 -W 5 --jobs 4 --exec sh -c 'cat; echo \" on $MQTT_TOPIC\"'",
        script: "moskit pub -r -t lab/x -m y; {}",
        code: 0,
    },
    Staging {
        example: "moskit broker -p 1883 -v",
        script: "timeout -s INT --preserve-status 3 moskit broker -p 0 -v",
        code: 0,
    },
    Staging { example: "moskit check localhost -t lab", script: "moskit check -t lab", code: 0 },
    // Asks somebody who answers.
    Staging { example: "moskit rr -t device/ping -e device/pong -m now -W 5", script: ANSWERED, code: 0 },
    Staging { example: "moskit rr -t device/ping -e device/pong -m now --latency", script: ANSWERED, code: 0 },
    Staging { example: "moskit rr -t device/state -e device/answer -n -F '%J'", script: ANSWERED, code: 0 },
    // Asks at the terminal.
    Staging {
        example: "moskit passwd --scram -c scram ann",
        script: "printf 'secret1\\nsecret1\\n' | script -qec 'moskit passwd --scram -c scram ann' /dev/null",
        code: 0,
    },
    Staging {
        example: "moskit passwd -c passwords ann",
        script: "rm passwords; printf 'secret1\\nsecret1\\n' | script -qec 'moskit passwd -c passwords ann' /dev/null",
        code: 0,
    },
    Staging {
        example: "moskit passwd --verify ann passwords",
        script: "printf 'secret1\\n' | script -qec '{}' /dev/null",
        code: 0,
    },
    // Needs Mosquitto at work.
    Staging {
        example: "moskit passwd -D passwords bob --reload /run/mosquitto.pid",
        script: "echo x | moskit passwd --stdin passwords bob; moskit passwd -D passwords bob",
        code: 0,
    },
    Staging { example: "moskit qshape", script: "moskit qshape mosquitto.db", code: 0 },
    Staging {
        example: "moskit qshape --ledger looks.json mosquitto.db",
        script: "cp old.db mosquitto.db; {}",
        code: 0,
    },
    Staging {
        example: "moskit qshape --api-key-file key emqx+http://broker:18083",
        script: "moskit qshape --api-key-file key emqx+http://127.0.0.1:9",
        code: 1,
    },
    Staging { example: "moskit qshape --fail-over 2h=100 mosquitto.db", script: "cp new.db mosquitto.db; {}", code: 1 },
    // This machine has no queue of its own.
    Staging {
        example: "moskit qshape list gateway-7 --payload",
        script: "moskit qshape list slow:1 --payload new.db",
        code: 0,
    },
    Staging { example: "moskit qshape explain gateway-7", script: "moskit qshape explain slow:1 new.db", code: 0 },
    Staging {
        example: "moskit qshape purge gateway-7 -h broker --dry-run",
        script: "moskit qshape purge slow:1 --dry-run new.db",
        code: 0,
    },
    // Makes a folder, and again what is there.
    Staging {
        example: "moskit certgen init certs --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2",
        script: "mkdir new; cd new; {}",
        code: 0,
    },
    Staging { example: "PATH=~/bin:$PATH mosquitto_pub --help", script: "moskit links ~/bin; {}", code: 1 },
    Staging { example: "moskit man sub | man -l -", script: "moskit man sub | grep -q SYNOPSIS", code: 0 },
];

/// An answer for whatever is asked, from a device that is retained in the broker's memory.
const ANSWERED: &str = "
{} & asked=$!
answer() { moskit pub -t device/pong -m pong; moskit pub -t device/answer -m pong; }
while kill -0 $asked 2>/dev/null; do answer; sleep 0.05; done
wait $asked";

fn play(line: &str, folder: &Path) -> (Ended, i32) {
    let staging = STAGED.iter().find(|staging| staging.example == line);
    let script = staging.map_or_else(|| line.to_owned(), |staging| staging.script.replace("{}", line));
    let script = script
        .replace("/etc/mosquitto/", "etc/")
        .replace("--user mosquitto", "--user \"$(id -un)\"")
        .replace("/tmp/lab", "lab");
    let ended = run(&mut shell_beside_broker(&script, folder), b"");
    (ended, staging.map_or(0, |staging| staging.code))
}

#[test]
fn the_examples_of_every_help_text_work() {
    for program in ["timeout", "script"] {
        if installed(program).is_none() {
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let made = run(&mut shell(PROPS, folder.path()), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let queues = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/queues");
    fs::copy(queues.join("mosq2011-fake/mosq2011-fake-exit.db"), folder.path().join("old.db")).unwrap();
    fs::copy(queues.join("mosq212-real/mosq212-real-exit.db"), folder.path().join("new.db")).unwrap();
    fs::copy(folder.path().join("new.db"), folder.path().join("mosquitto.db")).unwrap();
    let mut wrong = Vec::new();
    for applet in APPLETS {
        let examples = applet.manual.examples;
        assert!(examples.len() >= 3, "{} has {} examples", applet.name, examples.len());
        for (line, _) in examples {
            let (ended, code) = play(line, folder.path());
            if ended.code != code {
                wrong.push(format!("{line}: {ended:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let lines: Vec<_> = APPLETS.iter().flat_map(|applet| applet.manual.examples).map(|(line, _)| *line).collect();
    let stale: Vec<_> =
        STAGED.iter().filter(|staging| !lines.contains(&staging.example)).map(|it| it.example).collect();
    assert!(stale.is_empty(), "staged, but no example any more: {stale:?}");
}
