//! What `certgen init --broker` makes beside certificates: the configuration, the password file and the ACL file, as texts.

use std::fmt::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::options::{Acl, InitArgs};
use crate::passwd::edit::Record;
use crate::passwd::{self, DEFAULT_ITERATIONS, Hash, Recipe, SALT_BYTES};
use crate::term::{Exit, Failure};

/// The user who is made where nobody is named.
const DEFAULT_LOGIN: &str = "mqtt";
/// Letters and digits of a generated password: 142 bits.
const PASSWORD_LENGTH: usize = 24;
/// Bytes of a user name that a client can send [MQTT-1.5.4-1].
const LONGEST_NAME: usize = 65_535;

/// The first line of logins.txt.
pub const LOGINS_HEAD: &str =
    "# The passwords; the file passwords has their hashes. Take them from here, then delete this file.\n";

/// The ports of the listeners, where there are such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub certificates: Option<u16>,
    pub passwords: Option<u16>,
    pub websockets: Option<u16>,
}

/// Who may log in by password, and where.
pub struct Ready {
    pub ports: Ports,
    pub logins: Vec<Login>,
    pub acl: Acl,
    persistence: bool,
}

/// A user and the generated password.
pub struct Login {
    pub user: String,
    pub password: Zeroizing<String>,
}

impl Ready {
    /// What was asked for; `None` without `--broker`.
    pub fn plan(args: &InitArgs) -> Result<Option<Self>, Failure> {
        let asked = &args.ready;
        if !asked.broker {
            return Ok(None);
        }
        let users = if asked.login.is_empty() && args.clients.is_empty() {
            vec![DEFAULT_LOGIN.to_owned()]
        } else {
            asked.login.clone()
        };
        for (at, user) in users.iter().enumerate() {
            judge_user(user)?;
            if users[..at].contains(user) {
                return Err(Failure::new(Exit::USAGE, format!("the user `{user}` is given twice")));
            }
        }
        args.clients.iter().try_for_each(|id| judge_user(id))?;
        let ports = ports(args.port, !args.clients.is_empty(), !users.is_empty(), asked.websockets)?;
        let acl = asked.acl.unwrap_or(Acl::Standard);
        let logins = users.into_iter().map(Login::generate).collect::<Result<_, _>>()?;
        Ok(Some(Self { ports, logins, acl, persistence: asked.persistence }))
    }

    /// The folder for what the broker keeps, below that of the files.
    pub fn data(&self) -> Option<&'static str> {
        self.persistence.then_some("data")
    }

    /// mosquitto.conf. Paths are absolute, because a broker takes others from where it was started.
    pub fn configuration(&self, folder: &str) -> String {
        let mut text = "# Nobody connects without a certificate or a password.\nallow_anonymous false\n".to_owned();
        let mut add = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        if !self.logins.is_empty() {
            add(&format!("password_file {folder}/passwords"));
        }
        if self.acl == Acl::Standard {
            add(&format!("acl_file {folder}/acl"));
        }
        if let Some(data) = self.data() {
            add(&format!("persistence true\npersistence_location {folder}/{data}/"));
        }
        let tls = format!("cafile {folder}/ca.crt\ncertfile {folder}/server.crt\nkeyfile {folder}/server.key");
        if let Some(port) = self.ports.certificates {
            add("\n# Clients with a certificate of this CA; its common name is the user name.");
            add(&format!("listener {port}\n{tls}\nrequire_certificate true\nuse_identity_as_username true"));
        }
        if let Some(port) = self.ports.passwords {
            add("\n# Users with a password.");
            add(&format!("listener {port}\n{tls}"));
        }
        if let Some(port) = self.ports.websockets {
            add("\n# The same by WebSockets (wss://).");
            add(&format!("listener {port}\nprotocol websockets\n{tls}"));
        }
        text
    }

    /// The ACL file, where one is wanted.
    pub fn acl(&self) -> Option<&'static str> {
        (self.acl == Acl::Standard).then_some(
            "# Each user reads and writes the topics below its own name: dev1 has dev1/#. The name is that of a login, or\n\
             # the common name of a client's certificate.\n\
             pattern readwrite %u/#\n\
             \n\
             # A user who reads everything, as a dashboard does; brokers read this file again at SIGHUP:\n\
             # user NAME\n\
             # topic read #\n",
        )
    }

    /// The password file, with hashes that Mosquitto reads from 2.0 on.
    pub fn password_file(&self) -> Result<Vec<u8>, Failure> {
        let passwords: Vec<_> = self.logins.iter().map(|login| login.password.as_bytes()).collect();
        let recipe = Recipe::Pbkdf2 { iterations: DEFAULT_ITERATIONS };
        let hashes = passwd::make_all(recipe, SALT_BYTES, &passwords, |_| {}).map_err(|_| no_random())?;
        let line = |(login, hash): (&Login, Hash)| {
            Record { user: login.user.clone().into_bytes(), secret: hash.to_string() }.line()
        };
        Ok(self.logins.iter().zip(hashes).flat_map(line).collect())
    }

    /// logins.txt.
    pub fn logins_file(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(LOGINS_HEAD.to_owned());
        for login in &self.logins {
            let _ = writeln!(text, "{}:{}", login.user, *login.password);
        }
        text
    }
}

