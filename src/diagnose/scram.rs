//! Logins by SCRAM that fail, in sentences. No part of a login stands in any of them.

use super::Finding;
use crate::scram::{CredentialsError, Distrust, LEAST_ITERATIONS, MOST_ITERATIONS, Mechanism, Unprepared};

/// Why a server was not believed. `method` is what it was asked for.
pub fn distrust(why: Distrust) -> Finding {
    match why {
        Distrust::Signature => Finding::error(
            "auth.scram-signature",
            "the server does not know this user's password: its signature is wrong, so it is not the broker that it seems to be, or its keys were damaged",
        )
        .fix("is this the right host? CONNECT was sent before, with what it says of a will, and the password was not in it; with TLS the certificate says who answers"),
        Distrust::NoSignature => Finding::error(
            "auth.scram-signature",
            "the server lets us in without having shown that it knows this user's password",
        )
        .fix("is this the right host? a broker that checks the login sends its signature with CONNACK, RFC 5802 section 3"),
        Distrust::Iterations(count) if count < u64::from(LEAST_ITERATIONS) => Finding::error(
            "auth.scram-iterations",
            format!("the server asks for {count} iterations of the hash, and fewer than {LEAST_ITERATIONS} make a password easy to guess"),
        )
        .fix("make the user's keys on the broker again, with more iterations"),
        Distrust::Iterations(count) => {
            let count = if count == u64::MAX { "more".to_owned() } else { count.to_string() };
            Finding::error(
                "auth.scram-iterations",
                format!("the server asks for {count} iterations of the hash, and {MOST_ITERATIONS} are the most that are computed"),
            )
            .fix("make the user's keys on the broker again, with fewer iterations")
        }
        Distrust::Nonce => Finding::error(
            "auth.scram-nonce",
            "the server answers the login of somebody else: its nonce does not begin with ours",
        )
        .fix("is this the right host? the broker's log says more"),
        Distrust::OtherMethod => {
            Finding::error("auth.scram-exchange", "the server goes on with another authentication method than it was asked for")
                .fix("the broker's log says more")
        }
        Distrust::Malformed => {
            Finding::error("auth.scram-exchange", "the server's message is none of SCRAM").fix("the broker's log says more")
        }
        Distrust::TooManyMessages => {
            Finding::error("auth.scram-exchange", "the server asks on and on: SCRAM has one challenge").fix("the broker's log says more")
        }
        Distrust::Refused => Finding::error("auth.scram-exchange", "the server ends the login with an error of SCRAM")
            .fix("check user name and password; the broker's log says which of them it minds"),
    }
}

/// Why a user name or a password cannot be sent.
pub fn credentials(error: CredentialsError) -> Finding {
    let (what, why) = match error {
        CredentialsError::User(why) => ("user name", why),
        CredentialsError::Password(why) => ("password", why),
    };
    let why = unprepared(why);
    Finding::error("auth.scram-credentials", format!("SCRAM cannot carry this {what}: {why}"))
        .fix(format!("give another {what}, or leave out --auth-method"))
}

/// Why SCRAM has no such user name or password.
pub fn unprepared(why: Unprepared) -> &'static str {
    match why {
        Unprepared::NotUtf8 => "it is not UTF-8",
        Unprepared::Forbidden => "it has a character in it that SASLprep (RFC 4013) forbids",
        Unprepared::Empty => "it is empty",
    }
}

/// The broker has no such method.
pub fn unknown_method(method: Mechanism) -> Finding {
    Finding::error("auth.method", format!("the broker does not offer {method} here (reason code 140)"))
        .fix("try another --auth-method, or leave it out: then user name and password are sent")
}

/// The broker has judged the login.
pub fn refused(method: Mechanism) -> Finding {
    Finding::error(
        "auth.refused",
        format!("the broker does not let this user in by {method}: the user name or the password is wrong, or the user has no keys for {method}, or is not allowed to use this client id, will or address"),
    )
    .fix("verify it on the broker's machine: moskit passwd --scram --verify USER FILE; its log may say more")
}
