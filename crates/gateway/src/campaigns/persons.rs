//! Which users are one person: what proves it is kept as a keyed hash only.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use feiqian_core::campaign::shoppers::Person;

/// Makes the hashes, under one key from the vault. The same key for ever.
pub struct Persons(Key);

impl Persons {
    /// From a key that is used for nothing else (`Vault::derive("persons")`).
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, key))
    }

    /// The hash of what proves who somebody is: blanks and case make no difference.
    #[must_use]
    pub fn of(&self, identity: &str) -> Person {
        let plain: String = identity
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_uppercase)
            .collect();
        let mut person = Person::default();
        person.copy_from_slice(&sign(&self.0, plain.as_bytes()).as_ref()[..16]);
        person
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_however_it_is_written() {
        let (ours, others) = (Persons::new(&[1; 32]), Persons::new(&[2; 32]));
        let person = ours.of("11010519491231002X");
        assert_eq!(person, ours.of("110105 19491231 002x"));
        assert_ne!(person, ours.of("110105194912310021"));
        assert_ne!(person, others.of("11010519491231002X"));
    }
}
