//! The ways to a real broker: WebSockets, a SOCKS5 proxy, TLS, and all of them at once.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use moskit::net::proxy::{Hop, Kind, Login, Origin, Proxy};
use moskit::net::socks::{Reply, SocksError};
use moskit::net::tls;
use moskit::net::websocket::{Opening, WebSocketError};
use moskit::net::{ConnectError, Endpoint, ProxyError, Route, Stream, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{called_as, moskit, run};
use crate::tls::{CONNACK, exchange, tutorial};

async fn is_answered(stream: &mut Stream) {
    assert_eq!(exchange(stream).await.unwrap(), CONNACK);
}

fn socks(host: &str, port: u16, login: Option<Login>) -> Hop {
    Proxy { kind: Kind::Socks5, host: host.to_owned(), port, login, origin: Origin::Option }.into()
}

/// A SOCKS5 server that wants `u` and `pw`, takes names only, and connects every name to 127.0.0.1.
async fn proxy() -> Hop {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(client));
        }
    });
    let login = Login { user: "u".to_owned(), password: Zeroizing::new("pw".to_owned()) };
    socks("127.0.0.1", port, Some(login))
}

async fn serve(mut client: TcpStream) {
    let mut greeting = [0; 4];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 2, 0, 2]);
    client.write_all(&[5, 2]).await.unwrap();
    let mut login = [0; 6];
    client.read_exact(&mut login).await.unwrap();
    assert_eq!(&login, b"\x01\x01u\x02pw");
    client.write_all(&[1, 0]).await.unwrap();
    let mut head = [0; 5];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(&head[..4], [5, 1, 0, 3]);
    let mut target = vec![0; usize::from(head[4]) + 2];
    client.read_exact(&mut target).await.unwrap();
    let port = u16::from_be_bytes([target[target.len() - 2], target[target.len() - 1]]);
    match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(mut broker) => {
            client.write_all(b"\x05\x00\x00\x03\x04name\x00\x00").await.unwrap();
            // Whoever hangs up first ends it.
            let _ = copy_bidirectional(&mut client, &mut broker).await;
        }
        Err(_) => client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap(),
    }
}

#[tokio::test]
async fn every_way_and_all_of_them_at_once_lead_to_mosquitto() {
    if installed("openssl").is_none() || installed("mosquitto").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tutorial(folder);
    let [plain, encrypted, plain_ws, encrypted_ws] = [(); 4].map(|()| free_port());
    let files = "cafile ca.crt\ncertfile server.crt\nkeyfile server.key\n";
    let configuration = format!(
        "allow_anonymous true\nlistener {plain} 127.0.0.1\nlistener 0 {0}/mqtt.sock\n\
         listener {encrypted} 127.0.0.1\n{files}listener {plain_ws} 127.0.0.1\nprotocol websockets\n\
         listener {encrypted_ws} 127.0.0.1\nprotocol websockets\n{files}",
        folder.display()
    );
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let socket = folder.join("mqtt.sock");
    is_answered(&mut connect(&Route::new(Endpoint::unix(socket).unwrap())).await.unwrap()).await;

    let options = tls::Options { cafile: Some(folder.join("ca.crt")), ..tls::Options::default() };
    let client = tls::Client::new(&options, &mut |_, _| None).unwrap();
    let proxy = proxy().await;
    for through in [None, Some(proxy)] {
        for (port, is_tls, is_websocket) in
            [(plain, false, false), (encrypted, true, false), (plain_ws, false, true), (encrypted_ws, true, true)]
        {
            let route = Route {
                proxy: through.clone(),
                tls: is_tls.then(|| client.clone()),
                websocket: is_websocket.then(Opening::default),
                ..Route::new(Endpoint::new("localhost", port).unwrap())
            };
            let mut stream = connect(&route).await.unwrap();
            assert_eq!(stream.session().is_some(), is_tls);
            is_answered(&mut stream).await;
        }
    }
}

