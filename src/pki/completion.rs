//! Completes a chain that a file leaves short, as OpenSSL does for who configures a leaf alone and its CAs beside it.

use std::sync::Arc;

use super::certificate::Certificate;
use super::chain::{Anchors, PATH_LIMIT, SIGNATURE_LIMIT};

/// The issuers of `leaf` among `known`, one above the other, as far as they are known: what is sent behind it. They are
/// no more trusted by it than before. `now` is in seconds since 1970.
pub fn issuers(leaf: &Certificate, known: &Anchors, now: i64) -> Vec<Arc<Certificate>> {
    let mut issuers: Vec<Arc<Certificate>> = Vec::new();
    let mut signatures = 0;
    loop {
        let last = issuers.last().map_or(leaf, |issuer| issuer);
        if last.is_self_issued() || issuers.len() + 1 >= PATH_LIMIT {
            return issuers;
        }
        let is_new =
            |other: &&Arc<Certificate>| other.der != leaf.der && !issuers.iter().any(|issuer| issuer.der == other.der);
        let named: Vec<_> = known.iter().filter(|other| other.subject == last.issuer).filter(is_new).collect();
        // The name alone chooses nobody: two CAs may have one, and a renewed CA has its old one's.
        let signers = named.into_iter().filter(|issuer| {
            signatures += 1;
            signatures <= SIGNATURE_LIMIT
                && issuer.public_key.verify(&last.signature_algorithm, &last.signed, &last.signature).is_ok()
        });
        let is_valid = |issuer: &Certificate| (issuer.not_before..=issuer.not_after).contains(&now);
        match signers.max_by_key(|issuer| (is_valid(issuer), issuer.is_ca(), issuer.not_after)) {
            Some(issuer) => issuers.push(Arc::clone(issuer)),
            None => return issuers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::make::{
        Authority, AuthorityPlan, KeyPair, KeyType, Leaf, PermittedNames, Purpose, Subject, Validity,
    };

    const NOW: i64 = 1_800_000_000;
    const YEAR: i64 = 365 * 86_400;

    fn plan(name: &str, end: i64, path_length: u8) -> AuthorityPlan {
        AuthorityPlan {
            subject: Subject::common_name(name),
            validity: Validity { not_before: NOW - YEAR, not_after: end },
            path_length,
            permitted: PermittedNames::parse([]).unwrap(),
        }
    }

    fn key() -> KeyPair {
        KeyPair::generate(KeyType::P256).unwrap()
    }

    fn same_key(authority: &Authority) -> KeyPair {
        KeyPair::load(&authority.key().private_key()).unwrap()
    }

    fn root(name: &str) -> Authority {
        Authority::self_signed(&plan(name, NOW + YEAR, 3), key()).unwrap()
    }

    fn leaf(issuer: &Authority) -> Certificate {
        let leaf = Leaf {
            subject: Subject::common_name("leaf"),
            names: Vec::new(),
            purpose: Purpose::Client,
            validity: Validity { not_before: NOW - 1, not_after: NOW + 1000 },
        };
        Certificate::parse(&issuer.sign(&leaf, &key().public_key()).unwrap()).unwrap()
    }

    fn ders(of: &[&Authority]) -> Vec<Vec<u8>> {
        of.iter().map(|authority| authority.certificate().der.clone()).collect()
    }

    fn completed(leaf: &Certificate, known: &[&Authority]) -> Vec<Vec<u8>> {
        issuers(leaf, &Anchors::new(ders(known)), NOW).iter().map(|issuer| issuer.der.clone()).collect()
    }

    #[test]
    fn the_issuers_follow_up_to_the_root_in_whatever_order_they_are_known() {
        let root = root("root");
        let intermediate = root.sign_authority(&plan("int", NOW + YEAR, 0), key()).unwrap();
        let leaf = leaf(&intermediate);
        let whole = ders(&[&intermediate, &root]);
        assert_eq!(completed(&leaf, &[&intermediate, &root]), whole);
        assert_eq!(completed(&leaf, &[&root, &intermediate]), whole);
        assert_eq!(completed(&leaf, &[&intermediate]), whole[..1]);
        // The root has signed nothing that is here.
        assert_eq!(completed(&leaf, &[&root]), [[0; 0]; 0]);
        assert_eq!(completed(root.certificate(), &[&root, &intermediate]), [[0; 0]; 0]);
    }

    #[test]
    fn among_cas_of_one_name_the_signature_chooses() {
        let roots = [root("root"), root("root")];
        let leaf = leaf(&roots[1]);
        for known in [[&roots[0], &roots[1]], [&roots[1], &roots[0]]] {
            assert_eq!(completed(&leaf, &known), ders(&[&roots[1]]));
        }
        assert_eq!(completed(&leaf, &[&roots[0]]), [[0; 0]; 0]);
    }

    #[test]
    fn of_two_certificates_of_one_ca_the_valid_one_is_sent() {
        let root = root("root");
        let old = root.sign_authority(&plan("int", NOW - 1000, 0), key()).unwrap();
        let renewed = root.sign_authority(&plan("int", NOW + YEAR, 0), same_key(&old)).unwrap();
        let leaf = leaf(&renewed);
        for known in [[&old, &renewed, &root], [&root, &renewed, &old]] {
            assert_eq!(completed(&leaf, &known), ders(&[&renewed, &root]));
        }
    }

    #[test]
    fn cas_that_vouch_for_each_other_come_to_an_end() {
        let (a, b) = (root("a"), root("b"));
        // Cross-signed both ways: neither is self-issued.
        let a_by_b = b.sign_authority(&plan("a", NOW + YEAR, 0), same_key(&a)).unwrap();
        let b_by_a = a.sign_authority(&plan("b", NOW + YEAR, 0), same_key(&b)).unwrap();
        assert_eq!(completed(&leaf(&a), &[&b_by_a, &a_by_b]), ders(&[&a_by_b, &b_by_a]));
    }
}
