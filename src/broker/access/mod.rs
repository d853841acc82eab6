//! Who may connect, publish and receive: the anonymous rule, the password file, the ACL file.
//!
//! Pure: the files come as texts. Asked by the core for every CONNECT, PUBLISH and delivery.

mod acl;

pub use acl::{Acl, AclError, AclProblem, Because, Holder, Ruling, Written};

use std::sync::Arc;

use super::ListenerId;
use crate::jwt;
use crate::passwd::{self, Remembered, Verdict};
use crate::term::Secret;

/// The client that asks.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub client_id: &'a str,
    pub username: Option<&'a str>,
    pub listener: ListenerId,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The rules by [`ListenerId`]. A listener without an entry lets everybody do everything.
    listeners: Vec<Rules>,
    logins: Arc<Remembered>,
}

/// A login that takes long to check. Once it is, [`Access::may_connect`] knows the answer at once.
#[derive(Debug)]
pub struct SlowLogin {
    passwords: Arc<passwd::File>,
    logins: Arc<Remembered>,
    username: Vec<u8>,
    password: Secret,
}

impl SlowLogin {
    /// Whether name and password are right.
    pub fn check(&self) -> bool {
        self.logins.verify(&self.passwords, &self.username, self.password.expose()) == Verdict::Right
    }
}

/// The rules of one listener. Without per_listener_settings all listeners share the files.
#[derive(Clone, Debug)]
pub struct Rules {
    pub allow_anonymous: bool,
    pub passwords: Option<Arc<passwd::File>>,
    /// Those who log in by SCRAM.
    pub scram: Option<Arc<passwd::scram::File>>,
    /// What verifies passwords that are tokens.
    pub tokens: Option<Arc<jwt::Verifier>>,
    pub acl: Option<Arc<Acl>>,
}

impl Rules {
    /// Whether one gets in without proving the name, if there is one, where no password file has it. Where users log in by
    /// another way, a name without that is not no name: the ACL would go by it.
    fn lets_in_unproved(&self, username: Option<&str>) -> bool {
        self.allow_anonymous && (username.is_none() || (self.scram.is_none() && self.tokens.is_none()))
    }
}

impl Access {
    /// Everybody may do everything.
    pub fn open() -> Self {
        Self::default()
    }

    pub fn new(listeners: Vec<Rules>) -> Self {
        Self { listeners, logins: Arc::default() }
    }

    /// Takes over what `old` has learned of logins; of what has changed in the password file it knows nothing.
    pub fn remember(&mut self, old: &Self) {
        self.logins = Arc::clone(&old.logins);
    }

    /// What is to be checked, away from the core, before the core asks [`Access::may_connect`]; `None` when the
    /// answer is at hand.
    pub fn slow_login(&self, listener: ListenerId, username: Option<&str>, password: &[u8]) -> Option<SlowLogin> {
        let rules = self.rules(listener)?;
        // No hash is computed for a token.
        if rules.tokens.is_some() && jwt::looks_like_token(password) {
            return None;
        }
        let passwords = rules.passwords.as_ref()?;
        // An empty one is none for the core: nobody waits for a hash of its password.
        let username = username.filter(|username| !username.is_empty())?.as_bytes();
        if self.logins.recall(passwords, username, password).is_some() {
            return None;
        }
        let (passwords, logins) = (Arc::clone(passwords), Arc::clone(&self.logins));
        Some(SlowLogin { passwords, logins, username: username.to_vec(), password: Secret::new(password) })
    }

    /// Whom a password lets in that is a token, at this time in seconds since 1970; `None`: it is none, or the listener takes
    /// none.
    pub fn holder(&self, listener: ListenerId, password: &[u8], now: i64) -> Option<Result<jwt::Holder, jwt::Refused>> {
        let tokens = self.rules(listener)?.tokens.as_ref()?;
        jwt::looks_like_token(password).then(|| tokens.verify(password, now))
    }

    /// The users of a listener who may log in by SCRAM, if it has that.
    pub fn scram_users(&self, listener: ListenerId) -> Option<&passwd::scram::File> {
        self.rules(listener)?.scram.as_deref()
    }

    fn rules(&self, listener: ListenerId) -> Option<&Rules> {
        self.listeners.get(usize::from(listener.0))
    }

    /// Whether one who is connected may stay under these rules, as far as it is known without computing a hash that takes
    /// long; `None`: its [`SlowLogin`] is to be checked. A user who is gone may not.
    pub fn may_stay(&self, who: Identity<'_>, password: Option<&[u8]>) -> Option<bool> {
        let Some(rules) = self.rules(who.listener) else { return Some(true) };
        let (Some(user), Some(file)) = (who.username, &rules.passwords) else {
            return Some(rules.lets_in_unproved(who.username));
        };
        let Some(password) = password.filter(|_| file.has(user.as_bytes())) else { return Some(false) };
        self.logins.recall(file, user.as_bytes(), password).map(|verdict| verdict == Verdict::Right)
    }

