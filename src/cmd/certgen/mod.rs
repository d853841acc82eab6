//! `moskit certgen`: certificates for MQTT, made, looked at and judged.

mod batch;
mod broken;
mod ca;
mod chunk;
mod content;
mod crl;
mod dates;
mod deadline;
mod device;
mod expiry;
mod export;
mod files;
mod fleet;
mod forms;
mod held;
mod ids;
mod import;
mod index;
mod index_file;
mod init;
mod inspect;
mod issuer;
mod key;
mod leaf;
mod lifetime;
mod lint;
mod made;
mod manifest_file;
mod options;
mod passphrase;
mod peer;
mod ready;
mod register;
mod render;
mod renew;
mod revoke;
mod rows;
mod secrets;
mod sentences;
mod sign;
mod stores;
mod trust;
mod verify;
mod walk;

use self::inspect::Seen;
use self::options::{Action, CrlArgs, ExpiryArgs, IndexArgs, InspectArgs, LintArgs, RenewArgs, RevokeArgs, VerifyArgs};
use self::passphrase::Opener;
use self::renew::Renewed;
use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "certgen",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Make and check certificates and keys",
    command: options::command,
    run,
    manual: Manual {
        description: &[
            "moskit certgen makes certificates and keys for brokers and clients, and tells what is wrong with those that exist. What it makes is accepted by OpenSSL, rustls, mbedTLS, browsers and Apple's systems, unless a warning says otherwise.",
            "inspect, verify, lint and expiry read every form that export and batch write: PEM, DER, PKCS#12, C and Arduino headers, ESP-IDF's NVS table (nvs.csv), MicroPython modules, variables in base64, Secrets of Kubernetes, Docker's compose files, profiles (.mobileconfig) and archives (tar); of a folder all such files in it and below. What they cannot read they call not known.",
            "Three usual calls: certgen init DIR --hosts NAMES makes a CA, the broker's certificate and a mosquitto.conf, with --broker all that a broker needs to start; certgen client ID -d DIR makes one more client certificate; certgen expiry DIR tells what expires soon, with exit codes for monitoring.",
            "A DURATION is a whole number and a unit: s, m, h, d or w (90s, 30m, 24h, 30d, 2w), or 0. A TIME is 2027-12-24, which means its last second in UTC, or RFC 3339 such as 2027-12-24T10:00:00Z.",
        ],
        sections: Vec::new,
        exit_status: &[
            (
                "0",
                "Done; the answer is yes; nothing expires soon; nothing was due (renew); lint found nothing but notes.",
            ),
            (
                "1",
                "Failed; the answer is no; something expires soon (expiry, crl --warn), is not due (renew --exit-code) or could be better (lint).",
            ),
            (
                "2",
                "Something is over or about to be (expiry, crl --warn), wrong (lint) or could not be renewed (renew); a list \
                 lacks what was revoked (crl --warn).",
            ),
            ("3", "Usage, or (expiry) it cannot be known."),
        ],
        environment: &[&[(
            "VAR",
            "With --pass-env VAR: the passphrase of a key. There is no option that takes the passphrase itself.",
        )]],
        files: &[
            ("ca.crt, ca.key", "The CA. ca.crt goes to every client and to the broker, ca.key to nobody."),
            ("server.crt, server.key", "The broker's, made by init; server names them by the first host."),
            ("ID.crt, ID.key", "A client's."),
            ("STEM-chain.crt", "A certificate and the intermediate CAs above it: what a server below one must send."),
            (
                "STEM.crl, as ca.crl",
                "The revocation list of a CA, made by crl. It goes to the broker, which must be told of every new one (reload).",
            ),
            (
                "STEM-index.ndjson, as ca-index.ndjson",
                "What the CA has issued and revoked, a line of JSON each; lines are only ever added. The list is made of it. \
                 Where it was lost or spoilt, certgen index --rebuild makes it of the files.",
            ),
            (
                "manifest.ndjson",
                "What batch has made in its folder, a line of JSON for each device, see moskit-json(5). A run that was killed, or \
                 that met a full disk, goes on behind it when it is started again.",
            ),
            ("mosquitto.conf", "Made by init: a configuration that uses the files."),
            (
                "passwords, acl, data",
                "Made by init --broker: the password file (hashes that Mosquitto reads from 2.0 on), the ACL file, and the folder \
                 for what the broker keeps.",
            ),
            (
                "logins.txt",
                "Made by init --broker where the passwords are not shown: USER:PASSWORD lines, for whoever hands them out. \
                 No broker reads it; it is there to be deleted.",
            ),
        ],
        examples: &[
            (
                "moskit certgen init certs --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2",
                "A CA, a server, two clients and a mosquitto.conf",
            ),
            (
                "moskit certgen init site --broker --hosts localhost --clients dev1,dev2 --login ann --persistence",
                "A folder that moskit broker -c or mosquitto -c starts on: certificates for devices, a password for ann",
            ),
            ("moskit certgen client -d certs dev3", "One more client"),
            (
                "moskit certgen batch fleet.csv -d certs --layout folder",
                "Keys and certificates for each row of fleet.csv, whose first line is id,san,days: a folder for each device",
            ),
            (
                "moskit certgen batch requests/ -d certs -o signed",
                "Sign the requests (*.csr) of a folder; the keys stay on the devices",
            ),
            ("moskit certgen inspect certs/server.crt", "What a certificate says"),
            (
                "moskit certgen verify certs/server.crt --host mqtt.lan --key certs/server.key",
                "Whether clients will believe it",
            ),
            (
                "moskit certgen verify certs --ca certs/ca.crt",
                "The same for all in a folder, as batch makes it: in files or in archives",
            ),
            ("moskit certgen expiry certs --warn 30d --crit 7d", "A check for monitoring"),
            (
                "moskit certgen renew certs/server.crt -d certs --exec 'systemctl reload mosquitto'",
                "For cron: renew when due",
            ),
            (
                "moskit certgen revoke -d certs dev1 --reason keyCompromise --crl",
                "A device was stolen: revoke its certificates, and write the list for the broker",
            ),
            ("moskit certgen crl -d certs --within 7d", "For cron: a new revocation list in time"),
            (
                "moskit certgen export certs/dev1.crt --to arduino",
                "Certificate, key and CA as a header for Arduino and PlatformIO",
            ),
            (
                "moskit certgen export certs/dev2.crt --to k8s -o - > secret.yaml",
                "The same as a Secret of Kubernetes, for kubectl apply -f",
            ),
            (
                "moskit certgen trust install certs/ca.crt --dry-run",
                "What would have to be done for the programs of this machine to trust the CA; --yes does it",
            ),
            ("moskit certgen broken cert.expired", "An expired certificate, for a test"),
        ],
        differences: &[
            "Server keys are never encrypted: a service that starts by itself has nobody to type the passphrase.",
            "A CA made anew never has the name of the old one, because clients then fail with errors that mislead.",
            "PKCS#12 stores with RC4, or in BER that is not DER, are not opened, nor are archives that are compressed.",
            "In a source, a module or a manifest the certificates are found where they are written out: nothing is compiled, imported or expanded.",
            "Java's own JKS is not written: Java reads PKCS#12 (export --to p12) since version 8, and keytool -importkeystore makes JKS of it for a program that takes nothing else.",
            "What mbedTLS accepts is judged by its documented rules; that library is not run.",
        ],
        see_also: &["moskit(1)", "mosquitto.conf(5)", "mosquitto-tls(7)"],
    },
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    match &options::read(&matches)? {
        Action::Init(args) => render::initialised(args, &init::run(args, term)?, term)?,
        Action::Ca(args) => render::made(&ca::run(args, term)?, term),
        Action::Server(args) => leaf::run_server(args, term)?.iter().for_each(|made| render::made(made, term)),
        Action::Client(args) => leaf::run_client(args, term)?.iter().for_each(|made| render::made(made, term)),
        Action::Batch(args) => return Ok(render::batch(&batch::run(args, term)?, term)),
        Action::Csr(args) => render::files(&sign::run_request(args, term)?, term),
        Action::Sign(args) => render::made(&sign::run_sign(args, term)?, term),
        Action::Inspect(args) => return inspect(args, term),
        Action::Verify(args) => return verify(args, term),
        Action::Lint(args) => return lint(args, term),
        Action::Renew(args) => return renew(args, term),
        Action::Expiry(args) => return expiry(args, term),
        Action::Revoke(args) => revoke(args, term)?,
        Action::Crl(args) => return crl(args, term),
        Action::Index(args) => index(args, term)?,
        Action::Export(args) => render::exported(&export::run(args, term)?, term),
        Action::Import(args) => render::imported(&import::run(args, term)?, term),
        Action::Trust(action) => {
            let change = trust::plan(action)?;
            render::trust_plan(&change, term);
            render::trusted(action, &trust::carry_out(&change, term)?, term);
        }
        Action::Key(action) => return Ok(render::key(&key::run(action, term)?, term)),
        Action::Broken(args) => match broken::run(args, term)? {
            Some(made) => render::broken(&made, term),
            None => render::broken_kinds(term),
        },
    }
    Ok(Exit::OK)
}

