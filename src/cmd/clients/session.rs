//! From checked arguments to a session, and its end: what pub, sub and rr share.

use std::future::Future;
use std::time::Duration;

use super::connect_packet;
use super::ending;
use crate::broker::host::embedded::{self, Embedded};
use crate::client::{Client, Ending, StartError};
use crate::cmd::applet::Invocation;
use crate::cmd::connect;
use crate::cmd::connect::args::{ClientArgs, PasswordSource, Verb};
use crate::cmd::connect::checks::SessionPlan;
use crate::cmd::connect::login;
use crate::cmd::connect::outcome;
use crate::cmd::connect::route::route;
use crate::cmd::connect::runtime::{block_on, listen};
use crate::diagnose::{self, Attempted};
use crate::examine::files;
use crate::mqtt::packet::{ConnAck, Connect, ProtocolVersion};
use crate::mqtt::session::Session;
use crate::net::Route;
use crate::net::tls;
use crate::os::signal::SignalKind;
use crate::probe::{Probe, instead};
use crate::term::{Exit, Failure, Term, signals_are_taken};

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
    login_was_encoded: bool,
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
        let own = self.tls.as_ref().and_then(tls::Options::own_certificate);
        let mut finding = diagnose::refused(self.version(), connack, own.as_ref());
        if self.login_was_encoded
            && let Some(finding) = &mut finding
        {
            let before = finding.fix.take().map(|fix| format!("{fix}; ")).unwrap_or_default();
            finding.fix = Some(format!("{before}the login of an URL is percent-decoded: write a % in it as %25"));
        }
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
                let own = own.filter(|tls| tls.identity_is_in_files());
                Some(own.and_then(|tls| files::fault_of_own(tls, self.attempted().now)).unwrap_or(finding))
            }
            finding => finding,
        };
        outcome::failure(exit, &line, finding)
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
    pub async fn renew_login(&self, session: &mut Session) -> Result<(), Failure> {
        if let Some(password) = self.login.renewed().await? {
            session.set_password(bytes::Bytes::copy_from_slice(password.expose()));
        }
        Ok(())
    }
}

/// Turns the arguments into a route and a CONNECT; reads the files they name.
pub fn prepare(verb: Verb, invocation: &Invocation, args: &ClientArgs, term: &mut Term) -> Result<Setup, Failure> {
    connect::tls::refuse_missing_parts(args)?;
    #[cfg(not(feature = "psk"))]
    connect::tls::refuse_pre_shared_key(args)?;
    let plan = SessionPlan::of(verb, args);
    let login = login::Login::new(args.password.as_ref());
    let connect = |term: &mut Term| {
        let password = login.first(term)?;
        connect_packet::build(verb, args, plan, password.as_ref())
    };
    // A question takes the signals from their default action, and a file that is read after it may be a pipe: it comes last.
    let is_asked_for = matches!(args.password, Some(PasswordSource::Prompt));
    let known = if is_asked_for { None } else { Some(connect(term)?) };
    let tls = connect::tls::tls_wanted(invocation, args, term)?;
    let embedded = match &args.embedded {
        Some(configuration) => Some(embedded::start(configuration.as_deref(), term)?),
        None => None,
    };
    let tls_client = tls.as_ref().map(|options| connect::tls::tls_client(args, options, term)).transpose()?;
    let mut route = route(args, embedded.as_ref())?;
    route.tls = tls_client;
    let connect = match known {
        Some(connect) => connect,
        None => connect(term)?,
    };
    Ok(Setup {
        route,
        connect,
        tls,
        websocket: args.websockets,
        max_inflight: args.max_inflight,
        debug: args.debug,
        looks_again: !invocation.as_mosquitto && !term.is_quiet(),
        login,
        login_was_encoded: args.login_was_encoded,
        _embedded: embedded,
    })
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
