//! `moskit broker`: the embedded broker as a program, also under the name `mosquitto`.

mod certificates;
mod child;
mod drop_in;
mod login;
mod options;
mod reload;
mod render;
mod serve;
mod state_files;
mod throw_away;
mod user;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::options::Options;
use self::serve::Origin;
use self::throw_away::ThrowAway;
use self::user::{Identity, StayReason};
use super::output;
use crate::broker::config::{self, Configuration, LogTypes, Standing};
use crate::broker::fault::{self, Faults};
use crate::broker::host::load;
use crate::broker::host::start::{self, Overrides, Plan};
use crate::broker::server::VERSION;
use crate::cmd::applet::{Applet, Invocation, Manual, Section};
use crate::cmd::host::{announce, sentences};
use crate::os::{account, process};
use crate::term::{Exit, Failure, Term};
use crate::whole_file::{self, Permission};

pub const APPLET: Applet = Applet {
    name: "broker",
    mosquitto_name: Some("mosquitto"),
    as_mosquitto: Some,
    about: "Run a broker, for tests and trials",
    command: options::command,
    run,
    manual: Manual {
        description: &[
            "moskit broker runs an MQTT broker (3.1, 3.1.1 and 5.0) on this machine, for tests and trials. It reads Mosquitto's mosquitto.conf and takes the place of mosquitto 2.1 in tests, also under that name.",
            "Three usual calls: --run 'COMMAND' runs one command beside a broker on a free port, and exits with its code; -p 1883 -v serves port 1883 of this machine and logs everything; -c FILE runs with that configuration.",
        ],
        sections: || vec![configuration_section(), faults_section()],
        exit_status: &[
            ("0", "A signal ended it, as asked."),
            ("1", "A listener, a certificate or the state cannot be opened."),
            ("2", "--import: the file is damaged; what could be read is imported."),
            ("3", "Usage, or an error in the configuration."),
            ("13", "A password or ACL file cannot be opened."),
            ("126, 127", "With --run and -- PROGRAM: the command cannot be executed; it does not exist."),
            ("other", "With --run and -- PROGRAM: the command's own; 128+N when signal N ended it."),
        ],
        environment: &[&[
            ("MQTT_HOST, MQTT_PORT, MQTT_URL", "Set for the command of --run and -- PROGRAM."),
            ("MQTT_CAFILE", "With --tls, set for the command: the certificate to trust."),
            (
                "MQTT_USERNAME, MQTT_PASSWORD, MOSQUITTO_PASSWORD",
                "With --login, set for the command. moskit's own clients log in with them; where -u is given, with the last one.",
            ),
            ("MOSQUITTO_PERSISTENCE_LOCATION", "Overrides persistence_location of the configuration."),
            ("PUID, PGID", "Numbers of the user and group to become when started as root, in place of `user`."),
            ("UMASK_SET", "The umask, in octal."),
            ("MOSQUITTO_UNSAFE_ALLOW_SYMLINKS", "When set, password and ACL files may be symbolic links."),
        ]],
        files: &[
            ("mosquitto.conf", "The configuration, in Mosquitto's language; no file is read without -c."),
            (
                "mosquitto.sqlite3",
                "The state, in persistence_location, with `persistence true`; persistence_file gives another name.",
            ),
        ],
        examples: &[
            ("moskit broker --run 'moskit pub -t test -m hello'", "A broker for one command"),
            ("moskit broker -p 1883 -v", "A broker on port 1883 that logs everything"),
            ("moskit broker -c mosquitto.conf --test-config", "Is the configuration right?"),
            ("moskit broker --fault help", "The faults that a broker can be asked for"),
        ],
        differences: &[
            "There are no bridges. No plugin is loaded: a `plugin` line for persist-sqlite selects the broker's own store, which has the \
             same tables; any other plugin is refused, because it may guard access.",
            "`persistence true` stores every change at once in `mosquitto.sqlite3`; Mosquitto writes `mosquitto.db` now and then. A \
             persistence_file is in the same SQLite form. One that Mosquitto wrote is refused: import it (--import).",
            "As root the broker becomes another user only when the configuration, PUID or PGID names one; else it stays root and says so. \
             Mosquitto becomes the user mosquitto. A command that a warning advises for the owner of a file leaves the file readable \
             for the user mosquitto.",
            "`--test-config` opens and reads all that a start would: certificates, keys, password, ACL and state files. \
             Mosquitto only reads the configuration.",
            "In a file without `listener`, `port` and `bind_address` an option of a listener has no effect, as with Mosquitto; in front \
             of the first `listener` it opens port 1883 besides, as there. Two things are not ignored in such a file: an option that asks for client certificates is an error, and \
             with `per_listener_settings` the options that say who may connect hold.",
            "A byte-order mark is skipped and a file in UTF-16 is refused; lines of an ACL file that are not UTF-8 match \
             nothing. An `accept_protocol_versions` that names no known version is refused; Mosquitto lets nobody in.",
            "A browser's request that opens no WebSocket gets an answer: 400, 403 for its origin, 426 for its version of \
             the protocol. Mosquitto closes the connection.",
            "There is no $SYS/broker/heap: memory is not counted. The other totals under $SYS are counted anew every sys_interval \
             seconds, 10 unless configured, as there, and may be that old; with 0 there are none.",
            "max_inflight_messages is announced as Receive Maximum. A client of MQTT 5 that has more QoS 2 messages in flight is sent \
             DISCONNECT 0x93.",
            "A will without a delay is sent at every takeover, one with a delay at the latest when its session ends. Members \
             of a shared subscription that are away are passed over while another is connected.",
            "Retained messages are sent in the order in which they were published; Mosquitto goes through the topics as a tree.",
            "After SIGHUP, errors in the configuration, the password file or the ACL file are logged and the rules in \
             force stay; Mosquitto ends when one of the latter two cannot be read.",
            "`allow_duplicate_messages`, `max_packet_size` and the other limits are all read again at SIGHUP, and so are \
             log_dest and log_type, certificates, keys and revocation lists. A listener keeps its protocol, its TLS options and its \
             websockets_origin until the next start.",
            "In an ACL file, a pattern with `%c` or `%u` grants nothing to a client id or user name that is empty or has a \
             `/` in it, as in 2.1.2; with 2.0 the client `a/b` gets into the topics of `a`. `pattern deny` applies to such names too, and \
             where a name makes a topic begin with `$`; in 2.1.2 it does not.",
            "A client certificate is refused when a revocation list of its issuer names it, unless a newer list is in force, and when a \
             list names a CA above it. Mosquitto, by OpenSSL, asks one list and about the client's certificate alone, and takes a \
             delta list for a whole one.",
            "A unix socket at which somebody answers is not taken over, and a pid_file is written once the listeners are \
             open: a second broker with the same configuration ends and leaves both as they are.",
            "Called `mosquitto`, the program gives its version as 2.1.2; as `moskit broker` it says its own.",
        ],
        see_also: &["moskit(1)", "moskit-pub(1)", "moskit-sub(1)", "mosquitto.conf(5)"],
    },
};

