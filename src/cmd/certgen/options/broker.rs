//! Words of `certgen init --broker`.

#[derive(Debug, clap::Args)]
pub struct BrokerArgs {
    /// Make a folder that a broker starts on: besides the certificates a password file, an ACL file and a mosquitto.conf
    /// that uses them. Clients with certificates connect to PORT, users with passwords to the port after it, or to PORT
    /// where there are no --clients
    #[arg(long)]
    pub broker: bool,
    /// Users who log in with a password, which is generated [default: mqtt, where there are no --clients]
    #[arg(long, value_name = "USER,…", value_delimiter = ',', requires = "broker")]
    pub login: Vec<String>,
    /// Where the generated passwords go: shown once, or into logins.txt in DIR with mode 0600 [default: show on a
    /// terminal, file elsewhere]
    #[arg(long, value_name = "WHERE", requires = "broker")]
    pub passwords: Option<PasswordsTo>,
    /// Who may use which topics [default: standard]
    #[arg(long, value_name = "KIND", requires = "broker")]
    pub acl: Option<Acl>,
    /// Let the broker keep sessions and retained messages over a restart, in the folder data in DIR
    #[arg(long, requires = "broker")]
    pub persistence: bool,
    /// Add a listener for WebSockets (wss://), for users with passwords, on the port after the others
    #[arg(long, requires = "broker")]
    pub websockets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PasswordsTo {
    /// On standard output
    Show,
    /// In DIR/logins.txt
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Acl {
    /// Each user reads and writes the topics below its own name, USER/#, and no others
    Standard,
    /// Whoever is logged in reads and writes all topics
    None,
}
