//! Uploads to one setting take turns within a process; uploads to different settings do not wait for each other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::domain::SettingId;

type Turn = tokio::sync::Mutex<()>;

/// Who is at work on which setting.
#[derive(Default)]
pub(super) struct KeyedMutex(Mutex<HashMap<SettingId, Weak<Turn>>>);

impl KeyedMutex {
    /// Waits for the turn on `setting`; it ends when the guard is dropped.
    pub(super) async fn take(&self, setting: SettingId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let turn: Arc<Turn> = turns.get(&setting).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(setting, Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}
