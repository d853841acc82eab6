//! What a listener shows and refuses now; a reload replaces it.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::pki::revocation::RevocationList;

/// What a reload replaces.
#[derive(Debug)]
pub(in crate::net) struct Current {
    pub(super) identity: RwLock<Arc<CertifiedKey>>,
    pub(super) revocation: RwLock<Option<Arc<Vec<RevocationList>>>>,
}

impl Current {
    pub fn revocation(&self) -> Option<Arc<Vec<RevocationList>>> {
        self.revocation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.identity.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
