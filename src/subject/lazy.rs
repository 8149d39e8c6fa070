//! Parts that most subjects do without.

use std::ops::{Deref, DerefMut};

/// A value that takes no memory until it is first changed: until then it reads as the value everybody begins with.
///
/// Changing it through `DerefMut` allocates. A change that makes no difference to the first value goes through
/// [`Lazy::present`], which does not.
pub(crate) struct Lazy<T>(Option<Box<T>>);

/// A type with a value that all begin with and can share.
pub(crate) trait Vacant: Default + 'static {
    /// The value everybody begins with, equal to `Self::default()`.
    fn vacant() -> &'static Self;
}

impl<T> Lazy<T> {
    /// The value, if it was ever changed.
    pub fn present(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T> Default for Lazy<T> {
    fn default() -> Lazy<T> {
        Lazy(None)
    }
}

impl<T: Vacant> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => T::vacant(),
        }
    }
}

impl<T: Vacant> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

/// Gives types their [`Vacant`] value.
macro_rules! vacant {
    ($($type:ty),+) => {
        $(impl $crate::subject::Vacant for $type {
            fn vacant() -> &'static Self {
                static VACANT: std::sync::LazyLock<$type> = std::sync::LazyLock::new(Default::default);
                &VACANT
            }
        })+
    };
}
pub(crate) use vacant;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Names {
        list: Vec<String>,
    }

    vacant!(Names);

    #[test]
    fn a_value_is_allocated_by_its_first_change_and_not_by_reading() {
        let mut names = Lazy::<Names>::default();
        assert!(names.list.is_empty() && names.present().is_none());
        assert_eq!(size_of_val(&names), size_of::<usize>());
        names.list.push("alice".into());
        assert_eq!(names.present().map(|names| names.list.len()), Some(1));
    }
}
