//! The permits of a pool, shared by the tenants: while several wait, they are served in turn, the one that holds fewest permits
//! first, so that many requests of one tenant never take the database from the others. An idle permit is anyone's, save the
//! last of several, which a tenant leaves to the others.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use adept_domain::TenantId;
use tokio::sync::{Notify, oneshot};

tokio::task_local! {
    static TENANT: TenantId;
}

/// Does `work` on behalf of a tenant, whose share of the database it uses.
pub async fn in_share_of<F: Future>(tenant: TenantId, work: F) -> F::Output {
    TENANT.scope(tenant, work).await
}

/// A tenant's share, or that of whatever is done for none of them: the background, and bearer checks.
type Share = Option<TenantId>;

/// A number of permits.
pub struct FairSemaphore {
    size: usize,
    permits: Mutex<Permits>,
    /// All permits may be back.
    returned: Notify,
}

struct Permits {
    free: usize,
    is_closed: bool,
    held: HashMap<Share, usize>,
    /// The tasks that wait, and the way to each of their permits. Those of the tenant that was served last stand behind the others.
    waiting: VecDeque<(Share, oneshot::Sender<Permit>)>,
}

/// A permit that was taken. Dropping it gives it back.
pub struct Permit {
    semaphore: Arc<FairSemaphore>,
    share: Share,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let unwanted = {
            let mut permits = self.semaphore.permits();
            permits.free += 1;
            if let Some(held) = permits.held.get_mut(&self.share) {
                *held -= 1;
                if *held == 0 {
                    permits.held.remove(&self.share);
                }
            }
            if permits.free == self.semaphore.size {
                self.semaphore.returned.notify_waiters();
            }
            self.semaphore.serve(&mut permits)
        };
        // Given back in turn, now that nothing is locked.
        drop(unwanted);
    }
}

impl FairSemaphore {
    /// A semaphore of so many permits.
    pub fn new(size: usize) -> Self {
        let permits =
            Permits { free: size, is_closed: false, held: HashMap::new(), waiting: VecDeque::new() };
        Self { size, permits: Mutex::new(permits), returned: Notify::new() }
    }

    fn permits(&self) -> MutexGuard<'_, Permits> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit for whom this task works; none once the semaphore is closed.
    pub async fn take(self: &Arc<Self>) -> Option<Permit> {
        let share = TENANT.try_with(|tenant| *tenant).ok();
        let (served, unwanted) = {
            let mut permits = self.permits();
            if permits.is_closed {
                return None;
            }
            if permits.waiting.is_empty() && self.admits(&permits, share) {
                return Some(self.permit(&mut permits, share));
            }
            let (way, served) = oneshot::channel();
            permits.waiting.push_back((share, way));
            (served, self.serve(&mut permits))
        };
        drop(unwanted);
        served.await.ok()
    }

    /// Whether the tenant for whom this task works holds a permit.
    pub fn serves_the_same_tenant(&self) -> bool {
        let tenant = TENANT.try_with(|tenant| *tenant).ok();
        tenant.is_some() && self.permits().held.contains_key(&tenant)
    }

    /// Lets nobody in any more, and waits until every permit is back.
    pub async fn close(&self) {
        loop {
            let returned = self.returned.notified();
            {
                let mut permits = self.permits();
                permits.is_closed = true;
                permits.waiting.clear();
                if permits.free == self.size {
                    return;
                }
            }
            returned.await;
        }
    }

    fn admits(&self, permits: &Permits, share: Share) -> bool {
        let held = permits.held.get(&share).copied().unwrap_or(0);
        let most = if share.is_some() && self.size > 1 { self.size - 1 } else { self.size };
        permits.free > 0 && held < most
    }

    fn permit(self: &Arc<Self>, permits: &mut Permits, share: Share) -> Permit {
        permits.free -= 1;
        *permits.held.entry(share).or_default() += 1;
        Permit { semaphore: Arc::clone(self), share }
    }

    /// Serves the tasks that wait, as far as permits are free. What nobody waits for any more is returned, for the caller to drop
    /// when nothing is locked.
    #[must_use]
    fn serve(self: &Arc<Self>, permits: &mut Permits) -> Vec<Permit> {
        let mut unwanted = Vec::new();
        permits.waiting.retain(|(_, way)| !way.is_closed());
        while let Some(next) = self.next(permits) {
            let Some((share, way)) = permits.waiting.remove(next) else { break };
            let permit = self.permit(permits, share);
            unwanted.extend(way.send(permit).err());
            let (own, mut others): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(&mut permits.waiting).into_iter().partition(|(other, _)| *other == share);
            others.extend(own);
            permits.waiting = others;
        }
        unwanted
    }

