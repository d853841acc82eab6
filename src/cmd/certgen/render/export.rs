//! What `certgen export` has written.

use crate::cmd::certgen::export::Exported;
use crate::cmd::certgen::files::shown;
use crate::term::Term;

pub fn exported(exported: &Exported, term: &mut Term) {
    if let Some(text) = &exported.text {
        term.write(text);
    }
    super::files(&exported.files, term);
    for certificate in &exported.without_ca {
        term.note(format_args!(
            "warning: no CA that signed `{}` lies beside it: a client cannot check the broker's certificate without it; --ca FILE adds it",
            shown(certificate)
        ));
    }
    for certificate in &exported.without_chain {
        term.note(format_args!(
            "warning: the intermediate CAs of `{}` are left out, since MicroPython sends one certificate: the broker must have them in its cafile",
            shown(certificate)
        ));
    }
    if exported.is_beyond_ascii {
        term.note("warning: Java opens no store whose passphrase has characters beyond ASCII");
    }
    if let Some(first) = exported.secret.first() {
        let others = match exported.secret.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        term.note(format_args!(
            "note: `{}`{others} holds a private key that is not encrypted: keep it secret, and out of version control",
            shown(first)
        ));
    }
}
