//! From checked arguments to a route and a session: what pub, sub, rr and our own connecting verbs share.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::broker::embedded::{self, Embedded};
use super::client_args::{ClientArgs, TlsArgs, Verb};
use super::client_checks::SessionPlan;
use super::connect_packet;
use super::outcome::Outcome;
use super::probe::{Probe, instead};
use super::{Invocation, check, debug_lines, ending, login};
use crate::client::{Client, Ending, StartError};
use crate::diagnose::{self, Attempted, Finding};
use crate::mqtt::packet::{ConnAck, Connect, Disconnect, Properties, ProtocolVersion, ReasonCode};
use crate::mqtt::session::Session;
use crate::net::endpoint::EndpointError;
use crate::net::tls::{self, Checks, FileRole, OptionsError, Suites, Version};
use crate::net::websocket::Opening;
use crate::net::{Endpoint, Route};
use crate::os::signal::{Signal, SignalKind, signal};
use crate::pki::certificate::Certificate;
use crate::pki::read::{self, ReadError, ReadProblem};
use crate::term::{AskError, Exit, Failure, Term, signals_are_taken};

/// The port that stands for TLS even where no TLS option is given.
const TLS_PORT: i32 = 8883;

/// How long each question may take to what answered in a broker's place.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Everything that is needed to connect, as often as needed.
pub struct Setup {
    pub route: Route,
    connect: Connect,
    tls: Option<tls::Options>,
    websocket: bool,
    max_inflight: u16,
    debug: bool,
    looks_again: bool,
    login: login::Login,
    /// Runs for as long as the client does.
    _embedded: Option<Embedded>,
}

impl Setup {
    /// A session that has not connected yet.
    pub fn session(&mut self) -> Session {
        let mut session = Session::new(self.connect.clone(), self.max_inflight);
        session.set_tracing(self.debug);
        session
    }

    /// Connects for the first time; a failure ends the program.
    pub async fn start(&self, client: &mut Client) -> Result<(), Failure> {
        match client.connect(&self.route).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(ending::not_connected(&error, &self.attempted())).await),
        }
    }

    /// A lost connection could not be made again, and that is the end.
    pub async fn not_connected_again(&self, error: &StartError) -> Failure {
        self.explained(ending::not_connected_again(error, &self.attempted())).await
    }

    /// The connection ended, and with it the program: why, as far as what is left of it tells.
    pub async fn lost(&self, client: &mut Client, accepted: bool, ending: &Ending) -> Failure {
        let remains = if accepted { None } else { Some(client.remains().await) };
        // What the session has to say about it goes out before the connection is closed.
        client.close().await;
        self.explained(ending::lost(ending, remains.as_ref(), &self.attempted())).await
    }

    /// Under our own name: what Mosquitto's clients keep to themselves is told.
    pub fn tells_more(&self) -> bool {
        self.looks_again
    }

    /// The broker refused CONNECT.
    pub fn refused(&self, verb: Verb, connack: &ConnAck) -> Failure {
        let own = own_certificate(self.tls.as_ref());
        let finding = diagnose::refused(self.version(), connack, own.as_ref());
        ending::refused(verb, self.version(), connack, finding)
    }

    /// The failure with its cause, for which the place is looked at once more where the connection alone
    /// does not tell. Not under Mosquitto's names: a drop-in does not connect more often than the original.
    async fn explained(&self, (exit, line, finding): ending::Told) -> Failure {
        let finding = match finding {
            Some(finding) if self.looks_again => {
                let probe = Probe { route: &self.route, patience: SECOND_LOOK };
                let in_clear = self.tls.is_none() && !self.websocket;
                let finding = instead::look_again(probe, finding, in_clear).await;
                let own = self.tls.as_ref().filter(|_| finding.id.starts_with("client."));
                Some(own.and_then(|tls| check::fault_of_own(tls, self.attempted().now)).unwrap_or(finding))
            }
            finding => finding,
        };
        ending::failure(exit, &line, finding)
    }

    fn attempted(&self) -> Attempted<'_> {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Attempted {
            endpoint: &self.route.endpoint,
            tls: self.tls.as_ref(),
            websocket: self.websocket,
            now: since_1970.as_secs().cast_signed(),
        }
    }

    /// The broker as the user named it.
    pub fn host(&self) -> &str {
        self.route.endpoint.host().unwrap_or_default()
    }

    pub fn version(&self) -> ProtocolVersion {
        self.connect.version
    }

    /// Before each connection but the first: a password that a command prints is fetched anew.
    pub fn renew_login(&self, session: &mut Session, term: &mut Term) -> Result<(), Failure> {
        if let Some(password) = self.login.renewed(term)? {
            session.set_password(bytes::Bytes::copy_from_slice(password.expose()));
        }
        Ok(())
    }
}