impl Login {
    fn generate(user: String) -> Result<Self, Failure> {
        let password = passwd::generate(PASSWORD_LENGTH).map_err(|_| no_random())?;
        let mut text = Zeroizing::new(String::with_capacity(PASSWORD_LENGTH));
        text.extend(password.iter().map(|byte| char::from(*byte)));
        Ok(Self { user, password: text })
    }
}

fn no_random() -> Failure {
    Failure::new(Exit::FAILED, "cannot make passwords: the system gives no random numbers")
}

/// A name that a password file, an ACL pattern and a topic can all hold. With a wildcard or a level of topics in it a user would own
/// the topics of others, with $ those of the broker; Mosquitto itself does not let such names into a pattern.
fn judge_user(name: &str) -> Result<(), Failure> {
    let wrong = |why: &str| {
        let hint = "the topics below USER/ belong to a user: letters, digits, -, _, . and @ make a name that fits";
        Err(Failure::new(Exit::USAGE, format!("`{name}` cannot be a user of the broker: {why}")).hint(hint))
    };
    if name.is_empty() {
        return Err(Failure::new(Exit::USAGE, "the name of a user is empty"));
    }
    if let Some(c) = name.chars().find(|c| "+#/:".contains(*c)) {
        return wrong(&format!("it has `{c}`"));
    }
    if name.chars().any(crate::term::is_control) {
        return wrong("it has control characters");
    }
    if name.starts_with('$') {
        return wrong("it begins with `$`");
    }
    if name.trim() != name {
        return wrong("it begins or ends with a space");
    }
    if name.len() > LONGEST_NAME {
        return wrong("it is too long");
    }
    Ok(())
}

fn ports(first: u16, with_clients: bool, with_logins: bool, websockets: bool) -> Result<Ports, Failure> {
    if websockets && !with_logins {
        return Err(Failure::new(Exit::USAGE, "--websockets is for users with passwords, and there are none")
            .hint("--login USER makes one"));
    }
    if first == 0 {
        return Err(Failure::new(Exit::USAGE, "a broker that others are to find cannot have port 0"));
    }
    let mut next = Some(first);
    let mut take = |wanted: bool| -> Result<Option<u16>, Failure> {
        if !wanted {
            return Ok(None);
        }
        let port = next.ok_or_else(|| {
            Failure::new(Exit::USAGE, format!("above port {first} there are not enough for all listeners"))
        })?;
        next = port.checked_add(1);
        Ok(Some(port))
    };
    Ok(Ports { certificates: take(with_clients)?, passwords: take(with_logins)?, websockets: take(websockets)? })
}

/// A folder as mosquitto.conf can name it: a line there is UTF-8, and ends where the line ends.
pub fn configured(folder: &Path) -> Result<String, Failure> {
    match folder.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(Failure::new(
            Exit::FAILED,
            format!(
                "mosquitto.conf cannot name the folder `{}`: it holds only paths of UTF-8 on one line",
                folder.display()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_each_other_and_never_begin_anew() {
        let all = ports(8883, true, true, true).unwrap();
        assert_eq!(all, Ports { certificates: Some(8883), passwords: Some(8884), websockets: Some(8885) });
        let logins = ports(65_535, false, true, false).unwrap();
        assert_eq!(logins, Ports { certificates: None, passwords: Some(65_535), websockets: None });
        assert!(ports(65_535, true, true, false).is_err());
        assert!(ports(8883, true, false, true).is_err());
        assert!(ports(0, true, false, false).is_err());
    }

    #[test]
    fn no_user_owns_the_topics_of_others() {
        for name in ["dev1", "ann@lab", "a.b-c_d", "ü", "dev 1", "%u"] {
            assert!(judge_user(name).is_ok(), "{name}");
        }
        for name in ["", "+", "#", "a/b", "$SYS", "a:b", "a\nb", " a", "a ", "a\u{202e}"] {
            assert!(judge_user(name).is_err(), "{name:?}");
        }
    }
}