    /// Asked at CONNECT; not asked for users that a certificate names.
    pub fn may_connect(&self, who: Identity<'_>, password: Option<&[u8]>) -> bool {
        let Some(rules) = self.rules(who.listener) else { return true };
        match (who.username, &rules.passwords) {
            (Some(user), Some(file)) => {
                // A file is asked even where anonymous clients are let in: a wrong name is not no name.
                let verify = |password| self.logins.verify(file, user.as_bytes(), password);
                password.is_some_and(|password| verify(password) == Verdict::Right)
            }
            _ => rules.lets_in_unproved(who.username),
        }
    }

    /// Asked at PUBLISH and for wills.
    #[inline]
    pub fn may_publish(&self, who: Identity<'_>, topic: &str) -> bool {
        self.publish_ruling(who, topic).allowed
    }

    /// Asked for each message and client at delivery.
    #[inline]
    pub fn may_receive(&self, who: Identity<'_>, topic: &str) -> bool {
        self.receive_ruling(who, topic).allowed
    }

    /// As [`Access::may_publish`], with the reason.
    #[inline]
    pub fn publish_ruling(&self, who: Identity<'_>, topic: &str) -> Ruling {
        if is_sys(topic) && !is_bridge_state(topic) {
            return Ruling { allowed: false, because: Because::ReservedTopic };
        }
        self.rule(who, topic, acl::Kind::Write)
    }

    /// As [`Access::may_receive`], with the reason.
    #[inline]
    pub fn receive_ruling(&self, who: Identity<'_>, topic: &str) -> Ruling {
        self.rule(who, topic, acl::Kind::Read)
    }

    #[inline]
    fn rule(&self, who: Identity<'_>, topic: &str, kind: acl::Kind) -> Ruling {
        match self.rules(who.listener).and_then(|rules| rules.acl.as_deref()) {
            Some(acl) => acl.rule(who.client_id, who.username, topic, kind),
            None => Ruling { allowed: true, because: Because::NoFile },
        }
    }
}

