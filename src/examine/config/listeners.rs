//! Where listeners listen: sockets that are taken by another, addresses that this machine does not have, and who may come
//! in.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::ciphers;
use super::scene::Scene;
use crate::broker::config::{Configuration, Listener, SocketDomain, TlsVersion};
use crate::diagnose::{Finding, shell};
use crate::examine::report::Stage;
use crate::net::endpoint::{PORT, TLS_PORT};
use crate::net::reason;
use crate::net::this_machine::is_loopback;
use crate::net::tls::Suites;
use crate::os;
use crate::pki::certificate::Certificate;
use crate::pki::read;

/// How long the name of a listener may take to be found.
const LOOKUP_MOST: Duration = Duration::from_secs(5);

/// Where a listener listens, for people.
pub fn place(listener: &Listener) -> String {
    match (&listener.unix_path, &listener.host) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(host)) if host.contains(':') => format!("[{host}]:{}", listener.port),
        (None, Some(host)) => format!("{host}:{}", listener.port),
        (None, None) => format!("*:{}", listener.port),
    }
}

/// Nobody on another machine can reach it.
fn is_local(listener: &Listener) -> bool {
    listener.unix_path.is_some() || listener.host.as_deref().is_some_and(is_loopback)
}

/// The listeners together.
pub fn together(configuration: &Configuration, scene: &Scene<'_>, stage: &mut Stage) {
    if configuration.is_local_only() {
        stage.found(
            Finding::note(
                "net.loopback-only",
                "there is no `listener` line: only programs on this machine can connect",
            )
            .fix("add `listener 1883`, and `allow_anonymous true` or a `password_file`"),
        );
        return;
    }
    let listeners = &configuration.listeners;
    stage.fact("listeners", listeners.iter().map(place).collect::<Vec<_>>());
    let addresses: Vec<_> = listeners.iter().map(|listener| addresses(listener, scene)).collect();
    for (index, (listener, own)) in listeners.iter().zip(&addresses).enumerate() {
        let found = match own {
            Err(why) => Some(why.clone()),
            Ok(own) => {
                let earlier = listeners[..index].iter().zip(&addresses);
                let taken = earlier.filter(|(earlier, _)| earlier.port == listener.port);
                let mut taken = taken
                    .filter(|(earlier, other)| is_taken(listener, own, earlier, other.as_deref().unwrap_or_default()));
                taken.next().map(|(earlier, _)| twice(listener, earlier)).or_else(|| absent(listener, own, scene))
            }
        };
        stage.findings.extend(found);
        stage.findings.extend(privileged(listener, scene));
    }
}

fn is_taken(listener: &Listener, own: &[IpAddr], earlier: &Listener, other: &[IpAddr]) -> bool {
    if listener.unix_path.is_some() {
        return listener.unix_path == earlier.unix_path;
    }
    // Each family has its own sockets, also where both listen on every address.
    let overlap = |one: &IpAddr, two: &IpAddr| {
        one.is_ipv4() == two.is_ipv4() && (one == two || one.is_unspecified() || two.is_unspecified())
    };
    own.iter().any(|one| other.iter().any(|two| overlap(one, two)))
}

fn twice(listener: &Listener, earlier: &Listener) -> Finding {
    if listener.unix_path.is_some() {
        return Finding::error("conf.listener-twice", format!("two listeners have the socket {}", place(listener)))
            .evidence("the second replaces the first, which nobody reaches any more")
            .fix("remove one of the `listener` lines");
    }
    let what = if listener.host == earlier.host {
        format!("{} is configured twice: the second cannot bind", place(listener))
    } else {
        format!("{} and {} overlap: the second cannot bind", place(earlier), place(listener))
    };
    Finding::error("conf.listener-twice", what)
        .evidence("the broker does not start: address already in use")
        .fix("remove one of the `listener` lines")
}

/// The addresses of its sockets, or why there are none.
fn addresses(listener: &Listener, scene: &Scene<'_>) -> Result<Vec<IpAddr>, Finding> {
    if listener.unix_path.is_some() {
        return Ok(Vec::new());
    }
    let found: Vec<IpAddr> = match listener.host.as_deref() {
        None | Some("*") => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        Some(host) => match host.parse() {
            Ok(address) => vec![address],
            // The names of another system are not this machine's to know.
            Err(_) if scene.places.are_given() || scene.places.is_container => return Ok(Vec::new()),
            Err(_) => looked_up(listener, host)?,
        },
    };
    let wanted = |address: &IpAddr| match listener.socket_domain {
        SocketDomain::Any => true,
        SocketDomain::Ipv4 => address.is_ipv4(),
        SocketDomain::Ipv6 => address.is_ipv6(),
    };
    let kept: Vec<_> = found.iter().copied().filter(wanted).collect();
    if kept.is_empty() && !found.is_empty() {
        return Err(Finding::error(
            "conf.bind-address",
            format!("{} has no address of its `socket_domain`", place(listener)),
        )
        .evidence("the broker does not start")
        .fix("remove `socket_domain`, or give the listener another address"));
    }
    Ok(kept)
}