/// `--psk`, where there is none.
pub fn refuse_pre_shared_key(args: &ClientArgs) -> Result<(), Failure> {
    if args.tls.psk.is_none() || args.tls.no_tls {
        return Ok(());
    }
    let cause = "TLS with pre-shared keys, which rustls does not offer, is only for pub, sub and rr of a build with the cargo feature psk";
    let failure = pre_shared_key_problem().cause(cause, "option.unsupported");
    Err(failure.hint("use certificates (moskit certgen init makes them), or cargo install moskit --features psk"))
}

fn pre_shared_key_problem() -> Failure {
    Failure::verbatim(Exit::FAILED, "Error: Problem setting TLS-PSK options.\n").quietable()
}

/// Turns the arguments into a route and a CONNECT; reads the files they name.
pub fn prepare(verb: Verb, invocation: &Invocation, args: &ClientArgs, term: &mut Term) -> Result<Setup, Failure> {
    refuse_missing_parts(args)?;
    #[cfg(not(feature = "psk"))]
    refuse_pre_shared_key(args)?;
    let plan = SessionPlan::of(verb, args);
    let login = login::Login::new(args.password.as_ref());
    let password = login.first(term)?;
    let connect = connect_packet::build(verb, args, plan, password.as_ref())?;
    let tls = tls_wanted(invocation, args, term)?;
    let embedded = match &args.embedded {
        Some(configuration) => Some(embedded::start(configuration.as_deref(), term)?),
        None => None,
    };
    let tls_client = tls.as_ref().map(|options| tls_client(args, options, term)).transpose()?;
    let mut route = route(args, embedded.as_ref())?;
    route.tls = tls_client;
    Ok(Setup {
        route,
        connect,
        tls,
        websocket: args.websockets,
        max_inflight: args.max_inflight,
        debug: args.debug,
        looks_again: !invocation.as_mosquitto && !term.is_quiet(),
        login,
        _embedded: embedded,
    })
}

/// Options that this program cannot follow, or not yet: one clear error each.
pub fn refuse_missing_parts(args: &ClientArgs) -> Result<(), Failure> {
    let tls = &args.tls;
    let refuse = |line: String, cause: &str, hint: &str| {
        let failure = Failure::verbatim(Exit::FAILED, line).quietable().cause(cause, "option.unsupported");
        Err(if hint.is_empty() { failure } else { failure.hint(hint) })
    };
    if let Some(engine) = &tls.engine {
        return refuse(
            format!("Error: Problem setting TLS engine, is {engine} a valid engine?\n"),
            "OpenSSL engines do not exist in rustls, which does our TLS",
            "use a key in a file: --key FILE",
        );
    }
    if let Some(form) = tls.keyform.as_deref().filter(|form| *form != "pem") {
        return refuse(
            "Error: Problem setting key form, it must be one of 'pem' or 'engine'.\n".to_owned(),
            &format!("keys of the form `{form}` are not supported"),
            "use a key in a PEM file: --keyform pem --key FILE",
        );
    }
    Ok(())
}

/// The TLS configuration; what is wrong with it is a line of `-d` too.
pub fn tls_client(args: &ClientArgs, options: &tls::Options, term: &mut Term) -> Result<tls::Client, Failure> {
    let mut signal = None;
    let client = tls::Client::new(options, &mut |path, _| match passphrase(&args.tls, path, term) {
        Ok(passphrase) => passphrase,
        Err(number) => {
            signal = Some(number);
            None
        }
    });
    client.map_err(|error| {
        if let Some(number) = signal {
            return Failure::silent(Exit(128 + number));
        }
        if let Some(line) = tls_debug_line(&error, &args.tls).filter(|_| args.debug) {
            term.line(line);
        }
        tls_options_failure(&error)
    })
}

