//! A store that is damaged, or of an older version, is made anew from the log: nothing in it is
//! needed. So nobody has to delete anything before a server starts again.

use std::sync::Arc;

use feiqian_core::EventNumber;
use feiqian_log::Disk;
use feiqian_store::{Store, StoreError};

use crate::OpenError;
use crate::open::{Options, Stage, tell};

/// How far the store reaches on disk; nowhere if what it says cannot be believed.
pub(crate) fn recorded_position(disk: Arc<dyn Disk>) -> Result<EventNumber, StoreError> {
    match feiqian_store::recorded_position_on(disk) {
        Err(error) if error.can_be_rebuilt() => Ok(EventNumber(0)),
        recorded => recorded,
    }
}

/// Opens the store and brings it up to the log's end; begins again with an empty one if it turns out
/// to be damaged.
pub(crate) fn or_rebuild<T>(
    options: &mut Options,
    mut bring_up: impl FnMut(&mut Options) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    match bring_up(options) {
        Err(OpenError::Store(error)) if error.can_be_rebuilt() => {
            tracing::warn!(%error, "the indexes are made anew from the log");
            tell(options, Stage::Rebuild);
            Store::clear(options.folders.store.clone())?;
            bring_up(options)
        }
        done => done,
    }
}