fn looked_up(listener: &Listener, host: &str) -> Result<Vec<IpAddr>, Finding> {
    let (sender, answer) = mpsc::channel();
    let (name, port) = (host.to_owned(), listener.port);
    // A resolver that does not answer is left behind.
    thread::spawn(move || {
        sender.send((name.as_str(), port).to_socket_addrs().map(|found| found.map(|one| one.ip()).collect()))
    });
    match answer.recv_timeout(LOOKUP_MOST) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            let error: std::io::Error = error;
            Err(Finding::error(
                "conf.bind-address",
                format!("the address `{host}` of a listener is not found ({})", reason(&error)),
            )
            .evidence("the broker does not start")
            .fix(format!("give an address of this machine, or none: listener {}", listener.port)))
        }
        Err(_) => Ok(Vec::new()),
    }
}

/// An address that this machine does not have.
fn absent(listener: &Listener, own: &[IpAddr], scene: &Scene<'_>) -> Option<Finding> {
    if scene.places.are_given() || scene.places.is_container {
        return None;
    }
    let is_absent = |address: &&IpAddr| {
        !address.is_unspecified()
            && TcpListener::bind((**address, 0)).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
    };
    own.iter().find(is_absent).map(|address| {
        Finding::error("conf.bind-address", format!("this machine does not have the address {address} of a listener"))
            .evidence("the broker does not start: cannot assign requested address")
            .fix(format!("give an address of this machine, or none: listener {}", listener.port))
    })
}

/// Ports that only root may listen on, unless the program has the right.
fn privileged(listener: &Listener, scene: &Scene<'_>) -> Option<Finding> {
    let account = scene.reader?;
    if scene.places.are_given() || scene.places.is_container || listener.port == 0 || account.user == 0 {
        return None;
    }
    let first = os::socket::first_unprivileged_port();
    (listener.port < first).then(|| {
        Finding::warning("conf.privileged-port", format!("{} may not listen on port {}", scene.who(), listener.port))
            .evidence(format!(
                "below {first} that needs a right (CAP_NET_BIND_SERVICE); whether the program has it is not known"
            ))
            .fix("sudo setcap CAP_NET_BIND_SERVICE=+ep /usr/sbin/mosquitto, or choose a port above")
    })
}

/// The port of one kind on a listener of the other.
pub fn port_mixed_up(listener: &Listener) -> Option<Finding> {
    if listener.has_psk() {
        return None;
    }
    match (listener.port, listener.tls.is_on()) {
        (PORT, true) => Some(
            Finding::warning("conf.port", format!("port {PORT} is for MQTT in clear, but this listener speaks TLS"))
                .fix(format!("use `listener {TLS_PORT}`")),
        ),
        (TLS_PORT, false) => Some(
            Finding::warning("conf.port", format!("port {TLS_PORT} is for TLS, but this listener has no certfile"))
                .evidence("clients that expect TLS will fail with `wrong version number`")
                .fix("add certfile and keyfile below the listener: moskit certgen init makes them"),
        ),
        _ => None,
    }
}

/// Who may come in. `is_guarded`: a plugin may decide otherwise, which is not judged.
pub fn who_may_enter(configuration: &Configuration, listener: &Listener, is_guarded: bool, stage: &mut Stage) {
    let security = configuration.security_of(listener);
    let anonymous = configuration.allows_anonymous(listener);
    let by_certificate = names_by_certificate(listener);
    stage.fact("anonymous", anonymous);
    let is_judged = !is_guarded && !listener.has_psk() && !listener.unsupported.contains(&"protocol");
    let has_users =
        security.password_file.is_some() || security.scram_file.is_some() || security.tokens.files().next().is_some();
    if is_judged && !anonymous && !has_users && !by_certificate {
        stage.found(
            Finding::error(
                "conf.nobody-can-connect",
                format!("nobody can connect to {}: no anonymous clients, no password file", place(listener)),
            )
            .evidence("since Mosquitto 2.0 a listener lets nobody in unless told")
            .fix("add `password_file FILE` (moskit passwd -c FILE USER makes one) or `allow_anonymous true`"),
        );
    }
    if is_judged && anonymous && !is_local(listener) && !listener.tls.require_certificate {
        stage.found(
            Finding::warning(
                "conf.anonymous",
                format!("everybody who reaches {} may connect without a password", place(listener)),
            )
            .fix("allow_anonymous false and `password_file FILE`"),
        );
    }
    let is_clear = !listener.tls.is_on() && !listener.has_psk() && !is_local(listener);
    if security.password_file.is_some() && is_clear {
        stage.found(Finding::note("conf.clear-password", format!("passwords travel to {} in clear", place(listener))));
    }
    // A file that is there for another listener is no mistake of this one.
    let is_for_another = configuration.listeners.iter().any(|other| {
        !names_by_certificate(other) && configuration.security_of(other).password_file == security.password_file
    });
    if by_certificate && security.password_file.is_some() && !is_for_another {
        stage.found(Finding::note(
            "conf.password-ignored",
            "the certificate names the user here: passwords are not looked at",
        ));
    }
}