/// The route to the broker, without TLS.
pub fn route(args: &ClientArgs, embedded: Option<&Embedded>) -> Result<Route, Failure> {
    let host = args.host.as_deref().map_or_else(|| "localhost".into(), |host| host.to_string_lossy());
    let tls = &args.tls;
    let chooses_port = tls.cafile.is_some() || tls.capath.is_some() || tls.psk.is_some();
    let port = args.port.unwrap_or(if chooses_port { TLS_PORT } else { 1883 });
    let invalid = || connect_packet::unable_to_connect(Outcome::InvalidInput);
    let port = u16::try_from(port).map_err(|_| invalid())?;
    let endpoint = match embedded {
        Some(broker) => Endpoint::new(&broker.address.host, broker.address.port),
        None => Endpoint::new(&host, port),
    };
    let endpoint = endpoint.map_err(|error| match error {
        EndpointError::HostEmpty if port != 0 => connect_packet::unable_to_connect(Outcome::Lookup),
        _ => invalid(),
    })?;
    let mut route = Route::new(endpoint);
    route.bind = args.bind_address.as_ref().map(|address| address.to_string_lossy().into_owned());
    // `--nodelay` or not: what we write is a batch already, and waiting for more only delays it.
    route.nodelay = true;
    route.proxy.clone_from(&args.proxy);
    route.websocket = args.websockets.then(Opening::default);
    Ok(route)
}

/// The TLS that the options ask for, if they do.
pub fn tls_wanted(
    invocation: &Invocation,
    args: &ClientArgs,
    term: &mut Term,
) -> Result<Option<tls::Options>, Failure> {
    let given = &args.tls;
    if given.no_tls {
        return Ok(None);
    }
    let lowest = lowest_version(given)?;
    #[cfg(feature = "psk")]
    if let Some(options) = pre_shared_key(given)? {
        return Ok(Some(options));
    }
    let named = given.cafile.is_some() || given.capath.is_some();
    if !named && !given.os_certs && args.port != Some(TLS_PORT) {
        return if given.cert.is_some() { tls_is_off(invocation, term) } else { Ok(None) };
    }
    let options = tls_options(given, lowest, !named || given.os_certs)?;
    if options.checks == Checks::Nothing {
        term.note("warning: --no-verify: the server's certificate is not checked at all");
    }
    Ok(Some(options))
}

/// The options of `--psk`, which stands in place of all certificates.
#[cfg(feature = "psk")]
fn pre_shared_key(given: &TlsArgs) -> Result<Option<tls::Options>, Failure> {
    let Some(key) = &given.psk else { return Ok(None) };
    let identity = given.psk_identity.as_deref().unwrap_or_default();
    let pre_shared_key = tls::psk::PreSharedKey::from_hex(identity, key.expose());
    let hint = "--psk takes hex digits without 0x, 512 bytes at most, and --psk-identity 127 bytes";
    Ok(Some(tls::Options {
        pre_shared_key: Some(pre_shared_key.ok_or_else(|| pre_shared_key_problem().hint(hint))?),
        suites: Suites { tls12: given.ciphers.clone(), ..Suites::default() },
        ..tls::Options::default()
    }))
}

/// A client certificate without anything that switches TLS on: Mosquitto goes on in clear without a
/// word. Under its names we do too, but say so; under ours it is an error.
fn tls_is_off(invocation: &Invocation, term: &mut Term) -> Result<Option<tls::Options>, Failure> {
    let finding =
        Finding::error("client.tls-off", "--cert and --key alone do not switch TLS on: the connection is in clear")
            .fix("add --cafile FILE, --capath DIR or --tls-use-os-certs");
    if invocation.as_mosquitto {
        term.note(format_args!("warning: {} [{}]", finding.what, finding.id));
        return Ok(None);
    }
    Err(finding.into_failure(Exit::FAILED))
}

fn invalid_tls_options() -> Failure {
    Failure::verbatim(Exit::FAILED, "Error: Problem setting TLS options, check the options are valid.\n").quietable()
}

/// `--tls-version` is judged even where nothing else switches TLS on.
fn lowest_version(given: &TlsArgs) -> Result<Version, Failure> {
    match given.version.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("tlsv1.2") => Ok(Version::Tls12),
        Some("tlsv1.3") => Ok(Version::Tls13),
        Some(_) => Err(invalid_tls_options().hint("--tls-version takes tlsv1.2 or tlsv1.3")),
    }
}

