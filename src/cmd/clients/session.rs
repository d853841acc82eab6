//! From a plan to what connects, as often as needed, and what is told when it does not.

use std::future::{Future, pending};
use std::time::Duration;

use bytes::Bytes;

use super::debug_lines::Nameless;
use super::ending;
use super::plan::{Bounds, Plan};
use super::stop::Stop;
use super::tokens::Tokens;
use crate::client::{Client, Ending, StartError};
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::login;
use crate::cmd::connect::outcome::{self, Outcome};
use crate::cmd::connect::runtime::{block_on, listen};
use crate::cmd::host::embedded::Embedded;
use crate::diagnose::{self, About, Attempted, Finding, Sent};
use crate::examine::{files, token};
use crate::mqtt::packet::{ConnAck, Disconnect, Properties, ReasonCode};
use crate::mqtt::session::Session;
use crate::net::tls;
use crate::net::{Endpoint, Route};
use crate::oauth::OAuthError;
use crate::os::signal::SignalKind;
use crate::probe::{Probe, instead};
use crate::scram::{Credentials, Mechanism};
use crate::term::{Exit, Failure, Foreign, Secret, Term, signals_are_taken};

/// How long each question may take to what answered in a broker's place.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Everything that is needed to connect, as often as needed.
pub struct Setup {
    plan: Box<Plan>,
    /// Those that are tried in turn; one at least.
    routes: Vec<Route>,
    /// The one that led to the broker last.
    reached: usize,
    /// Those of several that were asked for the present connection, and do not lead to one.
    passed_over: Vec<usize>,
    /// What they said, for the case that none is left.
    refusals: Vec<String>,
    /// Runs for as long as the client does.
    _embedded: Option<Embedded>,
    /// The login, where it is none that CONNECT carries.
    credentials: Option<Credentials>,
    /// The token that is the password, where it is one that is asked for.
    tokens: Option<Tokens>,
    /// What CONNECT carries last, for who has to say why it was refused.
    password: Option<Secret>,
    /// Neither a name of Mosquitto's nor `--quiet` forbids to say more than Mosquitto does.
    explains_more: bool,
}

impl Setup {
    /// Reads the files that the plan names, asks for what it leaves to be asked, and starts the broker that it wants.
    pub fn new(mut plan: Box<Plan>, term: &mut Term) -> Result<Self, Failure> {
        let connection = &plan.connection;
        let tokens = connection.login.grant().cloned().map(Tokens::new);
        let password = |term: &mut Term| if tokens.is_some() { Ok(None) } else { connection.login.first(term) };
        // A question takes the signals from their default action, and a file that is read after it may be a pipe: it comes last.
        let known = if connection.login.is_asked_for() { None } else { Some(password(term)?) };
        let embedded = connection.start_embedded(term)?;
        let mut routes = connection.routes(embedded.as_ref(), term)?;
        let tls = connection.tls_client(term)?;
        for route in &mut routes {
            route.tls.clone_from(&tls);
            if let Some(step) = plan.bounds.step {
                route.timeout = step;
            }
        }
        let password = match known {
            Some(password) => password,
            None => password(term)?,
        };
        let mut credentials = None;
        match plan.connection.auth_method {
            None => plan.connect.password = password.as_ref().map(bytes),
            Some(method) => {
                let made = credentials_for(method, &plan, password.as_ref().map_or(&[], Secret::expose))?;
                plan.connect.username = Some(made.user().into());
                credentials = Some(made);
            }
        }
        let explains_more = !plan.as_mosquitto && !term.is_quiet();
        Ok(Self {
            plan,
            routes,
            reached: 0,
            passed_over: Vec::new(),
            refusals: Vec::new(),
            _embedded: embedded,
            credentials,
            tokens,
            password,
            explains_more,
        })
    }

    fn route(&self) -> &Route {
        &self.routes[self.reached]
    }

    pub fn verb(&self) -> Verb {
        self.plan.verb
    }

    /// Under one of Mosquitto's names.
    pub fn as_mosquitto(&self) -> bool {
        self.plan.as_mosquitto
    }