/// Whether the client's certificate is the login.
fn names_by_certificate(listener: &Listener) -> bool {
    listener.tls.use_identity_as_username || listener.tls.use_subject_as_username
}

/// The folder that Mosquitto serves over HTTP must be there.
pub fn http_folder(listener: &Listener, scene: &Scene<'_>, stage: &mut Stage) {
    let Some(found) = listener.http_dir.as_deref().and_then(|path| scene.find(path)) else { return };
    if std::fs::metadata(&found).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        stage.found(
            Finding::error("conf.http-dir", format!("the folder `{}` of `http_dir` does not exist", found.display()))
                .evidence("Mosquitto does not start")
                .fix(format!("mkdir -p {}, or remove the line", shell::path(&found))),
        );
    }
}

/// The lists of cipher suites: as OpenSSL reads them, for the certificate's key, and for moskit's broker.
pub fn cipher_lists(listener: &Listener, scene: &Scene<'_>, stage: &mut Stage) {
    let tls = &listener.tls;
    let lists = [
        ("ciphers", tls.ciphers.as_deref(), ciphers::below_13 as fn(&str) -> ciphers::List),
        ("ciphers_tls1.3", tls.ciphers_tls13.as_deref(), ciphers::of_13),
    ];
    let mut starts = true;
    for (option, list, judge) in lists {
        let Some(list) = list else { continue };
        match judge(list) {
            ciphers::List::Nothing => {
                starts = false;
                stage.found(
                    Finding::error("tls.ciphers", format!("`{option}` chooses no cipher suite: `{list}`"))
                        .evidence("the broker does not start")
                        .fix(format!(
                            "remove the line, or correct it: openssl ciphers -v {}",
                            shell::quoted("DEFAULT")
                        )),
                );
            }
            ciphers::List::Suites { unknown } => {
                for word in unknown {
                    stage.found(
                        Finding::warning(
                            "tls.ciphers",
                            format!("`{word}` in `{option}` is no cipher suite: it is passed over"),
                        )
                        .fix("correct or remove the word"),
                    );
                }
            }
        }
    }
    if !starts {
        return;
    }
    if tls.minimum == TlsVersion::V12
        && let Some(list) = &tls.ciphers
        && let Some(key) = key_kind(listener, scene)
        && ciphers::leave_out(list, &key)
    {
        stage.found(
            Finding::error(
                "tls.ciphers",
                format!("no suite of `ciphers` can be used with the certificate's {} key", key.name()),
            )
            .evidence("the broker starts, and every client without TLS 1.3 fails")
            .fix("remove `ciphers`, or name suites of the key's kind"),
        );
    }
    let suites = Suites { tls12: tls.ciphers.clone(), tls13: tls.ciphers_tls13.clone() };
    if suites.check().is_err() {
        stage.found(Finding::note(
            "conf.not-judged",
            "moskit's broker speaks none of these cipher suites and does not start with them; Mosquitto's are OpenSSL's",
        ));
    }
}

fn key_kind(listener: &Listener, scene: &Scene<'_>) -> Option<crate::pki::signature::KeyKind> {
    let path = scene.find(listener.tls.certfile.as_deref()?)?;
    let ders = read::certificates(&path).ok()?;
    Some(Certificate::parse(ders.first()?).ok()?.public_key.kind)
}

/// Client certificates that are wanted or used, and cannot be had.
pub fn client_certificates(listener: &Listener, stage: &mut Stage) {
    let tls = &listener.tls;
    if tls.require_certificate && tls.is_on() && tls.cafile.is_none() && tls.capath.is_none() {
        stage.found(
            Finding::error(
                "client.ca-unknown",
                "client certificates are required, but no CA is given to check them with",
            )
            .fix("add `cafile ca.crt` below the listener"),
        );
    }
    let by_certificate = tls.use_identity_as_username || tls.use_subject_as_username;
    if by_certificate && !tls.require_certificate && !listener.has_psk() {
        stage.found(
            Finding::error(
                "conf.identity-without-certificate",
                "the user name is to come from the certificate, but no client is asked for one",
            )
            .fix("add `require_certificate true`"),
        );
    }
}