fn tls_options(given: &TlsArgs, minimum_version: Version, os_certificates: bool) -> Result<tls::Options, Failure> {
    let suites = match minimum_version {
        Version::Tls12 => Suites { tls12: given.ciphers.clone(), ..Suites::default() },
        Version::Tls13 => Suites { tls13: given.ciphers.clone(), ..Suites::default() },
    };
    let alpn = match &given.alpn {
        None => Vec::new(),
        Some(name) => vec![String::from_utf8(name.clone()).map_err(|_| invalid_tls_options())?],
    };
    Ok(tls::Options {
        cafile: given.cafile.clone(),
        capath: given.capath.clone(),
        os_certificates,
        identity: given.cert.clone().zip(given.key.clone()),
        alpn,
        minimum_version,
        suites,
        checks: match (given.no_verify, given.insecure) {
            (true, _) => Checks::Nothing,
            (false, true) => Checks::NotTheName,
            (false, false) => Checks::Everything,
        },
        keylog: given.keylog.clone().or_else(|| std::env::var_os("SSLKEYLOGFILE").map(Into::into)),
        #[cfg(feature = "psk")]
        pre_shared_key: None,
    })
}

/// What libmosquitto logs of TLS options that it cannot use.
fn tls_debug_line(error: &OptionsError, given: &TlsArgs) -> Option<String> {
    let unloaded = |what: &str, path: &Path| Some(format!("Error: Unable to load {what} \"{}\".", path.display()));
    match error {
        OptionsError::File { error, .. } if is_no_file(error) => None,
        OptionsError::File { role: FileRole::Cafile, error: ReadError { path, .. } }
        | OptionsError::Malformed { role: FileRole::Cafile, path } => unloaded("CA certificates, check cafile", path),
        OptionsError::File { role: FileRole::Certificate, error: ReadError { path, .. } }
        | OptionsError::Malformed { role: FileRole::Certificate, path } => unloaded("client certificate", path),
        OptionsError::File { role: FileRole::Key, error: ReadError { path, .. } }
        | OptionsError::KeyEncrypted { path, .. }
        | OptionsError::KeyNotDecrypted { path, .. }
        | OptionsError::KeyUnusable { path }
        | OptionsError::KeyMismatch { key: path, .. } => unloaded("client key file", path),
        OptionsError::Ciphers(_) => {
            let list = given.ciphers.as_deref().unwrap_or_default();
            Some(match lowest_version(given) {
                Ok(Version::Tls13) => {
                    format!("Error: Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"{list}\".")
                }
                _ => format!("Error: Unable to set TLS ciphers. Check cipher list \"{list}\"."),
            })
        }
        _ => None,
    }
}

/// For Mosquitto a folder in place of a file is as good as nothing.
fn is_no_file(error: &ReadError) -> bool {
    matches!(error.problem, ReadProblem::Missing | ReadProblem::Directory)
}

/// Mosquitto tells a missing file from everything else that is wrong with the TLS options.
fn tls_options_failure(error: &OptionsError) -> Failure {
    let line = match error {
        OptionsError::File { error, .. } if is_no_file(error) => {
            "Error: Problem setting TLS options: File not found.\n"
        }
        _ => "Unable to connect (A TLS error occurred).\n",
    };
    ending::failure(Exit::FAILED, line, Some(diagnose::tls::options(error)))
}

/// The certificate that we show, if there is one; whether it can be read was asked when it was loaded.
pub fn own_certificate(tls: Option<&tls::Options>) -> Option<Certificate> {
    let (path, _) = tls?.identity.as_ref()?;
    Certificate::parse(read::certificates(path).ok()?.first()?).ok()
}

/// The pass phrase of an encrypted key: from `--key-pass-file`, else asked for on the terminal. The error is the
/// number of a signal that ended the question.
pub fn passphrase(given: &TlsArgs, path: &Path, term: &mut Term) -> Result<Option<Zeroizing<Vec<u8>>>, u8> {
    let secret = match &given.key_pass_file {
        Some(file) => login::first_line_of(file).ok(),
        None => match term.ask_on_terminal(&format!("Enter pass phrase for {}: ", path.display())) {
            Ok(typed) => Some(typed),
            Err(AskError::Signal(number)) => return Err(number),
            Err(AskError::Read(_)) => None,
        },
    };
    Ok(secret.map(|secret| Zeroizing::new(secret.expose().to_vec())))
}