    /// What the log calls a client without an id.
    pub fn nameless(&self) -> Nameless {
        Nameless::new(self.plan.as_mosquitto)
    }

    /// What DISCONNECT carries.
    pub fn disconnect_properties(&self) -> &Properties {
        &self.plan.disconnect
    }

    /// How long is waited, and what is tried again.
    pub fn bounds(&self) -> &Bounds {
        &self.plan.bounds
    }

    /// The client id was chosen by the user.
    pub fn has_own_id(&self) -> bool {
        self.plan.has_own_id
    }

    /// Somebody looks: what becomes of the connection is told.
    pub fn is_watched(&self) -> bool {
        self.plan.is_watched
    }

    /// A session that has not connected yet.
    pub fn session(&mut self) -> Session {
        let mut session = Session::new(self.plan.connect.clone(), self.plan.max_inflight);
        session.set_tracing(self.plan.connection.debug);
        session.set_lenient(self.plan.as_mosquitto);
        if let Some(credentials) = &self.credentials {
            session.set_credentials(credentials.clone());
        }
        if let Some(limit) = self.plan.bounds.answer {
            session.set_connack_limit(limit);
        }
        session
    }

    /// Before each connection: a token for it, where one is to be asked for and there is none that no connection was made with.
    pub async fn fetch_token(&mut self, session: &mut Session) -> Result<(), Stop> {
        if let Some(tokens) = &mut self.tokens
            && let Some(token) = tokens.for_connection().await.map_err(Stop::NoToken)?
        {
            self.set_password(token, session);
        }
        Ok(())
    }

    /// Waits until a token has come in place of one that is about to expire, if that is ever to be. It may be left at any point.
    pub async fn token_renewed(&mut self) -> Result<Secret, OAuthError> {
        match &mut self.tokens {
            Some(tokens) => tokens.renewed().await,
            None => pending().await,
        }
    }

    /// How long the token is good that the connection was made with.
    pub fn token_left(&self) -> Option<Duration> {
        self.tokens.as_ref().and_then(Tokens::left)
    }

    /// The broker has accepted the login.
    pub fn note_accepted(&mut self) {
        if let Some(tokens) = &mut self.tokens {
            tokens.note_used();
        }
    }

    /// The password of the connections to come.
    pub fn set_password(&mut self, password: Secret, session: &mut Session) {
        session.set_password(bytes(&password));
        self.password = Some(password);
    }

    /// No token came.
    pub fn no_token(&self, error: &OAuthError) -> Failure {
        match &self.tokens {
            Some(tokens) => login::not_granted(error, tokens.grant()),
            None => Failure::silent(Exit::FAILED),
        }
    }

    /// Reaches a broker, within the time for that, by the first way that leads to one.
    pub async fn connect(&mut self, client: &mut Client) -> Result<(), StartError> {
        self.passed_over.clear();
        self.refusals.clear();
        self.connect_to_one_left(client).await
    }

    /// The user has named more than one.
    pub fn has_several_hosts(&self) -> bool {
        self.routes.len() > 1
    }

    /// The broker that was reached takes nobody for now, for this reason: whether there is another host to be asked.
    pub fn pass_over(&mut self, why: &str) -> bool {
        if !self.has_several_hosts() || self.passed_over.len() == self.routes.len() {
            return false;
        }
        self.passed_over.push(self.reached);
        if self.passed_over.len() == self.routes.len() {
            return false;
        }
        self.refusals.push(format!("{}: {why}", self.route().endpoint));
        true
    }

