//! What campaigns need of the edges: rules read from text, and codes for coupons.

pub mod cel;
