//! Set what campaigns may know of a user: city and segment tags, and which person is behind it.
//!
//! Ledger: none. Invariant: a user's person is set once. Two users of one person share the limits of
//! campaigns that count persons, also for what they had before.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::shoppers::Person;
use crate::command::{Decision, refusals};
use crate::ids::UserId;
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTraits {
    /// Whose.
    pub user: UserId,
    /// City tag from now on; 0 for none.
    pub city: u32,
    /// Segment tag from now on; 0 for none.
    pub segment: u16,
    /// A keyed hash of what proves who it is. None: as before.
    pub person: Option<Person>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TraitsSet {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose.
    #[n(1)]
    pub user: UserId,
    /// City tag from now on.
    #[n(2)]
    pub city: u32,
    /// Segment tag from now on.
    #[n(3)]
    pub segment: u16,
    /// The person, if it was not known before.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub person: Option<Person>,
}

refusals! {
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// The user is known to be another person. Final.
    OtherPerson = "this user is known to be another person",
}

impl SetTraits {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &SetTraits) -> Decision<TraitsSet, Refusal> {
    let Some(shopper) = state.shoppers.get(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    let mut person = command.person;
    if let Some(known) = &person
        && shopper.has_person
    {
        if state.shoppers.persons.first(known) != Some(shopper.first) {
            return Decision::Refuse(Refusal::OtherPerson);
        }
        person = None;
    }
    Decision::Accept(TraitsSet {
        at: now,
        user: command.user,
        city: command.city,
        segment: command.segment,
        person,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &TraitsSet) {
    let shopper = state.shoppers.get_mut(event.user);
    (shopper.city, shopper.segment) = (event.city, event.segment);
    let Some(person) = event.person else { return };
    let first = state.shoppers.persons.first(&person);
    let shopper = state.shoppers.get_mut(event.user);
    shopper.has_person = true;
    match first {
        None => state.shoppers.persons.push(person, event.user),
        Some(first) => {
            shopper.first = first;
            state.campaigns.join(event.user, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::testing::{LEI, MEI, NOBODY, given};

    fn traits(user: UserId, person: Option<u8>) -> SetTraits {
        SetTraits {
            user,
            city: 310_100,
            segment: 7,
            person: person.map(|byte| [byte; 16]),
        }
    }

    #[test]
    fn a_person_is_known_once() {
        let world = given([
            traits(MEI, Some(1)).into(),
            traits(LEI, Some(1)).into(),
            traits(LEI, Some(1)).into(),
            traits(MEI, None).into(),
        ]);
        let lei = world.state.shoppers.get(LEI).unwrap();
        assert_eq!((lei.first, lei.city, lei.segment), (MEI, 310_100, 7));
        world.refuses_each([
            (traits(NOBODY, None).into(), UserNotFound),
            (traits(MEI, Some(2)).into(), OtherPerson),
            (traits(LEI, Some(2)).into(), OtherPerson),
        ]);
    }
}