/// The options of mosquitto.conf, by what becomes of them.
fn configuration_section() -> Section {
    let (mut obeyed, mut others) = (Vec::new(), Vec::<(String, String)>::new());
    for (name, standing) in config::known_options() {
        let meaning = match standing {
            Standing::Heeded => {
                obeyed.push(name);
                continue;
            }
            Standing::Own(meaning) => format!("moskit's own, unknown to Mosquitto: {meaning}."),
            Standing::Ignored(because) => format!("Ignored, with a warning: {because}."),
            Standing::Refused(because) => format!("Refused: {because}."),
        };
        match others.iter_mut().find(|(_, known)| *known == meaning) {
            Some((names, _)) => names.extend([", ", name]),
            None => others.push((name.to_owned(), meaning)),
        }
    }
    let obeyed = (obeyed.join(", "), "Obeyed, as mosquitto.conf(5) says.".to_owned());
    Section {
        title: "CONFIGURATION",
        text: "What becomes of the options of mosquitto.conf:",
        rows: std::iter::once(obeyed).chain(others).collect(),
    }
}

/// What `--fault help` lists.
fn faults_section() -> Section {
    let rows = fault::HELP.iter().map(|(form, meaning)| ((*form).to_owned(), format!("{}.", capitalized(meaning))));
    Section {
        title: "FAULTS",
        text: "What --fault takes. The option may be repeated; the first fault that fits a packet is the one that happens. A form \
               with … in front is added to one of the others. `on=` names a packet type.",
        rows: rows.collect(),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let ended = run_as(invocation, term);
    // Mosquitto says it on every way out; a broker that ran has said it in its log.
    if invocation.as_mosquitto
        && let Err(failure) = ended
    {
        failure.show(term);
        render::terminating(term);
        return Err(Failure::silent(failure.exit));
    }
    ended
}

fn run_as(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    if invocation.as_mosquitto {
        drop_in::read(&invocation.words).map_err(|ended| {
            if let Some(text) = ended.shown {
                render::text(&text.text(), term);
            }
            ended.failure
        })?;
    }
    let matches = APPLET.parse(invocation, term)?;
    let options = options::read(&matches)?;
    if options.lists_faults {
        render::faults(term);
        return Ok(Exit::OK);
    }
    if options.test_config {
        return test_config(&options, invocation.as_mosquitto, term);
    }
    let configuration = match &options.config {
        Some(file) => load::configuration(file, load::Files::All).map_err(|error| sentences::load(&error))?,
        None => Configuration::default(),
    };
    let overrides = overrides(&options);
    if options.import.is_some() || options.export.is_some() {
        return move_state(&options, configuration, &overrides, term);
    }
    if options.daemon && std::env::var_os(IS_DAEMON).is_none() {
        return go_to_background(invocation);
    }
    let version = if invocation.as_mosquitto { drop_in::VERSION } else { VERSION };
    serve(&options, configuration, overrides, version, term)
}

/// `--import` and `--export`.
fn move_state(
    options: &Options,
    mut configuration: Configuration,
    overrides: &Overrides,
    term: &mut Term,
) -> Result<Exit, Failure> {
    overrides.apply(&mut configuration);
    let sync = configuration.persistence.sync;
    let store = configuration.persistence.path().ok_or_else(|| {
        Failure::new(Exit::USAGE, "no state file named").hint("--store FILE, or -c FILE with `persistence true`")
    })?;
    match (&options.import, &options.export) {
        (Some(from), _) => {
            let identity = wanted_identity(&configuration)?;
            let keeper = identity.map(|identity| user::numbers(&identity).map_err(|why| stays(&identity, why)));
            let keeper = keeper.transpose()?.map(|(owner, _groups)| owner);
            let imported = state_files::import(from, &store, sync, keeper)?;
            render::imported(from, &store, &imported, term);
            state_files::exit_of_import(from, &imported)
        }
        (None, Some(to)) => {
            let exported = state_files::export(&store, to, sync)?;
            render::exported(to, &exported, term);
            Ok(Exit::OK)
        }
        (None, None) => Ok(Exit::OK),
    }
}

/// `--test-config`: whether the broker would start, but for its sockets.
fn test_config(options: &Options, as_mosquitto: bool, term: &mut Term) -> Result<Exit, Failure> {
    const NO_FILE: &str = "Please provide a configuration file to test.";
    let Some(file) = &options.config else {
        let failure = Failure::verbatim(Exit::USAGE, format!("{NO_FILE}\n"));
        return Err(if as_mosquitto { drop_in::stamp(failure) } else { failure });
    };
    let mut configuration = load::configuration(file, load::Files::All).map_err(|error| sentences::load(&error))?;
    for notice in &configuration.notices {
        render::remark(&sentences::notice(notice).1, as_mosquitto, term);
    }
    let local_only = overrides(options).apply(&mut configuration);
    // Who the broker will be decides what it can read.
    if let Some(identity) = wanted_identity(&configuration)? {
        become_user(&identity).map_err(|failure| if as_mosquitto { drop_in::stamp(failure) } else { failure })?;
    }
    let doubts = start::rehearse(&configuration, local_only).map_err(|error| {
        let failure = sentences::not_started(&error);
        if as_mosquitto { drop_in::stamp(failure) } else { failure }
    })?;
    for doubt in &doubts {
        render::remark(&sentences::doubt(doubt), as_mosquitto, term);
    }
    render::configuration_is_right(as_mosquitto, term);
    if as_mosquitto { Err(Failure::silent(Exit::OK)) } else { Ok(Exit::OK) }
}

/// What the command line changes in a configuration.
fn overrides(options: &Options) -> Overrides {
    let log_types = match options {
        Options { quiet: true, .. } => Some(LogTypes::NONE),
        Options { verbose: true, .. } => Some(LogTypes::ALL),
        // The command beside the broker has the word.
        options if options.has_command() && options.config.is_none() => Some(LogTypes::ERROR.with(LogTypes::WARNING)),
        _ => None,
    };
    let local_ports = match options.ports.as_slice() {
        [] if options.has_command() => vec![0],
        [] => vec![1883],
        ports => ports.to_vec(),
    };
    Overrides {
        store: options.store.clone(),
        sync: options.store_sync,
        log_types,
        local_ports,
        persistence_location: std::env::var_os(PERSISTENCE_LOCATION).map(PathBuf::from),
        ..Overrides::default()
    }
}

/// Goes before `persistence_location`.
const PERSISTENCE_LOCATION: &str = "MOSQUITTO_PERSISTENCE_LOCATION";

/// Set for the copy of the program that goes on in the background.
const IS_DAEMON: &str = "MOSKIT_IS_DAEMON";

/// The copy has no terminal and no parent that waits for it; this process has done its work.
fn go_to_background(invocation: &Invocation) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::FAILED, format!("cannot go to the background: {}", crate::net::reason(&error)))
    };
    let mut copy = Command::new(std::env::current_exe().map_err(failed)?);
    let name = invocation.as_mosquitto.then(|| invocation.program.as_ref());
    if name.is_none() {
        copy.arg(APPLET.name);
    }
    copy.args(&invocation.words).env(IS_DAEMON, "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process::start_in_background(copy, name).map_err(failed)?;
    Ok(Exit::OK)
}