    /// Reaches one of the hosts that have not been asked yet. If none of them can be, that is one more thing to say of them.
    pub async fn connect_to_one_left(&mut self, client: &mut Client) -> Result<(), StartError> {
        let is_left = |index: &usize| !self.passed_over.contains(index);
        let left: Vec<_> = (0..self.routes.len()).filter(is_left).collect();
        let routes: Vec<_> = left.iter().map(|index| &self.routes[*index]).collect();
        match client.connect(&routes, self.plan.bounds.connect).await {
            Ok(place) => {
                self.passed_over.extend_from_slice(&left[..place]);
                self.reached = left[place];
                Ok(())
            }
            Err(error) => {
                // What the one that was reached has said is the end itself, and these are the others.
                self.refusals.pop();
                if let StartError::Connect(error) = &error {
                    self.refusals.push(Foreign::new(&error.to_string()).to_string());
                }
                self.passed_over.extend_from_slice(&left);
                Err(error)
            }
        }
    }

    /// The first connection did not come about.
    pub async fn not_connected(&self, error: &StartError) -> Failure {
        self.explained(ending::not_connected(error, &self.attempted())).await
    }

    /// A lost connection could not be made again, and that is the end.
    pub async fn not_connected_again(&self, error: &StartError) -> Failure {
        self.explained(ending::not_connected_again(error, &self.attempted())).await
    }

    /// The connection ended, and with it the program: why, as far as what is left of it tells.
    pub async fn lost(&self, client: &mut Client, accepted: bool, ending: &Ending) -> Failure {
        let (unacknowledged, unconfirmed) = (client.session().unacknowledged(), client.session().unconfirmed());
        let remains = if accepted { None } else { Some(client.remains().await) };
        // What the session has to say about it goes out before the connection is closed.
        client.close().await;
        let sent = self.sent();
        let under_way = ending::UnderWay { unacknowledged, unconfirmed };
        let mut explanation = ending::lost(ending, remains.as_ref(), sent, under_way, &self.attempted());
        if let (false, (.., Some(finding)), Some(hop)) = (accepted, &mut explanation, &self.route().proxy) {
            // What answered may be the proxy itself.
            finding.what = format!("{}, by way of the proxy {}", finding.what, hop.proxy);
        }
        self.explained(explanation).await
    }

    /// Under our own name: what Mosquitto's clients keep to themselves is told.
    pub fn explains_more(&self) -> bool {
        self.explains_more
    }

    /// What CONNECT says of the login.
    fn sent(&self) -> Sent {
        let sent = Sent::from(&self.plan.connect);
        Sent { scram: self.plan.connection.auth_method, password: sent.password || self.tokens.is_some(), ..sent }
    }

    /// The broker refused CONNECT.
    pub fn refused(&self, connack: &ConnAck) -> Failure {
        let own = self.tls().and_then(tls::Options::own_certificate);
        let mut finding = diagnose::refused(self.sent(), connack, own.as_ref());
        if let Some(finding) = finding.as_mut().filter(|_| !self.refusals.is_empty()) {
            let (host, what, others) = (&self.route().endpoint, &finding.what, self.refusals.join("; "));
            finding.what = format!("{host}: {what} (the other hosts: {others})");
        }
        if self.plan.login_was_encoded
            && let Some(finding) = &mut finding
        {
            let before = finding.fix.take().map(|fix| format!("{fix}; ")).unwrap_or_default();
            finding.fix = Some(format!("{before}the login of an URL is percent-decoded: write a % in it as %25"));
        }
        if is_about_login(ReasonCode(connack.code)) {
            if let (Some(tokens), Some(finding)) = (&self.tokens, &mut finding) {
                finding.fix = Some(format!(
                    "is the token of {} meant for this broker (--oauth-audience, --oauth-scope), and is -u what it wants beside it? moskit check shows what it is",
                    tokens.grant().url
                ));
            }
            finding = self.token_fault("the broker refuses the login").or(finding);
        }
        ending::refused(self.plan.verb, self.plan.version(), connack, finding)
    }

    /// The broker said DISCONNECT, and that was the end.
    pub fn disconnected(&self, disconnect: &Disconnect) -> Failure {
        let is_about_login = disconnect.reason == ReasonCode::NOT_AUTHORIZED;
        let fault = if is_about_login { self.token_fault("the broker ended the connection") } else { None };
        ending::disconnected(disconnect, fault)
    }