    /// Who is next: of those that may be admitted, the first of a share that holds fewest permits.
    fn next(&self, permits: &Permits) -> Option<usize> {
        let admitted =
            permits.waiting.iter().enumerate().filter(|(_, (share, _))| self.admits(permits, *share));
        let held = |share: &Share| permits.held.get(share).copied().unwrap_or(0);
        admitted.min_by_key(|(_, (share, _))| held(share)).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::Pin, task::Poll};

    use uuid::Uuid;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Option<Permit>>>>;

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    fn asks(semaphore: &Arc<FairSemaphore>, number: u128) -> Waiting {
        let semaphore = Arc::clone(semaphore);
        Box::pin(async move { in_share_of(tenant(number), semaphore.take()).await })
    }

    fn background(semaphore: &Arc<FairSemaphore>) -> Waiting {
        let semaphore = Arc::clone(semaphore);
        Box::pin(async move { semaphore.take().await })
    }

    /// The permit, if it is there by now.
    async fn has(waiting: &mut Waiting) -> Option<Permit> {
        poll_fn(|context| match waiting.as_mut().poll(context) {
            Poll::Ready(permit) => Poll::Ready(permit),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn a_tenant_leaves_the_last_place_to_the_others_and_the_background_takes_all() {
        let semaphore = Arc::new(FairSemaphore::new(3));
        let taken = [asks(&semaphore, 1).await, asks(&semaphore, 1).await];
        let mut third = asks(&semaphore, 1);
        assert!(has(&mut third).await.is_none());
        let other = has(&mut asks(&semaphore, 2)).await;
        assert!(other.is_some(), "the last permit is the other's");
        drop((taken, other));
        let third = has(&mut third).await;
        assert!(third.is_some());
        drop(third);
        let all = [semaphore.take().await, semaphore.take().await, semaphore.take().await];
        assert!(all.iter().all(Option::is_some));
        assert!(has(&mut background(&semaphore)).await.is_none());
    }

    #[tokio::test]
    async fn one_place_goes_round_however_many_of_one_tenant_wait() {
        let semaphore = Arc::new(FairSemaphore::new(1));
        let mut held = asks(&semaphore, 1).await;
        let mut waiting: Vec<_> = [1, 1, 1, 2, 2, 3].map(|number| (number, asks(&semaphore, number))).into();
        for (_, waits) in &mut waiting {
            assert!(has(waits).await.is_none());
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(held.take());
            for at in 0..waiting.len() {
                if let Some(permit) = has(&mut waiting[at].1).await {
                    held = Some(permit);
                    order.push(waiting.remove(at).0);
                    break;
                }
            }
            assert!(held.is_some(), "{order:?}");
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    }

    #[tokio::test]
    async fn who_gives_up_keeps_nothing_from_the_others() {
        let semaphore = Arc::new(FairSemaphore::new(1));
        let held = asks(&semaphore, 1).await;
        let (mut gives_up, mut stays) = (asks(&semaphore, 2), asks(&semaphore, 2));
        assert!(has(&mut gives_up).await.is_none() && has(&mut stays).await.is_none());
        // Served, and dropped before it looked.
        drop(held);
        drop(gives_up);
        assert!(has(&mut stays).await.is_some());
    }

    #[tokio::test]
    async fn a_closed_room_waits_for_its_places_and_lets_nobody_in() {
        let semaphore = Arc::new(FairSemaphore::new(2));
        let held = semaphore.take().await;
        let mut waiting = [asks(&semaphore, 1), asks(&semaphore, 1)];
        let permit = has(&mut waiting[0]).await;
        assert!(permit.is_some() && has(&mut waiting[1]).await.is_none());
        let (is_closed, closing) = {
            let semaphore = Arc::clone(&semaphore);
            let closing = tokio::spawn(async move { semaphore.close().await });
            tokio::task::yield_now().await;
            (closing.is_finished(), closing)
        };
        let [_, refused] = waiting;
        assert!(!is_closed && refused.await.is_none() && semaphore.take().await.is_none());
        drop(held);
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        drop(permit);
        closing.await.unwrap();
    }
}