fn serve(
    options: &Options,
    mut configuration: Configuration,
    mut overrides: Overrides,
    version: &'static str,
    term: &mut Term,
) -> Result<Exit, Failure> {
    if std::env::var_os(IS_DAEMON).is_some() {
        process::leave_session();
    }
    let faults = Faults::parse(options.faults.iter().map(String::as_str))
        .map_err(|problem| Failure::new(Exit::USAGE, problem.to_string()).hint("moskit broker --fault help"))?;
    if faults.certificate.is_some() && !options.tls {
        return Err(Failure::new(Exit::USAGE, "a fault of the certificate needs --tls"));
    }
    if (options.tls || options.login) && !configuration.is_local_only() {
        let option = if options.tls { "--tls" } else { "--login" };
        return Err(Failure::new(Exit::USAGE, format!("{option} is for a broker without configured listeners"))
            .hint("give the listener files of its own: moskit certgen and moskit passwd make them"));
    }
    let throw_away = ThrowAway::make(options.tls, faults.certificate, options.login)?;
    if let Some(made) = &throw_away {
        if made.has_certificates {
            overrides.local_tls = certificates::listener_options(made.folder());
        }
        overrides.local_passwords = made.login.as_ref().map(|login| login.file().to_owned());
    }
    let local_only = overrides.apply(&mut configuration);
    set_umask()?;
    drop_privilege(&configuration, version, term)?;
    let pid_file = configuration.pid_file.clone();
    let plan = Plan { configuration, local_only, faults, version, tls_keylog: options.tls_keylog.clone() };
    let announced = announce::Origin { file: options.config.clone(), as_mosquitto: version == drop_in::VERSION };
    let mut started = crate::cmd::host::start::start(plan, &announced, term.err_is_terminal())?;
    // Not before: another broker with this configuration would lose its own to one that cannot listen.
    let pid_file = pid_file.map(PidFile::write).transpose()?;
    if let Some(login) = throw_away.as_ref().and_then(|made| made.login.as_ref()) {
        started.urls = started.urls.iter().map(|url| login.in_url(url)).collect();
    }
    let ready = Ready {
        print: options.print_url,
        file: options.ready_file.as_deref(),
        urls: started.urls.clone(),
        hold_password: options.login,
    };
    let origin = Origin { file: options.config.clone(), overrides, version, throw_away };
    let ended = serve::serve(started, origin, options, || ready.show(term));
    drop(pid_file);
    ended
}