#[tokio::test]
async fn what_answers_in_place_of_a_proxy_or_a_websocket_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let endpoint = || Endpoint::new("localhost", port).unwrap();
    let broker = socks("localhost", port, None);
    let route = Route { proxy: Some(broker), ..Route::new(endpoint()) };
    let error = connect(&route).await.unwrap_err();
    assert!(matches!(error, ConnectError::Proxy { error: ProxyError::Socks(SocksError::Closed), .. }), "{error:?}");

    let route = Route { websocket: Some(Opening::default()), ..Route::new(endpoint()) };
    let error = connect(&route).await.unwrap_err();
    assert!(matches!(error, ConnectError::WebSocket(WebSocketError::Closed)), "{error:?}");

    let route = Route { proxy: Some(proxy().await), ..Route::new(Endpoint::new("localhost", free_port()).unwrap()) };
    let error = connect(&route).await.unwrap_err();
    let ConnectError::Proxy { error: ProxyError::Socks(SocksError::Reply(reply)), .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(reply, Reply::ConnectionRefused);
}

/// A server that accepts and says nothing.
async fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    port
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    let port = silent().await;
    let timeout = Duration::from_millis(100);
    let proxy = socks("127.0.0.1", port, None);
    let route = Route { proxy: Some(proxy), timeout, ..Route::new(Endpoint::new("broker", 1883).unwrap()) };
    let error = connect(&route).await.unwrap_err();
    assert!(matches!(error, ConnectError::Proxy { error: ProxyError::TimedOut, .. }), "{error:?}");

    let endpoint = Endpoint::new("127.0.0.1", port).unwrap();
    let route = Route { websocket: Some(Opening::default()), timeout, ..Route::new(endpoint) };
    let error = connect(&route).await.unwrap_err();
    assert!(matches!(error, ConnectError::WebSocket(WebSocketError::TimedOut)), "{error:?}");
}

#[test]
fn no_verify_asks_nobody_and_says_so() {
    // The broker's CA is not among those of the operating system.
    let script = r#"unset MQTT_CAFILE
        for verb in "pub -n" "sub -E" "rr -e t -n -W 60"; do
            "$MOSKIT" $verb -t t --tls-use-os-certs --quiet; echo "checked: $?"
            "$MOSKIT" $verb -t t --tls-use-os-certs --no-verify; echo "not checked: $?"
        done"#;
    let program = moskit(&[]).get_program().to_owned();
    let ended = run(moskit(&["broker", "--tls", "--run", script]).env("MOSKIT", program), b"");
    assert_eq!(ended.stdout, "checked: 1\nnot checked: 0\n".repeat(3), "{ended:?}");
    assert_eq!(ended.stderr, "warning: --no-verify: the server's certificate is not checked at all\n".repeat(3));
}

/// The limits of the programs themselves, which no option changes.
#[test]
#[ignore = "long: waits for 30 seconds"]
fn clients_give_up_after_half_a_minute() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let proxy = format!("socks5h://127.0.0.1:{port}");
    let ways: [(&[&str], &str, i32); 3] = [
        (&["--proxy", &proxy], "Error: Proxy error\n", 16),
        (&["-h", "127.0.0.1", "-p", &port, "--ws"], "Error: Unknown error\n", 13),
        (&["-h", "127.0.0.1", "-p", &port, "--tls-use-os-certs"], "Unable to connect (A TLS error occurred).\n", 1),
    ];
    std::thread::scope(|scope| {
        for (way, line, code) in ways {
            scope.spawn(move || {
                let started = Instant::now();
                let ended = run(&mut called_as("mosquitto_pub", &[&["-t", "a", "-n"], way].concat()), b"");
                assert!(ended.stderr.starts_with(line), "{ended:?}");
                assert_eq!((ended.stdout.as_str(), ended.code), ("", code));
                assert_eq!(started.elapsed().as_secs(), 30);
            });
        }
    });
}