/// What was seen of one file is shown before the next is looked at. What cannot be looked at ends nothing but its own part.
fn inspect(args: &InspectArgs, term: &mut Term) -> Result<Exit, Failure> {
    let opener = Opener::new(&args.passphrase)?;
    let (mut is_first, mut exit) = (true, Exit::OK);
    for target in &args.targets {
        let mut show = |place: &str, seen: Result<Seen, Failure>, term: &mut Term| {
            if !seen.as_ref().is_ok_and(Seen::is_whole) {
                exit = Exit::FAILED;
            }
            match seen {
                Ok(seen) if args.json => render::seen_as_json(place, &seen, term),
                Ok(seen) => {
                    render::seen(place, &seen, is_first, term);
                    is_first = false;
                }
                Err(failure) => {
                    if args.json {
                        render::unseen_as_json(place, &failure, term);
                    }
                    failure.show(term);
                }
            }
        };
        match inspect::inspect(target, &opener, term, &mut show) {
            Err(failure) if failure.has_text() => show(target, Err(failure), term),
            ended => ended?,
        }
    }
    Ok(exit)
}

fn verify(args: &VerifyArgs, term: &mut Term) -> Result<Exit, Failure> {
    let mut exit = Exit::OK;
    verify::run(args, term, |answer, term| match answer {
        Ok(answer) => {
            if !answer.is_good {
                exit = Exit::FAILED;
            }
            if args.json {
                render::verified_as_json(&answer, term);
            } else {
                render::verified(&answer, term);
            }
        }
        Err(not_known) => {
            if args.json {
                render::not_known_as_json(&not_known, term);
            }
            not_known.failure.show(term);
            exit = Exit::FAILED;
        }
    })?;
    Ok(exit)
}