/// `$SYS` is the broker's own to write.
fn is_sys(topic: &str) -> bool {
    topic.strip_prefix("$SYS").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `$SYS/broker/connection/+/state`, where bridges of other brokers report themselves.
fn is_bridge_state(topic: &str) -> bool {
    let id = topic.strip_prefix("$SYS/broker/connection/").and_then(|rest| rest.strip_suffix("/state"));
    id.is_some_and(|id| !id.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::{Hash, Recipe};

    const ANONYMOUS: Identity<'_> = Identity { client_id: "c", username: None, listener: ListenerId(0) };

    fn user(name: &str) -> Identity<'_> {
        Identity { username: Some(name), ..ANONYMOUS }
    }

    fn rules(allow_anonymous: bool, with_passwords: bool) -> Access {
        let hash = Hash::make(Recipe::Sha512, 12, b"right").unwrap();
        let file = passwd::File::parse(format!("ann:{hash}\n").as_bytes()).unwrap();
        let passwords = with_passwords.then(|| Arc::new(file));
        Access::new(vec![Rules { allow_anonymous, passwords, scram: None, tokens: None, acl: None }])
    }

    #[test]
    fn without_user_name_only_the_anonymous_rule_counts() {
        for with_passwords in [false, true] {
            assert!(rules(true, with_passwords).may_connect(ANONYMOUS, None));
            assert!(!rules(false, with_passwords).may_connect(ANONYMOUS, None));
        }
    }

    #[test]
    fn with_user_name_and_no_password_file_the_anonymous_rule_counts() {
        assert!(rules(true, false).may_connect(user("ann"), Some(b"whatever")));
        assert!(!rules(false, false).may_connect(user("ann"), Some(b"right")));
    }

    #[test]
    fn with_password_file_name_and_password_must_match_even_if_anonymous_is_allowed() {
        for allow_anonymous in [false, true] {
            let access = rules(allow_anonymous, true);
            assert!(access.may_connect(user("ann"), Some(b"right")));
            assert!(!access.may_connect(user("ann"), Some(b"wrong")));
            assert!(!access.may_connect(user("ann"), None));
            assert!(!access.may_connect(user("eve"), Some(b"right")));
            assert!(!access.may_connect(user(""), Some(b"right")));
        }
    }

    #[test]
    fn a_slow_login_is_checked_once_and_again_when_its_hash_has_changed() {
        let slow = |password: &[u8]| {
            let recipe = Recipe::Pbkdf2 { iterations: std::num::NonZeroU32::new(10).unwrap() };
            let hash = Hash::make(recipe, 12, password).unwrap();
            let passwords = passwd::File::parse(format!("ann:{hash}\n").as_bytes()).unwrap();
            Access::new(vec![Rules {
                allow_anonymous: false,
                passwords: Some(Arc::new(passwords)),
                scram: None,
                tokens: None,
                acl: None,
            }])
        };
        let access = slow(b"right");
        let login = |access: &Access, password: &[u8]| access.slow_login(ListenerId(0), Some("ann"), password);
        for (password, right) in [(&b"right"[..], true), (b"wrong", false)] {
            login(&access, password).unwrap().check();
            assert!(login(&access, password).is_none());
            assert_eq!(access.may_connect(user("ann"), Some(password)), right);
        }
        let mut same = access.clone();
        same.remember(&access);
        assert!(login(&same, b"right").is_none());
        let mut changed = slow(b"right");
        changed.remember(&access);
        assert!(login(&changed, b"right").is_some());
        for none in [None, Some("")] {
            assert!(access.slow_login(ListenerId(0), none, b"right").is_none());
        }
        assert!(Access::open().slow_login(ListenerId(0), Some("ann"), b"right").is_none());
    }

    #[test]
    fn who_is_gone_from_the_password_file_may_not_stay_and_the_rest_is_known_or_to_be_checked() {
        let recipe = Recipe::Pbkdf2 { iterations: std::num::NonZeroU32::MIN };
        let hash = Hash::make(recipe, 12, b"right").unwrap();
        let passwords = Arc::new(passwd::File::parse(format!("ann:{hash}\n").as_bytes()).unwrap());
        let access = Access::new(vec![Rules {
            allow_anonymous: false,
            passwords: Some(passwords),
            scram: None,
            tokens: None,
            acl: None,
        }]);
        assert_eq!(access.may_stay(user("eve"), Some(b"right")), Some(false));
        assert_eq!(access.may_stay(user("ann"), None), Some(false));
        assert_eq!(access.may_stay(ANONYMOUS, None), Some(false));
        for (password, right) in [(&b"right"[..], true), (b"wrong", false)] {
            assert_eq!(access.may_stay(user("ann"), Some(password)), None);
            let login = access.slow_login(ListenerId(0), Some("ann"), password).unwrap();
            assert_eq!(login.check(), right);
            assert_eq!(access.may_stay(user("ann"), Some(password)), Some(right));
        }
        assert_eq!(rules(true, false).may_stay(user("eve"), None), Some(true));
        assert_eq!(Access::open().may_stay(user("eve"), None), Some(true));
    }

    #[test]
    fn sys_is_the_brokers_own_to_write() {
        let access = Access::open();
        assert!(!access.may_publish(ANONYMOUS, "$SYS/broker/uptime"));
        assert!(!access.may_publish(ANONYMOUS, "$SYS"));
        assert!(!access.may_publish(ANONYMOUS, "$SYS/broker/connection/a/b/state"));
        assert!(access.may_publish(ANONYMOUS, "$SYS/broker/connection/a/state"));
        assert!(access.may_publish(ANONYMOUS, "$SYSTEM"));
        assert!(access.may_receive(ANONYMOUS, "$SYS/broker/uptime"));
    }

    #[test]
    fn a_name_that_nobody_proved_is_not_no_name_where_users_log_in_by_other_ways_than_passwords() {
        let scram = Some(Arc::new(passwd::scram::File::default()));
        let keys = jwt::Keys::parse(br#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#).unwrap();
        let verifier = jwt::Verifier { keys, issuer: None, audience: None, user_claim: "sub".to_owned() };
        let tokens = Some(Arc::new(verifier));
        let rows =
            [(None, None, true), (scram.clone(), None, false), (None, tokens.clone(), false), (scram, tokens, false)];
        for (row, (scram, tokens, expected)) in rows.into_iter().enumerate() {
            let access = Access::new(vec![Rules { allow_anonymous: true, passwords: None, scram, tokens, acl: None }]);
            let named = Identity { username: Some("admin"), ..ANONYMOUS };
            for password in [None, Some(&b"guess"[..])] {
                assert_eq!(access.may_connect(named, password), expected, "row {row}");
                assert_eq!(access.may_stay(named, password), Some(expected), "row {row}");
                assert!(access.may_connect(ANONYMOUS, password), "row {row}");
                assert_eq!(access.may_stay(ANONYMOUS, password), Some(true), "row {row}");
            }
        }
    }

    #[test]
    fn each_listener_has_its_own_rules() {
        let acl = Arc::new(Acl::parse(b"topic read a\n").unwrap());
        let open = Rules { allow_anonymous: true, passwords: None, scram: None, tokens: None, acl: None };
        let access = Access::new(vec![open.clone(), Rules { acl: Some(acl), ..open }]);
        let second = Identity { listener: ListenerId(1), ..ANONYMOUS };
        assert!(access.may_publish(ANONYMOUS, "a"));
        assert!(!access.may_publish(second, "a"));
        assert!(access.may_receive(second, "a"));
    }
}
