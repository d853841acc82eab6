//! Keys, certificates, chains: make, read, judge. Pure but for [`read`], which opens files.
//!
//! * [`read`]: opens files, and says what they really are
//! * [`content`]: what files hold, in all forms of them
//! * [`key`]: private keys, encrypted ones too
//! * [`certificate`]: what a certificate says
//! * [`make`]: new keys, authorities, certificates, requests, revocation lists
//! * [`serial`]: serial numbers
//! * [`openssl_index`]: the `index.txt` of `openssl ca` and easy-rsa
//! * [`index`]: what a CA has issued and revoked, a line of JSON each
//! * [`manifest`]: what a batch has made, a line of JSON each
//! * [`name`]: host names, addresses and distinguished names, and whether they match
//! * [`chain`]: whether a chain is to be believed, and if not, every reason
//! * [`strict`]: where a chain that is believed departs from RFC 5280

mod attribute_types;
pub mod certificate;
pub mod chain;
pub mod completion;
pub mod content;
pub mod index;
pub mod key;
mod key_encryption;
pub mod kind;
pub mod make;
pub mod manifest;
pub mod name;
mod old_ciphers;
pub mod openssl_index;
mod pem_text;
pub mod pkcs12;
mod pkcs12_key;
pub mod read;
pub mod revocation;
mod rfc2253;
pub mod section;
pub mod serial;
pub mod signature;
pub mod strict;
pub mod time;
