//! HTTP, over the real router.
