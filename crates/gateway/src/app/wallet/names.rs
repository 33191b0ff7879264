//! People's names as other people may see them: enough to know a friend, too little to learn a stranger's.

use feiqian_core::UserId;

use crate::platform::{Platform, PlatformError};

/// `小梅` of 王小梅 becomes `*小梅`; `Mei Lin` becomes `M** L**`.
#[must_use]
pub fn masked(name: &str) -> String {
    let mut chars = name.trim().chars();
    match chars.next() {
        None => "*".to_owned(),
        Some(first) if first.is_ascii() || is_latin(first) => {
            let word = |word: &str| format!("{}**", word.chars().next().unwrap_or('*'));
            let words = name.split_whitespace().map(word);
            words.collect::<Vec<_>>().join(" ")
        }
        Some(_) => format!("*{}", chars.as_str()),
    }
}

/// Letters of Latin scripts beyond ASCII.
fn is_latin(c: char) -> bool {
    ('\u{c0}'..='\u{24f}').contains(&c)
}

/// The masked name of a user; a star for who was erased.
///
/// # Errors
/// Of the vault.
pub fn of(platform: &Platform, user: UserId) -> Result<String, PlatformError> {
    let person = platform.person(user)?;
    Ok(person.map_or_else(|| "*".to_owned(), |person| masked(&person.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_friend_is_known_and_a_stranger_is_not() {
        for (name, shown) in [
            ("王小梅", "*小梅"),
            ("梅", "*"),
            ("Mei Lin", "M** L**"),
            ("Élodie", "É**"),
            ("", "*"),
            ("  ", "*"),
        ] {
            assert_eq!(masked(name), shown, "{name}");
        }
    }
}
