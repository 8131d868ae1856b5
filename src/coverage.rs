//! What was at stake in a run: faults that bit, messages that moved, sites that were reached.

use crate::id::SiteId;
use crate::profile::FaultClass;

/// The most `sometimes` sites a system can name.
pub const SITES_MAX: usize = 128;

/// Counts of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    bites: [u32; FaultClass::ALL.len()],
    sites: [u32; SITES_MAX],
}

impl Default for Coverage {
    fn default() -> Self {
        Self { bites: [0; FaultClass::ALL.len()], sites: [0; SITES_MAX] }
    }
}

impl Coverage {
    /// A fault of `class` met something that it could change.
    #[inline]
    pub(crate) fn bite(&mut self, class: FaultClass) {
        self.bites[class as usize] += 1;
    }

    /// `site` was reached.
    #[inline]
    pub(crate) fn reach(&mut self, site: SiteId) {
        self.sites[site.index()] += 1;
    }

    /// How often a fault of `class` met something.
    pub fn bites(&self, class: FaultClass) -> u32 {
        self.bites[class as usize]
    }

    /// How often `site` was reached.
    pub fn reached(&self, site: SiteId) -> u32 {
        self.sites[site.index()]
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