/// `UMASK_SET`, in octal.
fn set_umask() -> Result<(), Failure> {
    let Some(text) = std::env::var_os("UMASK_SET") else { return Ok(()) };
    let mode = text.to_str().and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mode| *mode <= 0o777);
    let mode = mode.ok_or_else(|| {
        Failure::new(Exit::USAGE, format!("UMASK_SET is `{}`, not an octal number up to 777", text.display()))
    })?;
    process::set_umask(mode).map_err(|error| Failure::new(Exit::USAGE, format!("UMASK_SET cannot be obeyed: {error}")))
}

/// Who root is to become, if anybody.
fn wanted_identity(configuration: &Configuration) -> Result<Option<Identity>, Failure> {
    if !account::is_root() {
        return Ok(None);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let (puid, pgid) = (variable("PUID"), variable("PGID"));
    Identity::choose(puid.as_deref(), pgid.as_deref(), configuration.user.as_deref())
        .map_err(|name| Failure::new(Exit::USAGE, format!("{name} is not the number of a user or group")))
}

/// Becomes the user of the environment or of the configuration. As Mosquitto, but only when one is named: a broker
/// that is tried out as root keeps its files where root put them.
fn drop_privilege(configuration: &Configuration, version: &str, term: &mut Term) -> Result<(), Failure> {
    let Some(identity) = wanted_identity(configuration)? else { return Ok(()) };
    become_user(&identity)?;
    let program = version.split(' ').next().unwrap_or_default();
    render::runs_as(program, &identity, term);
    Ok(())
}

/// Root is more than anybody asked for, so a broker that cannot become its user does not start.
fn become_user(identity: &Identity) -> Result<(), Failure> {
    user::become_user(identity).map_err(|reason| stays(identity, reason))
}

fn stays(identity: &Identity, reason: StayReason) -> Failure {
    let why = match reason {
        StayReason::Threads => "it has several threads already".to_owned(),
        StayReason::NoSuchUser => "there is no such user".to_owned(),
        StayReason::Io(error) => crate::net::reason(&error),
    };
    Failure::new(Exit::USAGE, format!("cannot run as user `{identity}`: {why}"))
        .hint("name another with `user` in the configuration; `user root` stays root")
}

/// Who is to be told that the broker accepts connections.
struct Ready<'a> {
    print: bool,
    file: Option<&'a Path>,
    urls: Vec<String>,
    /// With `--login`, whose password stands in the URLs.
    hold_password: bool,
}

