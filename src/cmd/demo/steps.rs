//! The story, step by step.

use super::render;
use super::scene::{Ended, Scene, words};
use crate::net::reason;
use crate::os::files::OpenOptionsExt;
use crate::os::user;
use crate::term::{Exit, Failure, Term};

/// What the user of the demo logs in with.
const USER: &str = "alice";
const PASSWORD: &str = "correct horse battery staple";

/// The client that goes away.
const PHONE: &str = "phone";

/// Plays all of it; the first thing that does not hold ends it.
pub fn play(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    certificates(scene, term)?;
    passwords(scene, term)?;
    broker(scene, term)?;
    check(scene, term)?;
    messages(scene, term)?;
    away(scene, term)?;
    queue(scene, term)?;
    back(scene, term)?;
    broken(scene, term)?;
    let code = scene.stop_broker()?;
    if code != 0 {
        return Err(Failure::new(Exit::FAILED, format!("the broker ended with {code}")).hint("its log is broker.log"));
    }
    render::success(term);
    if scene.is_kept() {
        render::farewell(scene.folder(), &connection(&scene.port.to_string()), term);
    }
    Ok(())
}

/// The options of every client.
fn connection(port: &str) -> Vec<&str> {
    vec![
        "-h",
        "localhost",
        "-p",
        port,
        "--cafile",
        "certs/ca.crt",
        "--cert",
        "certs/alice.crt",
        "--key",
        "certs/alice.key",
        "-u",
        USER,
        "--pw-file",
        "alice.password",
    ]
}

fn code_is(ended: &Ended, code: i32) -> Result<(), String> {
    if ended.code == code { Ok(()) } else { Err(format!("exit code {} instead of {code}", ended.code)) }
}

/// Ended well and said `text`.
fn says(text: &'static str) -> impl Fn(&Ended) -> Result<(), String> {
    move |ended| {
        code_is(ended, 0)?;
        if ended.text().contains(text) { Ok(()) } else { Err(format!("it does not say `{text}`")) }
    }
}

fn certificates(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("Certificates: a CA, a broker, a client", term);
    let port = scene.port.to_string();
    let words = ["certgen", "init", "certs", "--hosts", "localhost,127.0.0.1", "--clients", USER, "--port", &port];
    scene.run(&words, None, says("server.crt"), term)?;
    Ok(())
}

fn passwords(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("A password file", term);
    let silent_or_not = |ended: &Ended| code_is(ended, 0);
    scene.run(&["passwd", "-c", "--stdin", "passwords", USER], Some(&format!("{PASSWORD}\n")), silent_or_not, term)?;
    scene.run(&["passwd", "--list", "passwords"], None, says(USER), term)?;
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(scene.folder().join("alice.password"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, format!("{PASSWORD}\n").as_bytes()));
    written.map_err(|error| {
        Failure::new(Exit::FAILED, format!("the demo cannot write alice.password: {}", reason(&error)))
    })
}

fn broker(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("A broker, on a configuration that Mosquitto reads too", term);
    let folder = scene.folder().display().to_string();
    // Mosquitto would change to a user who cannot read what root has made here.
    let user = if user::effective().is_some_and(|owner| owner.user == 0) { "user root\n" } else { "" };
    let text = format!(
        "{user}listener {port} 127.0.0.1\ncafile {folder}/certs/ca.crt\ncertfile {folder}/certs/server.crt\n\
         keyfile {folder}/certs/server.key\nrequire_certificate true\nallow_anonymous false\n\
         password_file {folder}/passwords\npersistence true\npersistence_location {folder}/state/\n",
        port = scene.port
    );
    std::fs::create_dir(scene.folder().join("state"))
        .map_err(|error| Failure::new(Exit::FAILED, format!("the demo cannot make a folder: {}", reason(&error))))?;
    scene.write("mosquitto.conf", &text, term)?;
    scene.start_broker(&["broker", "-c", "mosquitto.conf"], term)
}

fn check(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("Is all well? Every stage, to the first message", term);
    let port = scene.port.to_string();
    scene.run(&words(&[&["check"], &connection(&port), &["-t", "home"]]), None, says("all is well"), term)?;
    Ok(())
}

fn messages(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("Publish and subscribe, with certificate and password", term);
    let port = scene.port.to_string();
    let options = connection(&port);
    scene.run(
        &words(&[&["pub"], &options, &["-t", "home/door", "-m", "closed", "-q", "1", "-r"]]),
        None,
        |ended| code_is(ended, 0),
        term,
    )?;
    scene.run(
        &words(&[&["sub"], &options, &["-t", "home/door", "-C", "1", "-v"]]),
        None,
        says("home/door closed"),
        term,
    )?;
    Ok(())
}

fn away(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("A phone subscribes, and goes offline; three messages come meanwhile", term);
    let port = scene.port.to_string();
    let options = connection(&port);
    let silent = |ended: &Ended| code_is(ended, 0);
    scene.run(
        &words(&[&["sub"], &options, &["-i", PHONE, "-c", "-q", "1", "-t", "alarm/#", "-E"]]),
        None,
        silent,
        term,
    )?;
    for (topic, text) in [("alarm/door", "open"), ("alarm/smoke", "a little"), ("alarm/smoke", "much")] {
        scene.run(&words(&[&["pub"], &options, &["-t", topic, "-m", text, "-q", "1"]]), None, silent, term)?;
    }
    Ok(())
}

fn queue(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("Who has messages waiting, and since when?", term);
    scene.run(&["qshape", "state/mosquitto.sqlite3"], None, says(PHONE), term)?;
    scene.run(&["check", "session", "-i", PHONE, "state/mosquitto.sqlite3"], None, says("waiting 3"), term)?;
    Ok(())
}

fn back(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("The phone comes back and receives them, in order", term);
    let port = scene.port.to_string();
    let expected = "alarm/door open\nalarm/smoke a little\nalarm/smoke much\n";
    let in_order = |ended: &Ended| {
        code_is(ended, 0)?;
        if ended.stdout == expected { Ok(()) } else { Err("these are not the three messages".to_owned()) }
    };
    let own = ["-i", PHONE, "-c", "-q", "1", "-t", "alarm/#", "-C", "3", "-v"];
    scene.run(&words(&[&["sub"], &connection(&port), &own]), None, in_order, term)?;
    Ok(())
}

fn broken(scene: &mut Scene, term: &mut Term) -> Result<(), Failure> {
    scene.headline("Something breaks: an expired certificate, and a CA that is another's", term);
    scene.run(&["certgen", "broken", "cert.expired", "broken"], None, |ended| code_is(ended, 0), term)?;
    let files = [
        "check",
        "files",
        "--cafile",
        "broken/ca.crt",
        "--cert",
        "broken/server.crt",
        "--key",
        "broken/server.key",
        "--host",
        "localhost",
    ];
    scene.run(&files, None, explains("cert.expired"), term)?;
    let server = format!("localhost:{}", scene.port);
    scene.run(&["check", &server, "--cafile", "broken/ca.crt"], None, explains("ca.unknown"), term)?;
    Ok(())
}

/// Ended with 1 and named the cause.
fn explains(id: &'static str) -> impl Fn(&Ended) -> Result<(), String> {
    move |ended| {
        code_is(ended, 1)?;
        let named = ended.text().replace('\n', " ").contains(&format!("[{id}]"));
        if named { Ok(()) } else { Err(format!("it does not name {id}")) }
    }
}
