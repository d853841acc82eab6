//! `--oauth-token-url` and the options beside it: what is asked for a token that becomes the password.

use std::ffi::OsString;
use std::time::Duration;

use super::arg_error::ArgError;
use super::args::{ClientArgs, PasswordSource};
use super::proxy;
use crate::diagnose;
use crate::mqtt::packet::ProtocolVersion;
use crate::net::{ATTEMPT_DELAY, Route, reason, tls};
use crate::oauth::{ClientAuthentication, Grant, KeptSecret, TokenUrl};
use crate::term::{Exit, Failure};

/// For a token, where the user says nothing.
const TOKEN_LIMIT: Duration = Duration::from_secs(30);

type Set = Result<(), ArgError>;

/// No error quotes the URL, which may hold a secret in the wrong place.
pub fn set_token_url(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = |why: String| ArgError::plain(format!("Error: Invalid --oauth-token-url: {why}."));
    let text = words[0].to_str().ok_or_else(|| refused("it is not UTF-8".to_owned()))?;
    typed.oauth.token_url = Some(TokenUrl::parse(text).map_err(|why| refused(why.to_string()))?);
    typed.take_password("--oauth-token-url", PasswordSource::OAuth)
}

pub fn set_client_id(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.oauth.client_id = Some(text(words, "--oauth-client-id")?);
    Ok(())
}

pub fn set_client_authentication(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.oauth.authentication = Some(match words[0].to_str() {
        Some("basic") => ClientAuthentication::Basic,
        Some("post") => ClientAuthentication::Post,
        _ => return Err(ArgError::plain("Error: --oauth-client-auth takes basic or post.")),
    });
    Ok(())
}

pub fn set_scope(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.oauth.scope = Some(text(words, "--oauth-scope")?);
    Ok(())
}

pub fn set_audience(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.oauth.audience = Some(text(words, "--oauth-audience")?);
    Ok(())
}

fn text(words: &[OsString], option: &str) -> Result<String, ArgError> {
    let text = words[0].to_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| ArgError::plain(format!("Error: The value of {option} is empty or not UTF-8.")))
}

/// The options together.
pub fn check(args: &ClientArgs) -> Set {
    let oauth = &args.oauth;
    let Some(url) = &oauth.token_url else {
        let given = [
            (oauth.client_id.is_some(), "--oauth-client-id"),
            (oauth.secret_file.is_some(), "--oauth-client-secret-file"),
            (oauth.authentication.is_some(), "--oauth-client-auth"),
            (oauth.scope.is_some(), "--oauth-scope"),
            (oauth.audience.is_some(), "--oauth-audience"),
            (oauth.cafile.is_some(), "--oauth-cafile"),
        ];
        let alone = given.iter().find(|(is_given, _)| *is_given);
        return alone
            .map_or(Ok(()), |(_, option)| Err(ArgError::plain(format!("Error: {option} needs --oauth-token-url."))));
    };
    if oauth.client_id.is_none() || oauth.secret_file.is_none() {
        let missing = if oauth.client_id.is_none() { "--oauth-client-id" } else { "--oauth-client-secret-file" };
        return Err(ArgError::plain(format!("Error: --oauth-token-url needs {missing}.")));
    }
    if oauth.cafile.is_some() && !url.is_tls() {
        return Err(ArgError::plain("Error: --oauth-cafile is for an endpoint that is reached by https://."));
    }
    if args.auth_method.is_some() {
        return Err(ArgError::plain("Error: --auth-method and --oauth-token-url cannot be used together."));
    }
    Ok(())
}

/// Before version 5 no password comes without a user name [MQTT-3.1.2-22].
pub fn check_user_name(args: &ClientArgs, version: ProtocolVersion) -> Set {
    if args.oauth.token_url.is_none() || args.username.is_some() || version == ProtocolVersion::V5 {
        return Ok(());
    }
    Err(ArgError::hinted(
        "Error: A token needs a user name beside it before MQTT 5.",
        "give one, -u NAME, which RabbitMQ passes over and others compare with the token; or -V mqttv5",
    ))
}

/// What is asked for and on which way. The files are read now.
pub fn grant(args: &ClientArgs, proxy: &proxy::Rule) -> Result<Option<Grant>, Failure> {
    let oauth = &args.oauth;
    let (Some(url), Some(client_id), Some(file)) = (&oauth.token_url, &oauth.client_id, &oauth.secret_file) else {
        return Ok(None);
    };
    let secret = KeptSecret::read(file).map_err(|error| {
        let what = format!("cannot read the client's secret from `{}`: {}", file.display(), reason(&error));
        Failure::new(Exit::FAILED, what)
    })?;
    Ok(Some(Grant {
        url: url.clone(),
        route: route(args, url, proxy)?,
        client_id: client_id.clone(),
        secret,
        authentication: oauth.authentication.unwrap_or_default(),
        scope: oauth.scope.clone(),
        audience: oauth.audience.clone(),
    }))
}

/// The way to the endpoint: through the proxy that leads to brokers too, but for one on this machine. Its certificate is
/// checked against `--oauth-cafile`, else against those of the operating system; the options for the broker's are not for it.
fn route(args: &ClientArgs, url: &TokenUrl, rule: &proxy::Rule) -> Result<Route, Failure> {
    let mut route = Route::new(url.endpoint().clone());
    route.nodelay = true;
    route.stagger = Some(ATTEMPT_DELAY);
    route.timeout = args.bounds.connect.unwrap_or(TOKEN_LIMIT);
    if !url.is_tls() {
        return Ok(route);
    }
    let cafile = &args.oauth.cafile;
    let options = tls::Options { cafile: cafile.clone(), os_certificates: cafile.is_none(), ..tls::Options::default() };
    let client = tls::Client::new(&options, &mut |_, _| None)
        .map_err(|error| diagnose::tls::authorities(&error, "--oauth-cafile").into_failure(Exit::FAILED))?;
    route.tls = Some(client);
    if let Some(proxy) = rule.proxy(&route.endpoint, true)? {
        route.proxy = Some(proxy::hop(proxy, args.proxy_cafile.as_deref())?);
    }
    Ok(route)
}

#[cfg(test)]
mod tests {
    use super::super::args::Verb;
    use super::super::options;
    use super::*;

    #[test]
    fn no_step_on_the_way_to_the_endpoint_has_less_time_than_all_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret").unwrap();
        let limit_of = |more: &str| {
            let words =
                format!("--oauth-token-url http://[::1]/ --oauth-client-id a --oauth-client-secret-file FILE {more}");
            let mut words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            words[5] = file.path().into();
            let args = options::read(Verb::Pub, false, &[], &words).unwrap();
            grant(&args, &proxy::Rule::new(None, false)).unwrap().unwrap().route.timeout
        };
        assert_eq!(limit_of(""), TOKEN_LIMIT);
        assert_eq!(limit_of("--connect-timeout 90"), Duration::from_secs(90));
    }
}