/// DISCONNECT with the properties given for it, its line of the log, and the end of the connection.
pub async fn leave(client: &mut Client, reason: ReasonCode, properties: &Properties, term: &mut Term) {
    term.flush();
    let disconnect = Disconnect { reason, properties: properties.clone() };
    // Properties that cannot be sent are no reason to leave without a word.
    if client.session().disconnect(&disconnect, Instant::now()).is_err() {
        let plain = Disconnect { reason, properties: Properties::new() };
        let _ = client.session().disconnect(&plain, Instant::now());
    }
    debug_lines::drain(client.session(), term);
    client.close().await;
}

/// Runs a client's work on this thread. Signals that a prompt has taken from their default end it here, but for
/// those that sub itself listens for.
pub fn run<T>(verb: Verb, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    block_on(async {
        if !signals_are_taken() {
            return work.await;
        }
        let mut hangup = listen(SignalKind::hangup())?;
        let mut quit = listen(SignalKind::quit())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let sub_ends_itself = verb == Verb::Sub;
        let kind = tokio::select! {
            done = work => return done,
            _ = hangup.recv() => SignalKind::hangup(),
            _ = quit.recv() => SignalKind::quit(),
            _ = interrupt.recv(), if !sub_ends_itself => SignalKind::interrupt(),
            _ = terminate.recv(), if !sub_ends_itself => SignalKind::terminate(),
        };
        Err(Failure::silent(Exit(128 + kind.as_raw_value() as u8)))
    })
}

/// Hears a signal from now on.
pub fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot listen for signals: {}", crate::net::reason(&error)))
    })
}

/// Runs a verb's work on this thread. Threads that still wait for standard input do not keep the
/// program from ending.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn typed(words: &str) -> ClientArgs {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        ClientArgs::read(Verb::Pub, true, &[], &words).unwrap()
    }

    #[test]
    fn the_port_follows_scheme_and_tls_options_but_not_no_tls() {
        for (words, port, websocket) in [
            ("", 1883, false),
            ("-L mqtt://h/t", 1883, false),
            ("-L mqtts://h/t", 8883, false),
            ("-L ws://h/t", 1883, true),
            ("-L wss://h/t", 8883, true),
            ("-L ws://h:80/t", 80, true),
            ("--ws", 1883, true),
            ("--cafile c", 8883, false),
            ("--capath c", 8883, false),
            ("--psk 00", 8883, false),
            ("--cafile c -p 7", 7, false),
            ("--cafile c --no-tls", 8883, false),
            ("--tls-use-os-certs", 1883, false),
            ("--cert c --key k", 1883, false),
        ] {
            let route = route(&typed(words), None).unwrap();
            let Endpoint::Tcp { port: chosen, .. } = route.endpoint else { panic!("{words}") };
            assert_eq!((chosen, route.websocket.is_some()), (port, websocket), "{words}");
        }
        assert_eq!(route(&typed("-p 0 -h /x"), None).unwrap().endpoint, Endpoint::unix("/x").unwrap());
    }

    fn tls_of(words: &str) -> tls::Options {
        let given = typed(words).tls;
        tls_options(&given, lowest_version(&given).unwrap(), given.os_certs).unwrap()
    }

    /// In Mosquitto, `--insecure` beside one of these options checks nothing at all.
    #[test]
    fn insecure_leaves_out_the_name_only_whatever_is_beside_it() {
        for words in ["--ciphers x", "--tls-version tlsv1.2", "--ciphers x --tls-version tlsv1.3", ""] {
            assert_eq!(tls_of(&format!("--insecure --cafile c {words}")).checks, Checks::NotTheName, "{words}");
        }
    }

    /// Mosquitto takes capitals for another version, and writes no secrets without a CA file.
    #[test]
    fn versions_have_any_case_and_secrets_are_written_for_every_kind_of_trust() {
        assert_eq!(tls_of("--cafile c --tls-version TLSv1.3").minimum_version, Version::Tls13);
        assert_eq!(tls_of("--cafile c --tls-version TLSV1.2").minimum_version, Version::Tls12);
        let options = tls_of("--tls-use-os-certs --tls-keylog k");
        assert_eq!((options.keylog.as_deref(), options.os_certificates), (Some(Path::new("k")), true));
    }
}
