//! What differs between operating systems. Nothing else in the program names a Unix call, a path below
//! `/dev` or `/proc`, or a condition on the platform; `tests/integration/house.rs` holds that.
//!
//! `unix` and `elsewhere` have the same modules with the same names. What only Unix has fails elsewhere
//! with [`unsupported`] when it is asked for, and is:
//!
//! * [`hosts`]: names that are found in a file before anybody is asked, as far as the system says so
//! * [`local`]: unix sockets, to connect to, to listen on, and rumqttc's own for `check --second-opinion`
//! * [`files`]: modes, owners, the file behind a descriptor's number, symbolic links. A new file takes the
//!   rights of its folder where there is no mode
//! * [`first_process`]: containers, whose first process gets no signal that it does not listen for
//! * [`process`]: going to the background, the umask; looking at other processes before a signal is sent
//!   (`passwd --reload`, `qshape --refresh`), which is Linux's alone
//! * [`signal`]: all but Ctrl-C, Ctrl-Break and the closing of the console
//! * [`syslog`]
//! * [`text`]: arguments that are not Unicode
//! * [`user`]: root, and becoming another user, which is Linux's alone

pub mod account;
#[cfg(not(unix))]
mod elsewhere;
pub mod runtime;
#[cfg(unix)]
mod unix;
#[cfg(not(target_os = "linux"))]
mod unseen;

#[cfg(not(unix))]
pub use elsewhere::{files, first_process, hosts, local, process, signal, socket, syslog, terminal, text, user};
#[cfg(unix)]
pub use unix::{files, first_process, hosts, local, process, signal, socket, syslog, terminal, text, user};

/// Numbers of the user and the group that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub user: u32,
    pub group: u32,
}

/// What whoever asks for `what`, a plural, is told where there is no such thing.
pub fn unsupported(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::Unsupported, format!("{what} are not there on this platform"))
}
