//! `moskit passwd`, also as `mosquitto_passwd`: users and hashed passwords in a password file.

mod change;
mod csv;
mod list;
mod options;
mod outcome;
mod permissions;
mod reload;
mod render;
mod secret;
mod text;

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::term::{Exit, Failure, Term};
use options::Action;

pub const APPLET: Applet = Applet {
    name: "passwd",
    mosquitto_name: Some("mosquitto_passwd"),
    as_mosquitto: options::as_mosquitto,
    about: "Manage the users of a password file",
    command: options::command,
    run,
    manual: MANUAL,
};

const MANUAL: Manual = Manual {
    description: &[
        "moskit passwd adds, changes, removes, lists and checks the users of a Mosquitto password file. It takes the place of mosquitto_passwd 2.1, with the same options, output and exit codes, also under that name.",
        "Three usual calls: -c FILE USER makes a file with one user and asks for the password; FILE USER --generate adds a user with a random password, which is printed once; --list FILE shows who is in the file.",
        "With --scram FILE is the scram_file of moskit's broker, for clients that log in by SCRAM (--auth-method). It holds what is needed to check such a login and no password; Mosquitto does not read it. Lines, modes, exit codes and care are those of a password file.",
        "Options stand in front of FILE. Those with two dashes may also stand behind it; what has one dash there is an error. After -- a word is no option.",
    ],
    sections: Vec::new,
    exit_status: &[
        ("0", "Done; with --verify: the password is right."),
        ("1", "Usage, file or hash errors; no such user to delete; with --weak: there are weak hashes."),
        ("2", "The two entries at the prompt differ."),
        ("4", "With --verify: the password is wrong."),
        ("5", "With --verify: no such user."),
        ("128+N", "Signal N ended the prompt (0 under the name mosquitto_passwd). The file is as it was."),
    ],
    environment: &[],
    files: &[],
    examples: &[
        ("moskit passwd -c passwords ann", "Create a file with one user, asking for the password"),
        (
            "moskit passwd passwords bob --stdin < bob.secret",
            "Add a user or change a password without showing it to anybody",
        ),
        ("moskit passwd passwords sensor1 --generate", "Add a user with a new random password, which is printed once"),
        ("moskit passwd -D passwords bob --reload /run/mosquitto.pid", "Remove a user and tell the broker"),
        ("moskit passwd --verify ann passwords", "Check whether a password is Ann's"),
        ("moskit passwd --list passwords", "See who is in the file and how well the passwords are hashed"),
        ("moskit passwd --import users.csv passwords", "Add many users at once"),
        ("moskit passwd --scram -c scram ann", "Create a file for logins by SCRAM, the broker's scram_file"),
    ],
    differences: &[
        "The file is replaced as a whole: a new file is written, synced and renamed over the old one. Links are followed; mode, owner and \
         group are kept. Only where the folder is not writable, or the owner could not be kept, the file is written in place, and standard \
         error says so. Several runs at the same time wait for each other.",
        "Comments and blank lines are kept and are no error.",
        "With a corrupt line in the file an update, -D and -U end with 1 and change nothing; a new user is added at the end, and no line \
         is lost. mosquitto_passwd reads up to the corrupt line only: it takes a user behind it for a new one, and loses the line and \
         all that follow it.",
        "A missing line end of the last line is supplied before a record is added.",
        "-U does not change a password that is a hash already (--rehash hashes it again), and obeys -I.",
        "New salts have 12 bytes, which every Mosquitto reads; 2.1 makes 64, which 2.0.11 refuses (--salt-bytes 64).",
        "-H argon2id works in every build, and a note says which brokers read it.",
        "-c refuses a file that exists, as 2.1 does (2.0 overwrites it); --overwrite replaces it.",
        "A failed write ends with an exit code that is not 0 and leaves the old file as it was; no backup file is made.",
        "On a terminal backspace, Ctrl-U and Ctrl-W edit what is typed at the prompt.",
        "A signal at the prompt ends `moskit passwd` with 128 + its number; as mosquitto_passwd it ends with 0.",
        "A user name that a broker would take for another, or for none (empty, after a #, between spaces), is refused, and so is a password \
         with a zero byte, at which it would end.",
        "An empty password is refused; under the name mosquitto_passwd the entry is made, with a warning.",
        "Under the name mosquitto_passwd only -b -c -D -H -I -U are options.",
    ],
    see_also: &["mosquitto.conf(5)", "mosquitto_passwd(1)", "moskit(1)"],
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    obey(invocation, term).map_err(|failure| {
        // Scripts compare what mosquitto_passwd says, and it gives no hints.
        if invocation.as_mosquitto { Failure { hint: None, ..failure } } else { failure }
    })
}

fn obey(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let options = options::parse(&invocation.words, invocation.as_mosquitto)?;
    let reload = options.reload.clone();
    let making = options.making;
    let interrupted = if invocation.as_mosquitto { secret::Interrupted::Success } else { secret::Interrupted::Signal };
    if options.action.has_empty_password() {
        render::empty_password(term);
    }
    let changed = match options.action {
        Action::Usage => {
            render::usage(invocation, term);
            return Ok(Exit::FAILED);
        }
        Action::Help => {
            render::help(&APPLET.help(invocation, term), term);
            return Ok(Exit::OK);
        }
        Action::Version => {
            render::version(term);
            return Ok(Exit::OK);
        }
        Action::List { file, weak_only, json } => {
            let listing = list::list(&file, weak_only, term)?;
            render::list(&listing.rows, json, term);
            return listing.exit(weak_only);
        }
        Action::Verify { file, user, password } => {
            list::verify(&file, &user, password, interrupted, term)?;
            render::right_password(&user, term);
            return Ok(Exit::OK);
        }
        Action::Put { file, user, password } => change::put(&file, &user, password, interrupted, &making, term)?,
        Action::Delete { file, user } => change::delete(&file, &user, term)?,
        Action::Update { file, hashes_too } => change::update(&file, hashes_too, &making, invocation, term)?,
        Action::Import { csv, file } => change::import(&csv, &file, &making, term)?,
    };
    render::changed(&changed, term);
    if let (Some(reload), Some(file)) = (reload, changed.file) {
        let broker = reload::run(&reload, &file)?;
        render::reloaded(&broker.program, broker.process, term);
    }
    Ok(Exit::OK)
}