impl Ready<'_> {
    fn show(&self, term: &mut Term) -> Result<(), Failure> {
        if let Some(path) = self.file {
            let text = format!("{}\n", self.urls.first().map_or("", String::as_str));
            let permission = if self.hold_password { Permission::Exactly(0o600) } else { Permission::KeepOr(0o644) };
            whole_file::replace(path, text.as_bytes(), permission).map_err(|error| {
                let why = crate::net::reason(&error.cause);
                Failure::new(Exit::FAILED, format!("cannot write the ready file `{}`: {why}", path.display()))
            })?;
        }
        if self.print {
            render::urls(&self.urls, term);
            output::deliver(term)?;
        }
        Ok(())
    }
}

/// A file with the number of this process; dropped, it is gone, unless another process has written its own there.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf) -> Result<Self, Failure> {
        fs::write(&path, Self::text()).map_err(|error| {
            let why = crate::net::reason(&error);
            Failure::verbatim(Exit::FAILED, format!("Error: Unable to write pid file '{}' ({why}).\n", path.display()))
        })?;
        Ok(Self(path))
    }

    fn text() -> String {
        format!("{}\n", std::process::id())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.0).is_ok_and(|text| text == Self::text()) {
            // Nobody is left to be told that it could not be removed.
            let _ = fs::remove_file(&self.0);
        }
    }
}