fn lint(args: &LintArgs, term: &mut Term) -> Result<Exit, Failure> {
    let linted = lint::run(args)?;
    if args.json {
        render::linted_as_json(&linted, term);
    } else {
        render::linted(&linted, term);
    }
    Ok(render::exit_of_lint(&linted))
}

/// The command that follows a renewal comes after the text about it.
fn renew(args: &RenewArgs, term: &mut Term) -> Result<Exit, Failure> {
    match renew::run(args, term)? {
        Renewed::NotDue { not_after, now } => {
            render::not_due(&args.certificate, not_after, now, term);
            Ok(if args.exit_code { Exit::FAILED } else { Exit::OK })
        }
        Renewed::Renewed(made) => {
            render::made(&made, term);
            term.flush();
            args.exec.as_deref().map_or(Ok(()), renew::follow).map(|()| Exit::OK)
        }
    }
}

fn expiry(args: &ExpiryArgs, term: &mut Term) -> Result<Exit, Failure> {
    let now = dates::now();
    let answers = expiry::run(args, now)?;
    if args.openmetrics {
        render::answers_as_metrics(&answers, term);
    } else if args.json {
        render::answers_as_json(&answers, now, term);
    } else {
        render::answers(&answers, now, term);
    }
    Ok(render::exit_of_expiry(expiry::worst(&answers)))
}

/// What was revoked stays so, and is shown, also where no list can be made then.
fn revoke(args: &RevokeArgs, term: &mut Term) -> Result<(), Failure> {
    let now = dates::now();
    render::revoked(&revoke::run(args, now)?, term);
    if args.crl {
        render::standing(&crl::make_list(&args.issuer, &args.list, None, now, term)?, term);
    } else {
        render::take_effect(&args.issuer, term);
    }
    Ok(())
}

fn crl(args: &CrlArgs, term: &mut Term) -> Result<Exit, Failure> {
    let now = dates::now();
    let standing = match args.warn {
        Some(warn) => match crl::look(args, warn, now)? {
            Ok(standing) => standing,
            Err(path) => return Ok(render::no_list(&path, term)),
        },
        None => crl::make_list(&args.issuer, &args.list, args.within, now, term)?,
    };
    render::standing(&standing, term);
    Ok(render::exit_of_list(standing.state))
}

fn index(args: &IndexArgs, term: &mut Term) -> Result<(), Failure> {
    if let Some(more) = &args.rebuild {
        render::rebuilt(&index::rebuild(args, more, term)?, term);
        return Ok(());
    }
    let now = dates::now();
    let show = if args.json { render::entry_as_json } else { render::entry };
    index::list(args, |entry| show(entry, now, term))
}
