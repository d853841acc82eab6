//! From checked arguments to the route to the broker.

use std::ffi::OsStr;

use super::args::ClientArgs;
use super::outcome::{Outcome, unable_to_connect};
use crate::broker::host::embedded::Embedded;
use crate::net::endpoint::{EndpointError, PORT, TLS_PORT};
use crate::net::websocket::Opening;
use crate::net::{Endpoint, Route};
use crate::term::Failure;

/// The route to the broker, without TLS.
pub fn route(args: &ClientArgs, embedded: Option<&Embedded>) -> Result<Route, Failure> {
    let host = args.host.as_deref().unwrap_or(OsStr::new("localhost"));
    let tls = &args.tls;
    let chooses_port = tls.cafile.is_some() || tls.capath.is_some() || tls.psk.is_some();
    let port = args.port.unwrap_or(i32::from(if chooses_port { TLS_PORT } else { PORT }));
    let invalid = || unable_to_connect(Outcome::InvalidInput);
    let port = u16::try_from(port).map_err(|_| invalid())?;
    let endpoint = match embedded {
        Some(broker) => Endpoint::new(&broker.address.host, broker.address.port),
        // A path need not be text.
        None if port == 0 => Endpoint::unix(host),
        None => Endpoint::new(&host.to_string_lossy(), port),
    };
    let endpoint = endpoint.map_err(|error| match error {
        EndpointError::HostEmpty if port != 0 => unable_to_connect(Outcome::Lookup),
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::args::Verb;
    use crate::cmd::connect::options;
    use crate::os::text::OsStringExt;

    fn typed(words: &str) -> ClientArgs {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        options::read(Verb::Pub, true, &[], &words).unwrap()
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

    #[test]
    fn the_path_of_a_socket_need_not_be_text() {
        let path: OsString = OsStringExt::from_vec(b"/run/\xff.sock".to_vec());
        let words = ["--unix".into(), path.clone()];
        let args = options::read(Verb::Pub, true, &[], &words).unwrap();
        assert_eq!(route(&args, None).unwrap().endpoint, Endpoint::Unix(path.into()));
    }
}
