//! What campaigns need of the edges: rules read from text, codes for coupons, and who is one person.

pub mod cel;
pub mod codes;
pub mod persons;
pub mod tally;