    /// What is wrong with the token that is the password, if it is one and anything is; `before` is what the broker did.
    /// Mosquitto's names say nothing of it.
    fn token_fault(&self, before: &str) -> Option<Finding> {
        let password = self.password.as_ref().filter(|_| self.explains_more && self.credentials.is_none())?;
        let finding = token::fault(password.expose(), self.attempted().now)?;
        Some(Finding { what: format!("{before}, and {}", finding.what), ..finding })
    }

    /// The failure with its cause, for which the place is looked at once more where the connection alone
    /// does not tell. Not under Mosquitto's names: a drop-in does not connect more often than the original.
    async fn explained(&self, (exit, line, finding): ending::Explanation) -> Failure {
        let finding = match finding {
            Some(finding) if self.explains_more => {
                let probe = Probe { route: self.route(), time_limit: SECOND_LOOK };
                let finding = Box::pin(instead::look_again(probe, finding)).await;
                let may_be_own = matches!(finding.about, Some(About::OwnCertificate | About::Closed));
                let own = self.tls().filter(|_| may_be_own);
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
            endpoint: &self.route().endpoint,
            tls: self.tls(),
            websocket: self.route().websocket.as_ref(),
            now: since_1970.as_secs().cast_signed(),
        }
    }

    fn tls(&self) -> Option<&tls::Options> {
        self.plan.connection.tls.as_ref()
    }

    /// The host that was reached last.
    pub fn endpoint(&self) -> &Endpoint {
        &self.route().endpoint
    }

    /// The broker as the user named it.
    pub fn host(&self) -> &str {
        self.route().endpoint.host().unwrap_or_default()
    }

    /// Before each connection but the first: a password that a command prints is fetched anew, and so is a token.
    pub async fn renew_login(&mut self, session: &mut Session) -> Result<(), Stop> {
        self.fetch_token(session).await?;
        if let Some(password) = self.plan.connection.login.renewed().await? {
            match self.plan.connection.auth_method {
                None => self.set_password(password, session),
                Some(method) => session.set_credentials(credentials_for(method, &self.plan, password.expose())?),
            }
        }
        Ok(())
    }
}

fn bytes(password: &Secret) -> Bytes {
    Bytes::copy_from_slice(password.expose())
}

/// Whether the broker minds who wants to come in: 4 and 5 before version 5 are what 134 and 135 are in it.
fn is_about_login(reason: ReasonCode) -> bool {
    matches!(reason.0, 4 | 5) || matches!(reason, ReasonCode::BAD_USER_NAME_OR_PASSWORD | ReasonCode::NOT_AUTHORIZED)
}

/// The login for SCRAM, whose user name stands in CONNECT.
fn credentials_for(method: Mechanism, plan: &Plan, password: &[u8]) -> Result<Credentials, Failure> {
    let user = plan.connect.username.as_deref().unwrap_or_default();
    Credentials::new(method, user.as_bytes(), password).map_err(|error| {
        let line = format!("Error: {}\n", Outcome::Auth.text());
        outcome::failure(Exit(Outcome::Auth as u8), &line, Some(diagnose::scram::credentials(error)))
    })
}

/// Runs a client's work on this thread. Signals that a prompt has taken from their default end it here, but for
/// those that the work itself listens for: see [`super::signals::Signals::of`], which has the same `keeps`.
pub fn run<T>(verb: Verb, keeps: bool, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    block_on(async {
        if !signals_are_taken() {
            return work.await;
        }
        let mut hangup = listen(SignalKind::hangup())?;
        let mut quit = listen(SignalKind::quit())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let ends_itself = verb == Verb::Sub || keeps;
        let kind = tokio::select! {
            done = work => return done,
            _ = hangup.recv(), if !keeps => SignalKind::hangup(),
            _ = quit.recv() => SignalKind::quit(),
            _ = interrupt.recv(), if !ends_itself => SignalKind::interrupt(),
            _ = terminate.recv(), if !ends_itself => SignalKind::terminate(),
        };
        Err(Failure::silent(Exit(128 + kind.as_raw_value() as u8)))
    })
}
